"""Too much at a time, and what takes too long."""

from __future__ import annotations

import concurrent.futures
import select
from pathlib import Path

import numpy as np

from tests.serving.running import QUICK, running, until


def test_a_full_queue_and_too_many_at_a_time(model: Path, tmp_path: Path) -> None:
    document = {"instances": np.zeros((150, 28, 28)).tolist()}
    with (
        running(tmp_path, model, "--runtime", "tflm", "--concurrency", "3") as server,
        concurrent.futures.ThreadPoolExecutor(8) as pool,
    ):
        name = server.announced["models"][0]["name"]
        asked = [pool.submit(server.post, f"/v1/models/{name}:predict", json=document) for _ in range(8)]
        until(lambda: "in_flight 4.0" in server.get("/metrics").text or any(one.done() for one in asked))
        assert server.get("/health").status_code == 200
        answers = [one.result() for one in asked]
    statuses = sorted(one.status_code for one in answers)
    assert statuses[0] == 200
    assert statuses[-1] == 503
    assert all(one.headers["Retry-After"] == "1" for one in answers if one.status_code == 503)


def test_a_time_limit(model: Path, tmp_path: Path) -> None:
    document = {"instances": np.zeros((1000, 28, 28)).tolist()}
    with running(tmp_path, model, "--runtime", "tflm", "--time-limit", "0.5") as server:
        answer = server.post("/v1/models/seedcnn_int8:predict", json=document)
        assert answer.status_code in (503, 504)
        assert "0.5 s" in answer.json()["error"]
        until(lambda: server.post("/v1/models/seedcnn_int8:predict", json={"instances": [0]}).status_code == 400)


def test_a_body_that_comes_in_chunks_ends_at_the_limit(model: Path, tmp_path: Path) -> None:
    """Nothing declares how long it will be."""
    head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
    with running(tmp_path, model, "--runtime", QUICK, "--body-limit", "0.01") as server:
        for length, answer in ((10_485, b"HTTP/1.1 415 "), (10_486, b"HTTP/1.1 413 ")):
            with server.connection() as one:
                one.sendall(head + b"%x\r\n%s\r\n0\r\n\r\n" % (length, bytes(length)))
                assert one.recv(65536).startswith(answer), length


def test_bodies_that_are_too_many_together(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, model, "--runtime", QUICK, "--body-limit", "0.01") as server:
        head = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: 10000\r\n\r\n"
        held = [server.connection() for _ in range(10)]
        for one in held:
            one.sendall(head + bytes(9999))
        until(lambda: 'reason="memory"} 2.0' in server.get("/metrics").text)
        refused, _, _ = select.select(held, [], [], 1)
        assert [one.recv(65536)[:13] for one in refused] == [b"HTTP/1.1 503 "] * 2
        for one in held:
            one.close()
        until(lambda: server.post("/predict", data=b"x", headers={"Content-Type": "image/png"}).status_code == 415)
