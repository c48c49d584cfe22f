"""The process that serves: its socket, and its orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from edgemnist.http import log
from edgemnist.http.connections import HEAD_BYTES, protocol_class
from edgemnist.http.service import Service
from edgemnist.support import stopping
from edgemnist.support.errors import EnvironmentFailure, InputError

_SETTLE_SECONDS = 0.1
_ATTACH_SECONDS = 0.02
_KEEP_ALIVE_SECONDS = 30
_BACKLOG = 2048
_SPARE_SECONDS = 5.0
_MOST_FILES = 65_536


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


async def _nothing() -> None:
    """Do nothing beside the server."""


class Server(uvicorn.Server):
    """A server that does not listen to signals itself, and lets others in a little longer when it is to end.

    ``announce`` is called as soon as requests are answered; ``beside`` runs as long as they are.
    """

    def __init__(
        self,
        app: ASGIApp,
        service: Service,
        announce: Callable[[], None] = lambda: None,
        beside: Callable[[], Coroutine[Any, Any, None]] = _nothing,
    ) -> None:
        limits = service.limits
        config = uvicorn.Config(
            app, http=protocol_class(limits.head_seconds), ws="none", lifespan="off", loop="asyncio",
            log_config=None, access_log=False, server_header=False, proxy_headers=False, backlog=_BACKLOG,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS, h11_max_incomplete_event_size=HEAD_BYTES,
            timeout_graceful_shutdown=int(limits.seconds + limits.head_seconds + _SPARE_SECONDS),
        )  # fmt: skip
        super().__init__(config)
        self._service, self._announce, self._beside = service, announce, beside

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to :mod:`edgemnist.support.stopping`."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        self._running = asyncio.create_task(self._beside())
        self._announce()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say that this server is not ready any more, let in who does not know it yet, answer all, end."""
        self._service.draining = True
        if not self._service.quiet:
            log.write("info", "draining", grace=self._service.limits.grace)
        await asyncio.sleep(self._service.limits.grace)
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running
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


def serve(server: Server, bound: socket.socket, level: int = logging.INFO) -> None:
    """Serve at a bound socket until a signal comes, of those that :mod:`~edgemnist.support.stopping` listens to; then
    answer what was begun, and return.

    ``level``: what uvicorn says below it is not logged.
    """
    _allow_connections()
    handler, logger = log.Handler(), logging.getLogger("uvicorn")
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        with stopping.taken_by(lambda: setattr(server, "should_exit", True)):
            server.run([bound])
    finally:
        logger.removeHandler(handler)
