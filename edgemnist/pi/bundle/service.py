"""The bundle's model behind HTTP: ``POST /predict`` with a picture, ``GET /health``; edgemnist's own server without its
protocols for programs.

One picture is decoded and classified at a time, in one thread, so that the memory is that of one.
"""

from __future__ import annotations

import functools
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from edgemnist.http.answers import json_response, prediction
from edgemnist.http.application import guarded
from edgemnist.http.pictures import Pictures
from edgemnist.http.questions import asked_picture, inversion_of
from edgemnist.http.server import Server, bound_socket, serve, url_of
from edgemnist.http.service import Counts, Service, http_service_of, milliseconds_of
from edgemnist.http.settings import LOOPBACK, AccessSettings, Limits, keys_from, own_names
from edgemnist.support import stopping
from edgemnist.support.environment import API_KEY
from edgemnist.support.limits import (
    PI_SERVICE_BODY_BYTES,
    PI_SERVICE_FORM_BYTES,
    PI_SERVICE_JSON_BYTES,
    PI_SERVICE_MAX_PIXELS,
    PI_SERVICE_SLOW_BYTES,
)

from .classifier import Classifier

LIMITS = Limits(
    body_bytes=PI_SERVICE_BODY_BYTES, pixels=PI_SERVICE_MAX_PIXELS, concurrency=64, grace=0,
    json_bytes=PI_SERVICE_JSON_BYTES, form_bytes=PI_SERVICE_FORM_BYTES, held_bodies=3, slow_bytes=PI_SERVICE_SLOW_BYTES,
)  # fmt: skip
"""What a request may take: a second of a Pi 4's processor, and all of them together 200 MB of memory."""

_TOP = 3
_WHAT_THERE_IS = {
    "POST /predict": "a picture as the body, as a form's file, or in JSON; ?invert=auto|yes|no",
    "GET /health": "what runs here",
}


class Tally(Counts):
    """How many requests were answered with 2xx, and how many were refused."""

    def __init__(self) -> None:
        self.good, self.bad = 0, 0

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """See :meth:`Counts.answered`."""
        if status < 300:
            self.good += 1
        else:
            self.bad += 1


def application(classifier: Classifier, service: Service) -> ASGIApp:
    """Return the routes and what is around them as one ASGI application."""
    routes = [
        Route("/predict", _predict, methods=["POST"]),
        Route("/health", _health, methods=["GET"]),
        Route("/", _start, methods=["GET"]),
    ]
    app = Starlette(routes=routes)
    app.state.classifier = classifier
    return guarded(app, service, "/")


async def _predict(request: Request) -> Response:
    classifier: Classifier = request.app.state.classifier
    told = await asked_picture(request, functools.partial(_answer, classifier, inversion_of(request)))
    told["latency_ms"] = round(milliseconds_of(request), 3)
    return json_response(told)


def _answer(classifier: Classifier, invert: str, picture: NDArray[np.uint8]) -> dict[str, Any]:
    seen = classifier.look(picture, invert)
    return {
        **prediction(classifier.preprocessing.class_names, seen.probabilities, seen.framed),
        "top": [one.as_json() for one in seen.best(_TOP)],
        "microseconds": round(seen.microseconds, 1),
    }


async def _health(request: Request) -> Response:
    service = http_service_of(request)
    tally, status = service.counts, "draining" if service.draining else "ok"
    assert isinstance(tally, Tally)
    found = {"status": status, **request.app.state.classifier.described(), "answered": tally.good, "refused": tally.bad}
    return json_response(found, 503 if service.draining else 200)


async def _start(request: Request) -> Response:
    return json_response(_WHAT_THERE_IS)


def access_settings(host: str, allowed: Sequence[str], key_file: Path | None) -> AccessSettings:
    """Return who is let in at an address: there it is asked by this machine's names and any IP address, or by others
    that are allowed, ``any`` being all.
    """
    keys = keys_from(key_file, API_KEY.text())
    names = tuple(name.lower() for name in allowed)
    if "any" in names:
        return AccessSettings(keys=keys)
    if host in LOOPBACK:
        return AccessSettings(keys=keys, hosts=(*LOOPBACK, *names))
    return AccessSettings(keys=keys, hosts=(*own_names(), *names), addresses=True)


def serve_classifier(classifier: Classifier, host: str, port: int, access: AccessSettings) -> int:
    """Answer requests until SIGTERM or Ctrl-C, and those that were begun then; return 0.

    :raises InputError: there is no such address here.
    :raises EnvironmentFailure: the port is taken.
    """
    bound = bound_socket(host, port)
    service = Service(Pictures(LIMITS, threads=1), LIMITS, access, Tally(), quiet=True)
    service.pictures.warm_up(functools.partial(_answer, classifier, "auto"))

    def announce() -> None:
        sys.stderr.write(f"classify.py: listening on {url_of(bound)}\n")
        if host not in LOOPBACK and not access.keys:
            sys.stderr.write(f"classify.py: anybody who reaches {host} may ask; {API_KEY.name} sets a key\n")
        sys.stderr.flush()

    stopping.listen(signal.SIGTERM, signal.SIGINT)
    with bound:
        try:
            serve(Server(application(classifier, service), service, announce), bound, logging.ERROR)
        finally:
            service.pictures.close()
    return 0
