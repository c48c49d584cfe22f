"""What every route works with: the pictures, the limits, what is counted, and whether others are still let in."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Scope

from edgemnist.http.pictures import Pictures
from edgemnist.http.problems import overloaded
from edgemnist.http.settings import AccessSettings, Limits

AFTER = "edgemnist.after"
"""In a request's scope: what is done when its answer is out, a list of functions."""

STARTED = "edgemnist.started"
"""In a request's scope: ``time.perf_counter()`` when its head was there."""

HELD = "edgemnist.held"
"""In a request's scope: how many bytes of its body are kept."""

REQUEST_ID = "edgemnist.request_id"
"""In a request's scope: its name in the log."""


class Counts:
    """What is told of requests; by default nothing is done with it. Called from the thread of the event loop."""

    def in_flight(self, requests: int) -> None:
        """So many are being answered."""

    def refused(self, reason: str) -> None:
        """One was not let in."""

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """One was answered."""


@dataclass(eq=False)
class Service:
    """One server's parts.

    ``quiet``: of requests, only those that failed by a fault of the server's are logged. ``draining``: it is about to
    end, and says that it is not ready. ``held_bytes``: of all bodies that are kept.
    """

    pictures: Pictures
    limits: Limits
    access: AccessSettings
    counts: Counts = field(default_factory=Counts)
    quiet: bool = False
    draining: bool = field(default=False, init=False)
    held_bytes: int = field(default=0, init=False)

    def hold(self, scope: Scope, size: int) -> None:
        """Count bytes that a request keeps until it is answered.

        :raises RequestError: 503 all together keep too many.
        """
        most = self.limits.held_bodies * self.limits.body_bytes
        if self.held_bytes + size > most:
            self.counts.refused("memory")
            raise overloaded(f"the requests that are being answered have {self.held_bytes:,} bytes, at most {most:,}")
        self.held_bytes += size
        scope[HELD] = scope.get(HELD, 0) + size

    def release(self, scope: Scope) -> None:
        """Count what a request kept no more."""
        self.held_bytes -= scope.get(HELD, 0)


def http_service_of(request: Request) -> Service:
    """Return the service that a request came to, without what is above it."""
    found: Service = request.app.state.service
    return found


def milliseconds_of(request: Request) -> float:
    """Return how long ago the request's head was there."""
    return (time.perf_counter() - float(request.scope[STARTED])) * 1000
