"""The process that serves: its socket, its connections, and its orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
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
_ATTACH_SECONDS = 0.02
_FRESH_SECONDS = 1.0
"""How long a connection on which nothing was asked yet is kept open at the end."""

_HEAD_BYTES = 64 << 10
_KEEP_ALIVE_SECONDS = 30
_BACKLOG = 2048
_SPARE_SECONDS = 5.0
_MOST_FILES = 65_536
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


def _allow_connections() -> None:
    """Let this process have as many connections as the system allows it, where its shell allows it fewer."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


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
        self._watch()

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
        if self.transport.is_closing() or self._answering or idle:
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
            self.transport.write(_TOO_SLOW)
        self.transport.close()


class Server(uvicorn.Server):
    """A server that does not listen to signals itself, and lets others in a little longer when it is to end."""

    def __init__(self, service: Service, announce: Callable[[], None] = lambda: None) -> None:
        limits = service.limits
        config = uvicorn.Config(
            application(service), http=protocol_class(limits.head_seconds), ws="none", lifespan="off", loop="asyncio",
            log_config=None, access_log=False, server_header=False, proxy_headers=False, backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS, h11_max_incomplete_event_size=_HEAD_BYTES,
            timeout_graceful_shutdown=int(limits.seconds + limits.head_seconds + _SPARE_SECONDS),
        )  # fmt: skip
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
        await self.stop_listening(sockets or [])
        await asyncio.sleep(_SETTLE_SECONDS)  # what was accepted just now is read
        await super().shutdown(sockets)

    async def stop_listening(self, sockets: Sequence[socket.socket]) -> None:
        """Take in who waits at the door, then close it; who waited there while it is closed would be cut off.

        asyncio drops, without a word, what it has accepted and not yet attached to a server that is closed.
        """
        loop = asyncio.get_running_loop()
        listening = [one for one in sockets if one.fileno() >= 0]
        for one in listening:
            loop.remove_reader(one.fileno())
        await asyncio.sleep(_ATTACH_SECONDS)
        waiting = [connection for one in listening for connection in _waiting_at(one)]
        for server in self.servers:
            server.close()
        for connection in waiting:
            await loop.connect_accepted_socket(self._connection, connection)

    def _connection(self) -> asyncio.Protocol:
        kind: Any = self.config.http_protocol_class
        return kind(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)  # type: ignore[no-any-return]


def _waiting_at(listening: socket.socket) -> Iterator[socket.socket]:
    listening.setblocking(False)
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:  # nobody waits any more
            return
        connection.setblocking(False)
        yield connection


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
        _allow_connections()
        server = Server(self.service, announce)
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
