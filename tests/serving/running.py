"""A server as a user starts one: a process of its own, at a free port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from edgemnist.runner import find_runtime

INTERPRETER = next(one for one in ("tflite-runtime", "litert") if find_runtime(f"{one}-default").available() is None)
"""The package of an interpreter that is installed."""

QUICK = f"{INTERPRETER}-default"
"""A runtime that starts without compiling."""


@dataclass(eq=False)
class Running:
    """A server that answers at ``url``; ``log`` is its stderr."""

    process: subprocess.Popen[str]
    url: str
    log: Path
    announced: dict[str, Any]

    @property
    def address(self) -> tuple[str, int]:
        """The host and the port."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def get(self, path: str, **settings: Any) -> requests.Response:
        """Ask with GET."""
        return requests.get(self.url + path, timeout=30, **settings)

    def post(self, path: str, **settings: Any) -> requests.Response:
        """Ask with POST."""
        return requests.post(self.url + path, timeout=30, **settings)

    def connection(self, timeout: float = 20.0) -> socket.socket:
        """Return a connection, for what no library sends."""
        return socket.create_connection(self.address, timeout)

    def exchange(self, data: bytes, timeout: float = 20.0) -> bytes:
        """Return all that comes back for ``data`` until the server closes the connection."""
        with self.connection(timeout) as one:
            one.sendall(data)
            return everything(one)

    def options(self, path: str, **settings: Any) -> requests.Response:
        """Ask with OPTIONS."""
        return requests.options(self.url + path, timeout=30, **settings)

    def events(self) -> list[dict[str, Any]]:
        """Return what it has logged so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def everything(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def running(folder: Path, *arguments: str | Path, environment: dict[str, str] | None = None) -> Iterator[Running]:
    """Serve until the end of the block; the models are among ``arguments``."""
    log = folder / "server.log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            _command(arguments),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | (environment or {}),
        )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, log.read_text()
        announced = json.loads(line)
        yield Running(process, announced["url"], log, announced)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def _command(arguments: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "edgemnist", "serve", *map(str, arguments), "--port", "0", "--json"]


def until(condition: Callable[[], Any], seconds: float = 15) -> Any:
    """Return what ``condition`` gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found
