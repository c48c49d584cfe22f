"""The process that serves: its socket, its connections, and its orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from edgemnist.serving import log
from edgemnist.serving.application import application
from edgemnist.serving.service import Service
from edgemnist.support import stopping
from edgemnist.support.errors import EnvironmentFailure, InputError
from edgemnist.support.progress import said_to

_SETTLE_SECONDS = 0.1
_HEAD_BYTES = 64 << 10
_KEEP_ALIVE_SECONDS = 30
_BACKLOG = 2048
_SPARE_SECONDS = 5.0
_TOO_SLOW_TEXT = b'{"error":"the head of the request did not come in time; send it at once"}'
_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_TOO_SLOW_TEXT), _TOO_SLOW_TEXT)
)


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound, 0 being any free port, and does not listen yet.

    :raises InputError: there is no such address here.
    :raises EnvironmentFailure: the port is taken, or not to be had.
    """
    if not 0 <= port <= 65_535:
        raise InputError(f"--port {port}: give a number from 0 to 65535; 0 takes a free one")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror as error:
        raise InputError(f"--host {host!r} is no address ({error.strerror}); give 127.0.0.1, or 0.0.0.0 for all") from (
            error
        )
    found = socket.socket(family, kind, protocol)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
    except OSError as error:
        found.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise InputError(f"--host {host!r} is not an address of this machine; give one that is") from error
        why = "is taken" if error.errno == errno.EADDRINUSE else f"is not to be had ({error.strerror})"
        raise EnvironmentFailure(f"the port {port} of {host} {why}; choose another one with --port, 0 takes any") from (
            error
        )
    return found


def url_of(bound: socket.socket) -> str:
    """Return the address at which a socket can be asked."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch(fresh=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()
        if self._leaving and self._answering:
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def shutdown(self) -> None:
        """Close, but not before what was begun is answered."""
        if not self._answering and self._is_partial:
            self._leaving = True  # the timer ends it if the rest does not come
        else:
            super().shutdown()

    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _is_partial(self) -> bool:
        """Whether a part of a request has come, or its answer was given before all of it had."""
        if self.conn.their_state is h11.IDLE:
            return bool(self.conn.trailing_data[0])
        return self.conn.their_state is h11.SEND_BODY

    def _watch(self, *, fresh: bool = False) -> None:
        if self.transport.is_closing() or self._answering or not (fresh or self._is_partial):
            self._forget()
        elif self._patience is None:
            self._patience = self.loop.call_later(self.head_seconds, self._too_slow)

    def _forget(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _too_slow(self) -> None:
        self._patience = None
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self.transport.write(_TOO_SLOW)
        self.transport.close()


class _Server(uvicorn.Server):
    """A server that does not listen to signals itself, and lets others in a little longer when it is to end."""

    def __init__(self, config: uvicorn.Config, service: Service, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._service, self._announce = service, announce

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to :mod:`edgemnist.support.stopping`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, and to look at the models' files."""
        await super().startup(sockets)
        self._watching = asyncio.create_task(self._service.store.watch())
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that this server is not ready any more, let in who does not know it yet, answer all, end."""
        self._service.draining = True
        log.write("info", "draining", grace=self._service.limits.grace)
        await asyncio.sleep(self._service.limits.grace)
        self._watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watching
        for one in self.servers:
            one.close()
        await asyncio.sleep(_SETTLE_SECONDS)  # what was accepted just now is read
        await super().shutdown(sockets)


@dataclass(eq=False)
class ModelServer:
    """A server whose models are open and whose socket is bound; :meth:`run` listens."""

    service: Service
    bound: socket.socket

    @property
    def url(self) -> str:
        """Where it can be asked."""
        return url_of(self.bound)

    def as_json(self) -> dict[str, Any]:
        """Return the address and the models as JSON values."""
        return {"url": self.url, "models": [one.as_json() for one in self.service.store.served()]}

    def run(self, announce: Callable[[], None] = lambda: None) -> None:
        """Serve until a signal comes; then answer what was begun, end the runtimes, and return.

        ``announce`` is called as soon as requests are answered.
        """
        limits = self.service.limits
        config = uvicorn.Config(
            application(self.service), http=protocol_class(limits.head_seconds), ws="none", lifespan="off",
            log_config=None, access_log=False, server_header=False, proxy_headers=False, backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS, h11_max_incomplete_event_size=_HEAD_BYTES,
            timeout_graceful_shutdown=int(limits.seconds + limits.head_seconds + _SPARE_SECONDS),
        )  # fmt: skip
        server = _Server(config, self.service, announce)
        handler = log.Handler()
        logging.getLogger("uvicorn").addHandler(handler)
        try:
            with stopping.taken_by(lambda: setattr(server, "should_exit", True)), said_to(_say):
                log.write("info", "serving", url=self.url)
                server.run([self.bound])
            log.write("info", "ended")
        finally:
            logging.getLogger("uvicorn").removeHandler(handler)
            self.close()

    def close(self) -> None:
        """End the runtimes and close the socket."""
        self.bound.close()
        self.service.pictures.close()
        self.service.store.close()


def _say(message: str) -> None:
    log.write("warning" if message.startswith("warning") else "info", "said", message=message)
