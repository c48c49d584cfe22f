"""Keys, hosts, origins, headers, the documentation, and what is told of requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgemnist.data.base import Split
from tests.serving.conftest import png
from tests.serving.running import QUICK, Running, running

KEYS = "# who may ask\nfirst-key\nsecond-key\n"


@pytest.fixture(scope="module")
def closed(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a server that asks for a key."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "keys").write_text(KEYS)
    arguments = (
        "--runtime",
        QUICK,
        "--api-key-file",
        folder / "keys",
        "--cors-origin",
        "https://example.org",
    )
    with running(folder, model, *arguments) as one:
        yield one


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/status", "/v1/models/x", "/v2", "/predict", "/nothing"])
@pytest.mark.parametrize(
    "given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic first-key"}, {"X-API-Key": ""}]
)
def test_without_a_key_nothing_is_told(closed: Running, path: str, given: dict[str, str]) -> None:
    answer = closed.get(path, headers=given)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer KEY" in answer.json()["error"]


@pytest.mark.parametrize(
    "given",
    [{"Authorization": "Bearer first-key"}, {"authorization": "bearer second-key"}, {"X-API-Key": "second-key"}],
)
def test_with_a_key(closed: Running, digits: Split, given: dict[str, str]) -> None:
    assert closed.get("/status", headers=given).status_code == 200
    files = {"file": png(digits.images[0, ..., 0])}
    assert closed.post("/predict", files=files, headers=given).json()["digit"] == digits.labels[0]


@pytest.mark.parametrize("path", ["/health", "/metrics", "/v2/health/live", "/v2/health/ready"])
def test_who_watches_needs_no_key(closed: Running, path: str) -> None:
    assert closed.get(path).status_code == 200


def test_keys_are_in_no_log(closed: Running) -> None:
    closed.get("/status?key=first-key", headers={"Authorization": "Bearer first-key"})
    assert "first-key" not in closed.log.read_text()


def test_a_key_of_the_environment(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, model, environment={"EDGEMNIST_API_KEY": "abc"}) as one:
        assert one.get("/status").status_code == 401
        assert one.get("/status", headers={"X-API-Key": "abc"}).status_code == 200


def test_origins(closed: Running, server: Running) -> None:
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    answer = closed.options("/predict", headers=asked)
    assert answer.headers["Access-Control-Allow-Origin"] == "https://example.org"
    other = closed.options("/predict", headers={**asked, "Origin": "https://example.com"})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Access-Control-Allow-Origin" not in server.get("/health", headers=asked).headers


@pytest.mark.parametrize(
    ("host", "status"), [("127.0.0.1", 200), ("localhost:80", 200), ("[::1]:80", 200), ("example.org", 400)]
)
def test_hosts(server: Running, host: str, status: int) -> None:
    answer = server.get("/health", headers={"Host": host})
    assert answer.status_code == status
    if status == 400:
        assert "--allowed-host" in answer.json()["error"]


def test_headers_and_names_of_requests(server: Running) -> None:
    answer = server.get("/health", headers={"X-Request-Id": "abc-1"})
    assert answer.headers["X-Request-Id"] == "abc-1"
    for name in ("X-Content-Type-Options", "X-Frame-Options", "Content-Security-Policy", "Referrer-Policy"):
        assert name in answer.headers
    assert "server" not in answer.headers
    for given in ("", "a b", "a" * 200, "ä".encode("latin-1").decode("latin-1")):
        made = server.get("/health", headers={"X-Request-Id": given.encode("latin-1")}).headers["X-Request-Id"]
        assert re.fullmatch("[0-9a-f]{32}", made)
    logged = [one for one in server.events() if one.get("request_id") == "abc-1"]
    assert [(one["path"], one["status"], one["method"]) for one in logged] == [("/health", 200, "GET")]


def test_the_documentation_loads_nothing(server: Running) -> None:
    page = server.get("/docs").text
    assert not re.search(r"<script|<link|<img|@import|url\(|src=", page)
    paths = server.get("/openapi.json").json()["paths"]
    assert len(paths) > 15
    for path in paths:
        assert f"<code>{path}</code>" in page
    assert f"curl -F file=@digit.png {server.url}/predict" in page
    assert server.get("/").url.endswith("/docs")


def test_metrics(server: Running, digits: Split) -> None:
    def count(line: str) -> float:
        found = [one for one in server.get("/metrics").text.splitlines() if one.startswith(line + " ")]
        return float(found[0].split(" ")[1]) if found else 0.0

    label = str(digits.labels[0])
    lines = (
        f'edgemnist_predictions_total{{label="{label}",model="digits",version="1"}}',
        'edgemnist_requests_total{method="POST",route="/predict",status="200"}',
        'edgemnist_requests_total{method="GET",route="none",status="404"}',
        'edgemnist_batch_images_count{model="digits",runtime="host-c",version="1"}',
    )
    before = [count(line) for line in lines]
    for number in range(3):
        server.post("/predict", files={"file": png(digits.images[0, ..., 0])})
        server.get(f"/nothing/{number}")
    assert [count(line) for line in lines] == [one + 3 for one in before]
    assert "/nothing" not in server.get("/metrics").text
