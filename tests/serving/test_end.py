"""Whoever is at the door when it is closed is let in."""

from __future__ import annotations

import asyncio
import socket

import pytest

from edgemnist.http.server import Server, bound_socket
from edgemnist.serving.application import application
from edgemnist.serving.service import Service
from tests.serving.running import everything

REQUEST = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
COUNT = 20


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("sent", [True, False])
def test_connections_in_every_stage_of_being_accepted_are_answered(service: Service, turns: int, sent: bool) -> None:
    """``turns``: of the event loop between connecting and the end; ``sent``: whether the request is there then."""
    answers = asyncio.run(_ended_after(service, turns, sent))
    assert [one.split(b"\r\n")[0] for one in answers] == [b"HTTP/1.1 503 Service Unavailable"] * COUNT


async def _ended_after(service: Service, turns: int, sent: bool) -> list[bytes]:
    bound = bound_socket("127.0.0.1", 0)
    server = Server(application(service), service)
    serving = asyncio.create_task(server.serve([bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    connections = [socket.create_connection(bound.getsockname(), 10) for _ in range(COUNT)]
    if sent:
        for one in connections:
            one.sendall(REQUEST)
    for _ in range(turns):
        await asyncio.sleep(0)
    service.draining = True
    await server.stop_listening([bound])
    server.should_exit = True
    if not sent:
        await asyncio.sleep(0.4)  # the server waits for what was connected and has not asked yet
        for one in connections:
            one.sendall(REQUEST)
    answers = await asyncio.gather(*(asyncio.to_thread(everything, one) for one in connections))
    for one in connections:
        one.close()
    await serving
    return list(answers)
