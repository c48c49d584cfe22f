"""Connections that are slow, malformed or many, and the end of the server."""

from __future__ import annotations

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path

import pytest

from edgemnist.data.base import Split
from tests.serving.conftest import png
from tests.serving.running import QUICK, Running, everything, running

GET = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"

MALFORMED = {
    "two lengths": POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "two lengths in one": POST + b"Content-Length: 1, 2\r\n\r\nab",
    "a length with a sign": POST + b"Content-Length: +1\r\n\r\na",
    "a negative length": POST + b"Content-Length: -1\r\n\r\na",
    "a length that is none": POST + b"Content-Length: one\r\n\r\na",
    "a chunk that is none": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\na\r\n0\r\n\r\n",
    "a space before the colon": GET + b"X-A : 1\r\n\r\n",
    "one length twice": POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
    "one length twice in one": POST + b"Content-Length: 1, 1\r\n\r\na",
    "a length and chunks": POST + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /predict HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a chunk's size with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+1\r\na\r\n0\r\n\r\n",
    "a chunk's size as in C": POST + b"Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
    "a huge chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\na\r\n0\r\n\r\n",
    "a chunk that goes on": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    "a folded line": GET + b"X-A: 1\r\n 2\r\n\r\n",
    "a folded length": POST + b"Content-Length:\r\n 1\r\n\r\na",
    "a folded name": GET + b"X-A\r\n B: 1\r\n\r\n",
    "a control character": GET + b"X-A: a\x00b\r\n\r\n",
    "no host": b"GET /health HTTP/1.1\r\n\r\n",
    "two hosts": GET + b"Host: localhost\r\n\r\n",
    "no version": b"GET /health\r\nHost: 127.0.0.1\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "a very long head": GET + b"X-A: " + b"a" * 1_000_000 + b"\r\n\r\n",
}


def test_a_length_and_chunks_are_ambiguous(server: Running, digits: Split) -> None:
    picture = png(digits.images[0, ..., 0])
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(picture), picture)
    answer = server.exchange(POST + b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"send one of them" in answer


@pytest.mark.parametrize("name", MALFORMED)
def test_framing_that_is_wrong_is_refused(server: Running, name: str) -> None:
    with server.connection() as one:
        one.sendall(MALFORMED[name])
        answer = one.recv(65536)
    assert answer.startswith(b"HTTP/1.1 431 " if name == "a very long head" else b"HTTP/1.1 400 "), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]


def test_other_transfer_codings_are_refused(server: Running) -> None:
    answer = server.exchange(POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
    assert answer.split(b" ")[1] in (b"400", b"501"), answer


def test_chunks_and_requests_behind_one_another(server: Running, digits: Split) -> None:
    picture = png(digits.images[0, ..., 0])
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (picture[:100], picture[100:]))
    request = POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    answer = server.exchange(request + request + GET + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert answer.count(b'"digit":%d' % digits.labels[0]) == 2


def test_a_body_is_asked_for_before_it_is_sent(server: Running, digits: Split) -> None:
    picture = png(digits.images[0, ..., 0])
    with server.connection() as one:
        one.sendall(POST + b"Expect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(picture))
        assert one.recv(65536).startswith(b"HTTP/1.1 100 ")
        one.sendall(picture)
        assert b"200 OK" in everything(one)


def test_a_body_that_is_too_large_is_not_waited_for(server: Running) -> None:
    with server.connection(5) as one:
        one.sendall(POST + b"Content-Length: 1000000000\r\n\r\n")
        assert one.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_health_is_answered_under_200_slow_connections(server: Running) -> None:
    slow = [server.connection() for _ in range(200)]
    ended = threading.Event()

    def drip() -> None:
        for byte in (POST + b"Content-Length: 100\r\n\r\n" + bytes(100))[:10_000]:
            for one in slow:
                try:
                    one.send(bytes([byte]))
                except OSError:
                    continue
            if ended.wait(0.02):
                return

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        answered = 0
        for _ in range(100):
            start = time.monotonic()
            answered += server.get("/health").status_code == 200 and time.monotonic() - start < 1
    finally:
        ended.set()
        dripping.join()
        for one in slow:
            one.close()
    assert answered >= 95


@pytest.fixture(scope="module")
def hurried(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a server that waits a second for heads and bodies."""
    with running(tmp_path_factory.mktemp("hurried"), model, "--runtime", QUICK, "--head-limit", "1") as one:
        yield one


@pytest.mark.parametrize("begun", [b"", b"GET", GET, GET + b"X-A: "])
def test_a_head_that_does_not_come(hurried: Running, begun: bytes) -> None:
    start = time.monotonic()
    answer = hurried.exchange(begun)
    assert 0.5 < time.monotonic() - start < 4
    assert answer.startswith(b"HTTP/1.1 408 ") if begun else answer == b""
    if begun:
        json.loads(answer.partition(b"\r\n\r\n")[2])


def test_a_head_that_does_not_come_on_a_used_connection(hurried: Running) -> None:
    with hurried.connection() as one:
        one.sendall(GET + b"\r\nGET /heal")
        answers = everything(one)
    assert answers.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answers


def test_a_body_that_does_not_come(hurried: Running) -> None:
    answer = hurried.exchange(POST + b"Content-Length: 10\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"did not come within" in answer


def test_no_request_is_lost_when_it_ends(model: Path, digits: Split, classes: list[int], tmp_path: Path) -> None:
    pictures = [png(image[..., 0]) for image in digits.images]
    requests = [POST + b"Content-Length: %d\r\n\r\n%s" % (len(one), one) for one in pictures]
    with running(tmp_path, model, "--runtime", QUICK, "--grace", "0.5") as server, ExitStack() as stack:
        connections = [stack.enter_context(server.connection()) for _ in range(200)]
        late, idle, *half = (stack.enter_context(server.connection()) for _ in range(7))
        for number, one in enumerate(connections):
            one.sendall(requests[number % len(requests)])
        for one in half:
            one.sendall(requests[0][:-10])
        server.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 5
        ready = 200
        while ready == 200 and time.monotonic() < deadline:  # it still lets others in, and says that it is to end
            ready = server.get("/v2/health/ready").status_code
        assert ready == 503
        assert server.get("/health").json()["status"] == "draining"
        late.sendall(requests[1])
        time.sleep(1)
        for one in half:
            one.sendall(requests[0][-10:])
        answers = [everything(one) for one in [*connections, late, *half]]
        assert everything(idle) == b""
        assert server.process.wait(20) == 0
    wanted = [classes[number % len(requests)] for number in range(200)] + [classes[1]] + [classes[0]] * len(half)
    assert [json.loads(answer.partition(b"\r\n\r\n")[2])["digit"] for answer in answers] == wanted
    assert server.events()[-1]["event"] == "ended"


def test_clients_that_go_on_asking_are_answered_or_refused(model: Path, digits: Split, tmp_path: Path) -> None:
    picture = png(digits.images[0, ..., 0])
    answered, cut_off = [], []

    def ask(server: Running) -> None:
        connection = HTTPConnection(*server.address, timeout=20)
        while True:
            try:
                connection.connect()
            except ConnectionRefusedError:
                return
            try:
                kept = True
                while kept:
                    connection.request("POST", "/predict", picture, {"Content-Type": "image/png"})
                    answer = connection.getresponse()
                    answered.append(answer.status)
                    answer.read()
                    kept = answer.getheader("Connection") != "close"
            except OSError as error:
                cut_off.append(error)
            finally:
                connection.close()

    with running(tmp_path, model, "--runtime", QUICK, "--grace", "0.2") as server:
        asking = [threading.Thread(target=ask, args=(server,)) for _ in range(8)]
        for one in asking:
            one.start()
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        for one in asking:
            one.join()
        assert server.process.wait(20) == 0
    assert set(answered) == {200}
    assert len(cut_off) <= 1  # who comes in the very microsecond in which the door is closed


def test_ctrl_c_ends_it_too(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, model, "--runtime", QUICK, "--grace", "0") as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == 0


def test_a_second_signal_does_not_wait(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, model, "--runtime", QUICK, "--grace", "60") as server:
        server.process.send_signal(signal.SIGTERM)
        time.sleep(3.2)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 128 + signal.SIGTERM
        assert "ended by SIGTERM" in server.log.read_text()


def test_a_port_that_is_taken(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from edgemnist import cli

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.run(["serve", str(model), "--port", str(port)]) == 3
    assert "is taken; choose another one with --port" in capsys.readouterr().err
