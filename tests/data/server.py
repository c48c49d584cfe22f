"""An HTTP server on 127.0.0.1 whose paths misbehave, each in its own way: ``/<behaviour>/<file>``."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class MirrorServer:
    """A running server: the files it has, what was asked of it, and a switch that lets waiting replies end."""

    port: int
    files: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def mirror(self, behaviour: str) -> str:
        """Return the address prefix of a mirror that behaves like this."""
        return f"http://127.0.0.1:{self.port}/{behaviour}/"

    def ranges(self, behaviour: str) -> list[str]:
        """Return the Range headers ("" for none) that a behaviour's mirror got."""
        return [asked for name, asked in self.requests if name == behaviour]


class _Handler(BaseHTTPRequestHandler):
    state: MirrorServer

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        _, behaviour, name = self.path.split("/", 2)
        self.state.requests.append((behaviour, self.headers.get("Range", "")))
        content = self.state.files.get(name)
        if content is None:
            self.send_error(404)
            return
        try:
            getattr(self, f"_{behaviour}")(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _start(self) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(asked.group(1)) if asked else 0

    def _head(self, start: int, total: int) -> None:
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(total - start))
        self.end_headers()

    def _good(self, content: bytes) -> None:
        start = self._start()
        if start >= len(content):
            self.send_error(416)
            return
        self._head(start, len(content))
        self.wfile.write(content[start:])

    def _ignores_range(self, content: bytes) -> None:
        self._head(0, len(content))
        self.wfile.write(content)

    def _wrong_range(self, content: bytes) -> None:
        """Claims a partial answer but starts at the beginning."""
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 0-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _dies(self, content: bytes) -> None:
        """Announces the rest, sends half of it and hangs up."""
        start = self._start()
        self._head(start, len(content))
        self.wfile.write(content[start : start + (len(content) - start + 1) // 2])

    def _truncates(self, content: bytes) -> None:
        """Always sends the same first third, whatever is asked, and hangs up."""
        self._head(0, len(content))
        self.wfile.write(content[: len(content) // 3])

    def _lies(self, content: bytes) -> None:
        """Sends other bytes of the right length."""
        start = self._start()
        self._head(start, len(content))
        self.wfile.write(bytes(byte ^ 0xFF for byte in content[start:]))

    def _lies_then_dies(self, content: bytes) -> None:
        """Sends half, wrong, and hangs up; has nothing for who asks for the rest."""
        if self._start():
            self.send_error(503)
            return
        self._head(0, len(content))
        self.wfile.write(bytes(len(content) // 2))

    def _portal(self, content: bytes) -> None:
        """Answers with a page, like the login page of a hotel's network."""
        page = b"<html>please log in</html>"
        self._head(0, len(page))
        self.wfile.write(page)

    def _endless(self, content: bytes) -> None:
        """Sends without end and without saying how much."""
        self.send_response(200)
        self.end_headers()
        while not self.state.ended.is_set():
            self.wfile.write(bytes(1 << 14))

    def _fails(self, content: bytes) -> None:
        self.send_error(500)

    def _hangs_up(self, content: bytes) -> None:
        self.close_connection = True

    def _silent(self, content: bytes) -> None:
        """Takes the request and never answers."""
        self.state.ended.wait(10)

    def _falls_silent(self, content: bytes) -> None:
        """Sends a little and then nothing."""
        self._head(0, len(content))
        self.wfile.write(content[:10])
        self.wfile.flush()
        self.state.ended.wait()

    def _dribbles(self, content: bytes) -> None:
        """Sends a byte at a time, just often enough never to be silent."""
        start = self._start()
        self._head(start, len(content))
        for at in range(start, len(content)):
            if self.state.ended.wait(0.02):
                return
            self.wfile.write(content[at : at + 1])
            self.wfile.flush()

    def _redirects(self, content: bytes) -> None:
        self.send_response(302)
        self.send_header("Location", self.path.replace("/redirects/", "/good/"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _circles(self, content: bytes) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def running_server() -> Iterator[MirrorServer]:
    """Run a server in threads of this process."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        state = MirrorServer(http_server.server_address[1])
        handler.state = state  # type: ignore[attr-defined]
        thread = threading.Thread(target=http_server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield state
        finally:
            state.ended.set()
            http_server.shutdown()
            thread.join()
