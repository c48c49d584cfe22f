"""The bundle's HTTP mode: right answers whatever is sent beside them, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import http.client
import importlib.machinery
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from soak_client import Address, ask_all, healthy_under_slow
from soak_questions import GOOD, Picture, mixed, saved

from edgemnist.http.settings import AccessSettings, own_names
from edgemnist.pi.bundle.service import LIMITS, access_settings
from tests.oracles import needs

pytestmark = needs("tflite-runtime-reference", "litert-default")


@dataclass(frozen=True)
class Running:
    """A service that answers at a port."""

    process: subprocess.Popen[str]
    port: int


@contextmanager
def running(bundle: Path, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Serve until the end of the block."""
    command = [sys.executable, "-B", str(bundle / "classify.py"), "--serve", "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        assert "listening on http://" in line
        yield Running(process, int(line.rsplit(":", 1)[1]))
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def service(bundle: Path) -> Iterator[Running]:
    """Return a running service; it has to end well, and says nothing meanwhile."""
    with running(bundle) as one:
        yield one
        one.process.send_signal(signal.SIGTERM)
        said = one.process.communicate(timeout=30)[1]
        assert (one.process.returncode, said) == (0, "")


@pytest.fixture(scope="module")
def pictures(bundle: Path, service: Running) -> list[Picture]:
    """Return golden images with the answers that they get one by one."""
    with np.load(bundle / "golden.npz") as golden:
        images, labels = golden["images"][:8, ..., 0], golden["labels"][:8]
    made = []
    for image, label in zip(images, labels, strict=True):
        files = {format: saved(image, format) for format in ("PNG", "JPEG")}
        told = {format: _ask(service, "POST", "/predict", content)[1] for format, content in files.items()}
        assert told["PNG"]["label"] == str(label)
        made.append(Picture(image, files, {key: (one["label"], one["confidence"]) for key, one in told.items()}))
    return made


def _ask(
    service: Running, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_predict_and_health(service: Running, pictures: list[Picture]) -> None:
    status, answer = _ask(service, "POST", "/predict", pictures[0].files["PNG"])
    assert status == 200
    assert answer["top"][0] == {"label": answer["label"], "index": answer["index"], "probability": pytest.approx(
        answer["confidence"], abs=1e-6)}  # fmt: skip
    assert (answer["framing"], answer["inverted"]) == ("as it is", False)
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=0.02)
    inverted = _ask(service, "POST", "/predict?invert=yes", saved(np.invert(pictures[0].pixels), "PNG"))[1]
    assert (inverted["label"], inverted["inverted"]) == (answer["label"], True)
    status, health = _ask(service, "GET", "/health")
    assert (status, health["status"]) == (200, "ok")
    assert len(health["model_sha256"]) == 64
    assert "POST /predict" in _ask(service, "GET", "/")[1]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/predict?invert=maybe", b"P5 1 1 255\n1", {}, 400),
        ("POST", "/predict", b"P5 9000 9000 255\n", {}, 413),
        ("POST", "/predict", b"x", {"Content_Length": str((8 << 20) + 1)}, 413),
        ("POST", "/predict", b"x", {"Content_Length": "600000", "Content_Type": "application/json"}, 413),
        ("POST", "/predict", b"x", {"Content_Length": "5000000", "Content_Type": "multipart/form-data"}, 413),
        ("POST", "/predict", b"P6 300 300 100\n" + bytes(270_000), {}, 400),
        ("GET", "/predict", None, {}, 405),
        ("GET", "/../../etc/passwd", None, {}, 404),
        ("GET", "/health", None, {"Host": "example.org"}, 400),
    ],
)
def test_wrong_requests_get_a_reason(
    service: Running, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    found, answer = _ask(service, method, path, body, **headers)
    assert found == status
    assert answer["error"]


@pytest.mark.slow
def test_five_hundred_mixed_requests_fifty_at_a_time(service: Running, pictures: list[Picture]) -> None:
    questions = mixed(pictures, 500, seed=3)
    found = asyncio.run(ask_all(Address("127.0.0.1", service.port), questions, 50))
    assert found.wrong == []
    assert set(GOOD) < set(found.kinds)


@pytest.mark.slow
def test_health_is_answered_under_200_slow_connections(service: Running) -> None:
    address = Address("127.0.0.1", service.port)
    assert asyncio.run(healthy_under_slow(address, slow=200, checks=20, seconds=5)) >= 19


@pytest.mark.slow
def test_no_request_is_lost_when_it_ends(bundle: Path, pictures: list[Picture]) -> None:
    with running(bundle) as one:
        script = _soak_serve()
        found = script.ended(script.Started("bundle", one.process, Address("127.0.0.1", one.port)), pictures)
    assert (found["lost_first"], found["exit_code"]) == ([], 0)


def _soak_serve() -> Any:
    """Return ``scripts/soak_serve`` as a module."""
    path = Path(__file__).parents[2] / "scripts" / "soak_serve"
    loader = importlib.machinery.SourceFileLoader("soak_serve", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("soak_serve", loader))  # type: ignore[arg-type]
    sys.modules["soak_serve"] = module
    loader.exec_module(module)
    return module


def test_a_key(bundle: Path) -> None:
    with running(bundle, environment={"EDGEMNIST_API_KEY": "secret"}) as one:
        assert _ask(one, "GET", "/health")[0] == 200
        assert _ask(one, "POST", "/predict", b"x")[0] == 401
        assert _ask(one, "POST", "/predict", b"x", Authorization="Bearer secret")[0] == 415


def test_a_port_that_is_taken(service: Running, bundle: Path) -> None:
    command = [sys.executable, "-B", str(bundle / "classify.py"), "--serve", "--port", str(service.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 3
    assert "is taken" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("host", "allowed", "asked", "answers"),
    [
        ("127.0.0.1", [], "localhost", True),
        ("127.0.0.1", [], "192.168.1.20", False),
        ("0.0.0.0", [], "192.168.1.20", True),
        ("0.0.0.0", [], "fe80::1", True),
        ("0.0.0.0", [], "own", True),
        ("0.0.0.0", [], "example.org", False),
        ("0.0.0.0", ["Digits.lan"], "digits.lan", True),
        ("0.0.0.0", ["any"], "example.org", True),
    ],
)
def test_the_names_by_which_it_may_be_asked(host: str, allowed: list[str], asked: str, answers: bool) -> None:
    access = access_settings(host, allowed, None)
    names = [name for name in own_names() if name.endswith(".local")] if asked == "own" else [asked]
    assert [access.answers_for(name) for name in names] == [answers]


def test_its_limits_are_those_of_a_small_machine() -> None:
    assert LIMITS.held_bodies * LIMITS.body_bytes <= 24 << 20
    assert AccessSettings().answers_for("anything")
