"""Whose bytes are compared: a runtime that is run here, or what a device has dumped."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from edgemnist.mismatch.one_operator import OneOperator
from edgemnist.runner.client import RuntimeWorker, WorkerProcess
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import EdgeMnistError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.kinds import operator_outputs

Tensors = Mapping[int, NDArray[Any]]
"""Values by tensor index, each of shape (images, *tensor shape), the batch of 1 included, in the tensor's dtype."""


@dataclass(frozen=True, eq=False)
class Fed:
    """An operator alone and what it is given: one array per input of it, of shape (images, *tensor shape)."""

    operator: OneOperator
    inputs: Sequence[NDArray[Any]]


class Source(ABC):
    """What gives the operators' outputs for images. ``name`` is for people, with the version once that is known."""

    name: str
    asks = False
    """Whether it can be asked for operators alone; where not, it is the oracle that has to be fed its bytes."""

    @abstractmethod
    def trace(self, model: TfliteModel, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """Return what it has of the operators' outputs, and of the model's inputs where it was not given them.

        :param inputs: one array per model input, of shape (images, *input shape).
        :param first: the number of the first of these images among all.
        """

    def alone(self, fed: Sequence[Fed]) -> list[list[NDArray[Any]] | EdgeMnistError]:
        """Run operators of one model alone, if it ``asks``.

        :returns: of each one array per output, of shape (images, *tensor shape), or why there is none.
        """
        raise NotImplementedError(f"{self.name} can't be asked for operators alone")


class RuntimeSource(Source):
    """A runtime of the registry, in a worker process.

    ``lock``: is held while the process is asked, by all runtimes that share it.
    """

    asks = True

    def __init__(self, worker: RuntimeWorker, lock: threading.Lock | None = None) -> None:
        self.name = worker.runtime
        self._worker = worker
        self._version = ""
        self._lock = lock or threading.Lock()

    def version(self) -> str:
        """Return the runtime's version."""
        with self._lock:
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
        with self._lock:
            return self._worker.trace(model.content, inputs, operator_outputs(model))

    def alone(self, fed: Sequence[Fed]) -> list[list[NDArray[Any]] | EdgeMnistError]:
        """See :meth:`Source.alone`; all in one request, and again one by one those that fail."""
        found: list[list[NDArray[Any]] | None] = [None] * len(fed)
        if len(fed) > 1:
            asked = [(one.operator.index, one.operator.inputs) for one in fed]
            with suppress(EdgeMnistError), self._lock:
                found = self._worker.operators(
                    fed[0].operator.model.content, asked, [values for one in fed for values in one.inputs]
                )
        return [self._one(one) if answer is None else answer for one, answer in zip(fed, found, strict=True)]

    def _one(self, fed: Fed) -> list[NDArray[Any]] | EdgeMnistError:
        try:
            return self.run_file(fed.operator.content, fed.inputs)
        except EdgeMnistError as error:
            return error

    def run_file(self, content: bytes, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Return a file's outputs as an application gets them, with no tensor kept; arrays as for :class:`Fed`."""
        with self._lock:
            return self._worker.invoke(content, inputs)


class RuntimeSources:
    """Runtimes by name; those of one package share a process, whose start takes longer than most nets.

    ``timeout`` is in seconds, per request.
    """

    def __init__(self, stack: ExitStack, timeout: float) -> None:
        self._stack, self._timeout = stack, timeout
        self._processes: dict[str, tuple[WorkerProcess, threading.Lock]] = {}
        self._opened: dict[str, RuntimeSource] = {}

    def open(self, name: str) -> RuntimeSource:
        """Return a runtime, each time the same.

        :raises InputError: there is none of that name.
        """
        if name not in self._opened:
            kin = find_runtime(name).process
            if kin not in self._processes:
                process = WorkerProcess(timeout=self._timeout)
                self._stack.callback(process.close)
                self._processes[kin] = process, threading.Lock()
            process, lock = self._processes[kin]
            self._opened[name] = RuntimeSource(RuntimeWorker(name, process), lock)
        return self._opened[name]
