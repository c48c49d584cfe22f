"""What every route works with: the models and the metrics, beside what any server of pictures has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from edgemnist.http.problems import RequestError, overloaded
from edgemnist.http.service import AFTER
from edgemnist.http.service import Service as HttpService
from edgemnist.serving.engine import EngineClosedError, QueueFullError
from edgemnist.serving.metrics import Metrics
from edgemnist.serving.models import ServedModel
from edgemnist.serving.pages import Pages
from edgemnist.serving.store import Store
from edgemnist.support.errors import EdgeMnistError, RuntimeCrashedError


@dataclass(eq=False, kw_only=True)
class Service(HttpService):
    """One server's parts."""

    store: Store
    metrics: Metrics
    pages: Pages

    @property
    def ready(self) -> bool:
        """Whether it is a good idea to send requests here."""
        return not self.draining and self.store.ready

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
            raise _runtime_failed(error) from error
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


def stacked(inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return inputs of shape (1, ...) each as one of shape (count, ...)."""
    return np.concatenate(list(inputs)) if len(inputs) > 1 else inputs[0]


def _runtime_failed(error: EdgeMnistError) -> RequestError:
    """Return the problem of a runtime that gave no answer: after a crash another attempt may have one."""
    if isinstance(error, RuntimeCrashedError):
        return overloaded(str(error))
    return RequestError(500, str(error))
