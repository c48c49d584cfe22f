"""The HTTP mode: right answers, and it stays up whatever is sent."""

from __future__ import annotations

import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.oracles import needs

pytestmark = needs("tflite-runtime-reference", "litert-default")

JUNK_REQUESTS = 10_000
THREADS = 4


@pytest.fixture(scope="module")
def picture(bundle: Path) -> bytes:
    """Return a golden image as a PGM file."""
    with np.load(bundle / "golden.npz") as golden:
        return b"P5 28 28 255\n" + bytes(golden["images"][0].tobytes())


@pytest.fixture(scope="module")
def port(bundle: Path) -> Iterator[int]:
    """Return the port of a running service; it has to end well."""
    command = [sys.executable, "-B", str(bundle / "classify.py"), "--serve", "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "listening on http://127.0.0.1:" in line
    yield int(line.rsplit(":", 1)[1])
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=20)[1]
    assert (process.returncode, said) == (0, "")


def _ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def _raw(port: int, content: bytes) -> bytes:
    """Send bytes, say that no more come, and return what is answered; a connection that is cut answers nothing."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(1 << 16), b""))
        except OSError:
            return b""


def test_predict_and_health(port: int, picture: bytes) -> None:
    status, answer = _ask(port, "POST", "/predict", picture)
    assert status == 200
    assert answer["top"][0]["label"] == answer["label"]
    status, health = _ask(port, "GET", "/health")
    assert (status, health["status"]) == (200, "ok")
    assert len(health["model_sha256"]) == 64


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/predict", b"junk", {}, 400),
        ("POST", "/predict", b"", {}, 400),
        ("POST", "/predict?invert=maybe", b"P5 1 1 255\n1", {}, 400),
        ("POST", "/predict", b"P5 9000 9000 255\n", {}, 400),
        ("POST", "/predict", b"x", {"Content-Length": "99999999999"}, 413),
        ("POST", "/predict", b"x", {"Content-Length": str((8 << 20) + 1)}, 413),
        ("POST", "/predict", b"x", {"Content-Length": "-1"}, 400),
        ("POST", "/predict", b"x", {"Content-Length": "²"}, 400),
        ("POST", "/predict", b"x", {"Transfer-Encoding": "chunked"}, 411),
        ("GET", "/predict", None, {}, 405),
        ("GET", "/../../etc/passwd", None, {}, 404),
        ("DELETE", "/predict", None, {}, 501),
    ],
)
def test_wrong_requests_get_a_reason(
    port: int, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    found, answer = _ask(port, method, path, body, **headers)
    assert found == status
    assert answer["error"]


def _junk(generator: random.Random, picture: bytes) -> bytes:
    """Return something that a client, a scanner or a fuzzer might send."""
    damaged = bytearray(picture)
    damaged[generator.randrange(len(damaged))] = generator.randrange(256)
    body = generator.choice([bytes(damaged), generator.randbytes(generator.randrange(300)), picture[:300], b""])
    length = generator.choice([len(body), len(body), len(body), len(body) + 5, 0, "ten", -3, 10**12])
    head = generator.choice([b"POST /predict", b"GET /health", b"POST /" + generator.randbytes(8).hex().encode()])
    request = head + b" HTTP/1.1\r\nHost: pi\r\nContent-Length: " + str(length).encode() + b"\r\n\r\n" + body
    return generator.choice(
        [request, request, request, request[: generator.randrange(len(request))], body, b"\r\n" * 4]
    )


@pytest.mark.slow
def test_ten_thousand_requests_with_junk_leave_it_up(port: int, picture: bytes) -> None:
    expected = _ask(port, "POST", "/predict", picture)[1]["top"]
    wrong: list[Any] = []

    def client(seed: int) -> None:
        generator = random.Random(seed)
        keeping = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for index in range(JUNK_REQUESTS // THREADS):
            if index % 2:
                keeping.request("POST", "/predict", picture)
                answer = json.loads(keeping.getresponse().read())
                if answer.get("top") != expected:
                    wrong.append(answer)
            else:
                _raw(port, _junk(generator, picture))
        keeping.close()

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    status, health = _ask(port, "GET", "/health")
    assert (status, health["status"]) == (200, "ok")
    assert health["answered"] >= JUNK_REQUESTS // 2


def test_many_idle_clients_do_not_block_it_for_ever(port: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
    try:
        answers = [_raw(port, b"GET /health HTTP/1.0\r\n\r\n") for _ in range(20)]
        busy, done = b"HTTP/1.1 503 Service Unavailable", b"HTTP/1.1 200 OK"
        assert {busy} <= {answer.partition(b"\r\n")[0] for answer in answers} <= {busy, done}
    finally:
        for connection in idle:
            connection.close()


def test_a_port_that_is_taken(port: int, bundle: Path) -> None:
    command = [sys.executable, "-B", str(bundle / "classify.py"), "--serve", "--port", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3
    assert "cannot listen" in done.stderr and "Traceback" not in done.stderr
