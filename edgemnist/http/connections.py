"""HTTP/1.1 for connections that may be slow, and as strict as RFC 9112 allows where requests begin and end."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from edgemnist.http.answers import json_bytes

HEAD_BYTES = 64 << 10
"""The most that a request's head may have."""

_FRESH_SECONDS = 1.0
"""How long a connection on which nothing was asked yet is kept open at the end."""

_LINGERING_SECONDS = 1.0
"""How long what still comes is thrown away: closed at once, the answer may be lost (RFC 9112, section 9.6)."""

_TOO_SLOW = "the head of the request did not come in time; send it at once"
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_PHRASES = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    501: b"Not Implemented",
}


def fault_of_head(head: bytes) -> str | None:
    """Return why the end of a request is ambiguous, None where it is not.

    h11 refuses what RFC 9112 forbids; this is what the RFC leaves to the server, and where two servers in a row may see
    different requests: folded lines (section 5.2), a length given twice (6.3), a length beside chunks, or chunks in
    HTTP/1.0 (6.1).

    ``head``: from the request line to the empty line.
    """
    first, *lines = head.split(b"\n")
    if any(line[:1] in (b" ", b"\t") for line in lines):
        return "a line of its head is folded; write each field in one line"
    fields = [(name.lower(), value) for name, _, value in (line.partition(b":") for line in lines)]
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if len(lengths) > 1 or any(b"," in value for value in lengths):
        return "it has more than one Content-Length; send one"
    if lengths and codings:
        return "it has Content-Length and Transfer-Encoding; send one of them"
    if codings and not first.rstrip().endswith(b"HTTP/1.1"):
        return "it has Transfer-Encoding, which HTTP/1.0 does not know; send Content-Length"
    return None


class _Requests(h11.Connection):
    """h11's reading of requests, with :func:`fault_of_head` before it."""

    def next_event(self) -> Any:
        waiting = self.trailing_data[0] if self.their_state is h11.IDLE else b""
        event = super().next_event()
        if isinstance(event, h11.Request):
            end = _END_OF_HEAD.search(waiting)
            fault = fault_of_head(waiting[: end.end()] if end else waiting)
            if fault is not None:
                raise h11.RemoteProtocolError(fault)
        return event


def protocol_class(seconds: float) -> type[H11Protocol]:
    """Return uvicorn's HTTP/1.1 for connections that have so many seconds for the head of a request."""

    class Connection(_Connection):
        head_seconds = seconds

    return Connection


class _Connection(H11Protocol):
    """A connection that is closed when the head of a request, or the rest of one that is answered, does not come."""

    head_seconds: float
    _patience: asyncio.TimerHandle | None = None
    _leaving = False
    _refused = False

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.conn = _Requests(h11.SERVER, HEAD_BYTES)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        super().data_received(data)
        self._watch()
        if self._leaving and self._answering:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request that cannot be read, and close; called while its error is handled."""
        error = sys.exc_info()[1]
        status = getattr(error, "error_status_hint", 400)
        self._refuse(status, f"the request is no HTTP/1.1 that is taken: {error or msg}")

    def shutdown(self) -> None:
        """Close, but not before what was begun is answered."""
        if self._answering or not (self.cycle is None or self._is_partial):
            super().shutdown()
            return
        self._leaving = True  # a request is on its way; the timer ends it if it does not come
        if not self._is_partial:
            self.loop.call_later(_FRESH_SECONDS, self._close_unused)

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_partial(self) -> bool:
        """Whether a part of a request has come, or its answer was given before all of it had."""
        if self.conn.their_state is h11.IDLE:
            return bool(self.conn.trailing_data[0])
        return self.conn.their_state is h11.SEND_BODY

    def _watch(self) -> None:
        idle = self.timeout_keep_alive_task is not None and not self._is_partial  # uvicorn's own timer runs
        if self._refused or self.transport.is_closing() or self._answering or idle:
            self._forget()
        elif self._patience is None:
            self._patience = self.loop.call_later(self.head_seconds, self._too_slow)

    def _forget(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _close_unused(self) -> None:
        if self.cycle is None and not self._is_partial:
            self.transport.close()

    def _too_slow(self) -> None:
        self._patience = None
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._refuse(408, _TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, status: int, message: str) -> None:
        """Answer, unless an answer has begun already, and close as soon as the other side has had it."""
        self._refused = True
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json_bytes({"error": message})
            head = (
                b"HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            )
            self.transport.write(head % (status, _PHRASES.get(status, b""), len(body)) + body)
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True  # whoever waits for the rest of the body need not any more
            self.cycle.message_event.set()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGERING_SECONDS, self.transport.close)
