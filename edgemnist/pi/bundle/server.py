"""A small HTTP service: ``POST /predict`` with an image as the body, ``GET /health``.

One image is classified at a time; whatever a client sends, the service stays up. It speaks plain HTTP without a
password: it listens on this machine only unless it is told otherwise.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import sys
import threading
import time
from collections import deque
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .classifier import Classifier
from .framing import INVERT_CHOICES
from .limits import PI_SERVICE_MAX_PIXELS
from .pictures import read_picture
from .problems import EnvironmentProblem, Problem

MAX_BODY_BYTES = 8 << 20
MAX_CONNECTIONS = 16
SECONDS_PER_REQUEST = 10.0
_DISCARDED_BYTES, _DISCARDING_SECONDS = 64 << 10, 0.2
_MAX_CLOSING = 64


class _RefusedError(Exception):
    """A request that gets an error as its answer."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class Service(ThreadingHTTPServer):
    """The service: ``connections`` bounds how many clients are answered at once, ``turn`` lets one image in."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], classifier: Classifier) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)
        self.classifier = classifier
        self.turn = threading.Lock()
        self.connections = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.closing: deque[tuple[float, socket.socket]] = deque()
        self.answered, self.refused = 0, 0

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, or at once with 503 when too many clients are connected."""
        if self.connections.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        with contextlib.suppress(OSError):
            request.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            request.shutdown(socket.SHUT_WR)
        self.closing.append((time.monotonic() + _DISCARDING_SECONDS, request))

    def service_actions(self) -> None:
        """Close what was turned away a while ago: closed while its request still comes in, it would lose the answer."""
        while self.closing and (len(self.closing) > _MAX_CLOSING or self.closing[0][0] <= time.monotonic()):
            request = self.closing.popleft()[1]
            with contextlib.suppress(OSError):
                request.setblocking(False)
                request.recv(_DISCARDED_BYTES)
            self.close_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, then free the place."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell a client that went away from a fault of the service; neither ends it."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            sys.stderr.write(f"classify.py: while answering {client_address[0]}: {type(error).__name__}: {error}\n")


class _Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"
    server_version = "edgemnist"
    sys_version = ""
    timeout = SECONDS_PER_REQUEST
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer({"/health": self._health})

    def do_POST(self) -> None:
        self._answer({"/predict": self._predict})

    def log_message(self, format: str, *arguments: Any) -> None:
        """Log nothing per request: an SD card wears out, and junk would fill it."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the base class refuses, with JSON."""
        self.close_connection = True
        self.server.refused += 1
        self._send(HTTPStatus(code), {"error": message or HTTPStatus(code).phrase})

    def _answer(self, routes: dict[str, Any]) -> None:
        try:
            body = self._body()
            path = urlsplit(self.path).path
            if path not in routes:
                known = path in ("/health", "/predict")
                status = HTTPStatus.METHOD_NOT_ALLOWED if known else HTTPStatus.NOT_FOUND
                raise _RefusedError(status, "known are GET /health and POST /predict with an image as the body")
            answer = routes[path](body)
            self.server.answered += 1
            self._send(HTTPStatus.OK, answer)
        except _RefusedError as refusal:
            self.server.refused += 1
            self._send(refusal.status, {"error": str(refusal)})
        except Problem as problem:
            self.server.refused += 1
            self._send(HTTPStatus.BAD_REQUEST, {"error": str(problem)})
        except MemoryError:
            self.server.refused += 1
            self._send(HTTPStatus.INSUFFICIENT_STORAGE, {"error": "the memory does not suffice for this picture"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "send the image with a Content-Length, not in chunks")
        given = self.headers.get("Content-Length", "0")
        if not (given.isascii() and given.isdigit() and len(given) < 16):
            self.close_connection = True
            raise _RefusedError(
                HTTPStatus.BAD_REQUEST, f"Content-Length is {given[:40]!r}, it has to be a number of bytes"
            )
        length = int(given)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            self.connection.settimeout(_DISCARDING_SECONDS)
            with contextlib.suppress(OSError):
                self.rfile.read1(_DISCARDED_BYTES)  # a connection closed on unread bytes may lose the answer
            raise _RefusedError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"{length} bytes are too many, at most {MAX_BODY_BYTES} are taken"
            )
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            raise _RefusedError(HTTPStatus.BAD_REQUEST, f"{length} bytes were promised, {len(body)} came")
        return body

    def _health(self, body: bytes) -> dict[str, Any]:
        counts = {"answered": self.server.answered, "refused": self.server.refused}
        return {"status": "ok", **self.server.classifier.described(), **counts}

    def _predict(self, body: bytes) -> dict[str, Any]:
        if not body:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "the body is empty; send the bytes of an image file")
        invert = parse_qs(urlsplit(self.path).query).get("invert", ["auto"])[-1]
        if invert not in INVERT_CHOICES:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, f"invert has to be one of {', '.join(INVERT_CHOICES)}")
        with self.server.turn:
            picture = read_picture(body, "the body", PI_SERVICE_MAX_PIXELS)
            candidates, microseconds = self.server.classifier.classify(picture, invert=invert)
        return {
            "label": candidates[0].label,
            "index": candidates[0].index,
            "top": [one.as_json() for one in candidates],
            "microseconds": round(microseconds, 1),
        }

    def _send(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def serve(classifier: Classifier, host: str, port: int) -> int:
    """Answer requests until SIGTERM or Ctrl-C; then return 0."""
    try:
        service = Service((host, port), classifier)
    except (OSError, OverflowError) as error:
        raise EnvironmentProblem(f"cannot listen on {host}, port {port}: {error}") from error
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=service.shutdown).start())
    with service:
        at = f"[{host}]" if ":" in host else host
        sys.stderr.write(f"classify.py: listening on http://{at}:{service.server_address[1]}\n")
        sys.stderr.flush()
        with contextlib.suppress(KeyboardInterrupt):
            service.serve_forever()
    return 0
