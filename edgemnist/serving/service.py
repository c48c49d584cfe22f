"""What every route works with: the models, the pictures, the metrics, and whether the server still lets others in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.types import Scope

from edgemnist.serving.engine import EngineClosedError, QueueFullError
from edgemnist.serving.metrics import Metrics
from edgemnist.serving.models import ServedModel
from edgemnist.serving.pages import Pages
from edgemnist.serving.pictures import Pictures
from edgemnist.serving.problems import overloaded, runtime_failed
from edgemnist.serving.settings import AccessSettings, Limits
from edgemnist.serving.store import Store
from edgemnist.support.errors import EdgeMnistError

AFTER = "edgemnist.after"
"""In a request's scope: what is done when its answer is out, a list of functions."""

STARTED = "edgemnist.started"
"""In a request's scope: ``time.perf_counter()`` when its head was there."""

HELD = "edgemnist.held"
"""In a request's scope: how many bytes of its body are kept."""

HELD_BODIES = 8
"""So many bodies of the largest size may be kept at a time, or more that are smaller."""

REQUEST_ID = "edgemnist.request_id"
"""In a request's scope: its name in the log."""


@dataclass(eq=False)
class Service:
    """One server's parts.

    ``draining``: it is about to end, and says that it is not ready. ``held_bytes``: of all bodies that are kept.
    """

    store: Store
    pictures: Pictures
    metrics: Metrics
    limits: Limits
    access: AccessSettings
    pages: Pages
    draining: bool = False
    held_bytes: int = 0

    @property
    def ready(self) -> bool:
        """Whether it is a good idea to send requests here."""
        return not self.draining and self.store.ready

    def hold(self, scope: Scope, size: int) -> None:
        """Count bytes that a request keeps until it is answered.

        :raises RequestError: 503 all together keep too many.
        """
        most = HELD_BODIES * self.limits.body_bytes
        if self.held_bytes + size > most:
            self.metrics.refused.labels("memory").inc()
            raise overloaded(f"the requests that are being answered have {self.held_bytes:,} bytes, at most {most:,}")
        self.held_bytes += size
        scope[HELD] = scope.get(HELD, 0) + size

    def release(self, scope: Scope) -> None:
        """Count what a request kept no more."""
        self.held_bytes -= scope.get(HELD, 0)

    async def ask(self, request: Request, model: ServedModel, inputs: NDArray[Any]) -> NDArray[Any]:
        """Return a model's outputs as its runtime gives them, shape (count, outputs).

        :param inputs: shape (count, *input shape), in the model's type.
        :raises RequestError: 503 too much waits, or the runtime crashed; 500 it failed otherwise.
        """
        try:
            answer = model.engine.submit(inputs)
        except QueueFullError as error:
            self.metrics.refused.labels("queue").inc()
            raise overloaded(f"{error}; ask again in a second") from error
        except EngineClosedError as error:
            raise overloaded("the server is about to end; ask another one") from error
        try:
            rows = await asyncio.wrap_future(answer)
        except EdgeMnistError as error:
            raise runtime_failed(error) from error
        if model.shadow is not None:
            shadow = model.shadow
            request.scope.setdefault(AFTER, []).append(lambda: shadow.offer(inputs, rows))
        return rows

    async def chances(self, request: Request, model: ServedModel, inputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return class probabilities, shape (count, classes); otherwise as :meth:`ask`."""
        return self.counted(model, model.probabilities(await self.ask(request, model, inputs)))

    def counted(self, model: ServedModel, chances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Count the classes of images and return their probabilities."""
        labels = (model.name, str(model.version))
        for index in chances.argmax(axis=1).tolist():
            self.metrics.predictions.labels(*labels, model.class_names[index]).inc()
        confidence = self.metrics.confidence.labels(*labels)
        for value in chances.max(axis=1).tolist():
            confidence.observe(value)
        return chances


def service_of(request: Request) -> Service:
    """Return the service that a request came to."""
    found: Service = request.app.state.service
    return found


def milliseconds_of(request: Request) -> float:
    """Return how long ago the request's head was there."""
    return (time.perf_counter() - float(request.scope[STARTED])) * 1000


def stacked(inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return inputs of shape (1, ...) each as one of shape (count, ...)."""
    return np.concatenate(list(inputs)) if len(inputs) > 1 else inputs[0]
