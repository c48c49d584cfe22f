"""Whose bytes are compared: a runtime that is run here, or what a device has dumped."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from numpy.typing import NDArray

from edgemnist.mismatch.one_operator import OneOperator
from edgemnist.runner.client import RuntimeWorker
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import EdgeMnistError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import operator_outputs

Tensors = Mapping[int, NDArray[Any]]
"""Values by tensor index, each of shape (images, *tensor shape), the batch of 1 included, in the tensor's dtype."""


class Source(ABC):
    """What gives the operators' outputs for images. ``name`` is for people, with the version once that is known."""

    name: str
    asks = False
    """Whether it can be asked for operators alone."""

    @abstractmethod
    def trace(self, model: TfliteModel, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """Return what it has of the operators' outputs, and of the model's inputs where it was not given them.

        :param inputs: one array per model input, of shape (images, *input shape).
        :param first: the number of the first of these images among all.
        """

    def alone(self, operator: OneOperator, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]] | None:
        """Run one operator; None where the source can't, and it is the oracle that has to be fed its bytes.

        :param inputs: one array per input of the operator, of shape (images, *tensor shape).
        :returns: one array per output, of shape (images, *tensor shape).
        """
        return None


class RuntimeSource(Source):
    """A runtime of the registry, in a worker process."""

    asks = True

    def __init__(self, worker: RuntimeWorker) -> None:
        self.name = worker.runtime
        self._worker = worker
        self._version = ""

    def version(self) -> str:
        """Return the runtime's version."""
        self._version = self._version or self._worker.version()
        return self._version

    def start(self) -> None:
        """Start the process and import the runtime; what goes wrong is told at the next request."""
        with suppress(EdgeMnistError):
            self.version()

    def trace(self, model: TfliteModel, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """See :meth:`Source.trace`; a runtime that shows no tensors has the model's outputs alone."""
        if not find_runtime(self.name).shows_tensors:
            return dict(zip(model.outputs, self.run_file(model.content, inputs), strict=True))
        return self._worker.trace(model.content, inputs, operator_outputs(model))

    def alone(self, operator: OneOperator, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """See :meth:`Source.alone`."""
        return self.run_file(operator.content, inputs)

    def run_file(self, content: bytes, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Return a file's outputs as an application gets them, with no tensor kept; arrays as for :meth:`alone`."""
        return self._worker.invoke(content, inputs)
