"""What holds for every request: its name, the host it was sent to, its key, limits, headers, a line of log, counts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import time
import traceback
from collections.abc import Iterable, MutableMapping
from contextlib import suppress
from typing import Any

import anyio
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgemnist.http import log
from edgemnist.http.answers import problem_response
from edgemnist.http.problems import RequestError, overloaded
from edgemnist.http.service import AFTER, REQUEST_ID, STARTED, Service

OPEN_PATHS = ("/health", "/metrics", "/v2/health/live", "/v2/health/ready")
"""What needs no key and is let in however much is going on: those who watch the server have to see it then too."""

_NAME = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_POLICY = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
"""Of a response that has none of its own."""

_CLIENT_GONE = 499
"""Not in any standard; what servers write into their logs when nobody was left to be answered."""


class Guard:
    """The ASGI application around the routes."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._service = app, service
        self._keys = [hashlib.sha256(key.encode()).digest() for key in service.access.keys]
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        name = given if _NAME.fullmatch(given) else secrets.token_hex(16).encode()
        scope[STARTED], scope[REQUEST_ID] = time.perf_counter(), name.decode()
        answer = _Answer(scope, send, name, self._service)
        self._in_flight += 1
        self._service.counts.in_flight(self._in_flight)
        try:
            await self._answer(scope, headers, receive, answer)
        finally:
            self._in_flight -= 1
            self._service.release(scope)
            self._service.counts.in_flight(self._in_flight)
            self._tell(scope, answer)
        for action in scope.get(AFTER, ()):
            action()

    async def _answer(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, answer: _Answer) -> None:
        seconds = self._service.limits.seconds
        try:
            self._let_in(scope, headers)
            with anyio.fail_after(seconds):
                await self._app(scope, receive, answer.send)
        except RequestError as problem:
            await answer.problem(problem, receive)
        except TimeoutError:
            message = f"no answer within {seconds:g} s; ask again later, or for fewer images"
            await answer.problem(RequestError(504, message), receive)
        except ClientDisconnect:
            answer.status = _CLIENT_GONE
        except Exception as error:
            answer.error = f"{type(error).__name__}: {error}"  # the application has said that it is our fault
            log.write("error", "fault", request_id=scope[REQUEST_ID], traceback=traceback.format_exc())

    def _let_in(self, scope: Scope, headers: dict[bytes, bytes]) -> None:
        """Refuse a request by its head.

        :raises RequestError: 400 it was sent to another host; 401 it has no key; 503 there are too many.
        """
        access = self._service.access
        if not access.answers_for(_host_of(headers)):
            self._service.counts.refused("host")
            raise RequestError(
                400, f"this server does not answer for the host {_host_of(headers)!r}; start it with --allowed-host"
            )
        if scope["path"] in OPEN_PATHS:
            return
        if self._keys and not (scope["method"] == "OPTIONS" and access.origins) and not self._has_key(headers):
            self._service.counts.refused("key")
            # A browser asks its user for a name and a password: the password is the key.
            browser = b"text/html" in headers.get(b"accept", b"")
            challenge = 'Basic realm="edgemnist: any name, the API key as the password"' if browser else "Bearer"
            raise RequestError(
                401, "an API key is needed; send it as Authorization: Bearer KEY", {"WWW-Authenticate": challenge}
            )
        if self._in_flight > self._service.limits.concurrency:
            self._service.counts.refused("concurrency")
            raise overloaded(f"{self._service.limits.concurrency} requests are being answered, and no more may be")

    def _has_key(self, headers: dict[bytes, bytes]) -> bool:
        digest = hashlib.sha256(_given_key(headers)).digest()
        # Every key is compared, each in constant time: how long it takes tells nothing of any of them.
        return sum([hmac.compare_digest(digest, key) for key in self._keys]) > 0

    def _tell(self, scope: Scope, answer: _Answer) -> None:
        seconds = time.perf_counter() - float(scope[STARTED])
        route = getattr(scope.get("route"), "path", "none")
        self._service.counts.answered(route, _method(scope), answer.status, seconds)
        level = "error" if answer.status == 500 else "warning" if answer.status > 500 else "info"
        if level != "error" and self._service.quiet:
            return
        client = scope.get("client") or ("", 0)
        log.write(
            level, "request", request_id=scope[REQUEST_ID], method=scope["method"], path=scope["path"],
            status=answer.status, ms=round(seconds * 1000, 3), client=client[0],
            **({"error": answer.error} if answer.error else {}),
        )  # fmt: skip


class _Answer:
    """The response to one request on its way out: with the headers that all have."""

    def __init__(self, scope: Scope, send: Send, name: bytes, service: Service) -> None:
        self._scope, self._send, self._name, self._service = scope, send, name, service
        self.status, self.began, self.error = 0, False, ""

    async def send(self, message: Message) -> None:
        """Pass a part of the response on."""
        if message["type"] == "http.response.start":
            self.status, self.began = message["status"], True
            headers: Iterable[tuple[bytes, bytes]] = message.get("headers", [])
            closing = [(b"connection", b"close")] if self._service.draining else []
            policy = [] if any(name == _POLICY[0] for name, _ in headers) else [_POLICY]
            message["headers"] = [*headers, (b"x-request-id", self._name), *_HEADERS, *policy, *closing]
        await self._send(message)

    async def problem(self, problem: RequestError, receive: Receive) -> None:
        """Answer with a problem, where nothing has been answered yet."""
        self.error = problem.message
        if self.began:
            return
        response = problem_response(problem.status, problem.message, self._name.decode(), problem.headers)
        await response(self._scope, receive, self.send)


def _given_key(headers: dict[bytes, bytes]) -> bytes:
    """Return the key of a request: a bearer's token, the password of RFC 7617's Basic, or X-API-Key."""
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip()
    if scheme.lower() == b"basic":
        with suppress(binascii.Error):
            return base64.b64decode(token.strip(), validate=True).partition(b":")[2]
    return headers.get(b"x-api-key", b"")


def _host_of(headers: MutableMapping[bytes, bytes]) -> str:
    """Return the name in a Host header without its port, in lower case."""
    host = headers.get(b"host", b"").decode("latin-1").strip().lower()
    name, _, port = host.rpartition(":")
    return (name if name and port.isdecimal() else host).strip("[]")


def _method(scope: dict[str, Any] | Scope) -> str:
    method = str(scope["method"])
    return method if method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH") else "other"
