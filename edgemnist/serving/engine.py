"""A model kept open in a runtime's worker process, asked by one thread: whatever waits is answered as one batch."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.client import RuntimeWorker, WorkerProcess
from edgemnist.runner.run import LoadedModel, check_numbers, checked_rows
from edgemnist.support.errors import EdgeMnistError, RuntimeCrashedError

DEPTH = 1024
"""Images that may wait for an engine; more are refused."""

BATCH = 64
"""The most images of different requests that are asked together, so that none waits for very many others."""

_SESSION = "served"
_LOOK_SECONDS = 1.0
_OPENING_SECONDS = 120.0
_LONGEST_PAUSE = 10.0


class QueueFullError(Exception):
    """More waits already than may; the message says how much."""


class EngineClosedError(Exception):
    """The engine is closed; another one has taken its place."""


class Watcher:
    """What is told of an engine's work; by default nothing is done with it."""

    def batch(self, images: int, seconds: float) -> None:
        """So many images were answered together, in so much time."""

    def waiting(self, images: int) -> None:
        """So many images wait."""

    def restarted(self, reason: str) -> None:
        """The worker process ended and is started again."""


@dataclass(eq=False)
class _Job:
    inputs: NDArray[Any]
    answer: Future[NDArray[Any]] = field(default_factory=Future)


class Engine:
    """A model in one runtime. :meth:`submit` may be called from any thread.

    ``timeout``: seconds that a batch may take before its worker is ended. ``trial``: an input, shape (1, *image shape),
    that the model is run with whenever it is opened.
    """

    def __init__(
        self, model: LoadedModel, runtime: str, trial: NDArray[Any], *, timeout: float, watcher: Watcher | None = None
    ) -> None:
        self.model, self.runtime = model, runtime
        self.version, self.kernels = "", ""
        self._trial, self._watcher = trial, watcher or Watcher()
        self._timeout = timeout
        self._process = WorkerProcess(timeout=timeout)
        self._worker = RuntimeWorker(runtime, self._process)
        self._jobs: deque[_Job] = deque()
        self._waiting, self._closing = 0, False
        self._change = threading.Condition()
        self._open, self._failures, self._retry_at = False, 0, 0.0
        self._thread = threading.Thread(target=self._work, name=f"engine-{runtime}", daemon=True)

    @property
    def ready(self) -> bool:
        """Whether the model is open, as far as anybody has noticed otherwise."""
        return self._open and not self._closing

    @property
    def waiting(self) -> int:
        """How many images wait."""
        return self._waiting

    @property
    def worker_pid(self) -> int | None:
        """The worker's process identifier, None while none runs."""
        return self._process.pid

    def start(self) -> None:
        """Open the model and run it once; then requests are taken.

        :raises EdgeMnistError: the runtime is not installed, refuses the model or crashes.
        """
        try:
            self._open_model()
        except BaseException:
            self._process.close()
            raise
        self._thread.start()

    def submit(self, inputs: NDArray[Any]) -> Future[NDArray[Any]]:
        """Ask for the outputs, shape (count, outputs), of inputs, shape (count, *image shape) in the model's type.

        The future has an :class:`EdgeMnistError` where the runtime failed. One that is cancelled is not asked for.

        :raises QueueFullError: too much waits.
        :raises EngineClosedError: it was closed.
        """
        job = _Job(inputs)
        with self._change:
            if self._closing:
                raise EngineClosedError
            if self._waiting and self._waiting + len(inputs) > DEPTH:
                raise QueueFullError(f"{self._waiting} images wait, at most {DEPTH} may")
            self._jobs.append(job)
            self._waiting += len(inputs)
            self._watcher.waiting(self._waiting)
            self._change.notify()
        return job.answer

    def close(self) -> None:
        """Answer what waits, then end the worker process."""
        with self._change:
            self._closing = True
            self._change.notify()
        if self._thread.is_alive():
            self._thread.join()
        self._process.close()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            batch = self._next_batch()
            if batch:
                self._answer(batch)
            elif self._closing:
                return
            elif not self._process.lives:
                self._reopen("its process ended while nothing was asked of it")

    def _next_batch(self) -> list[_Job]:
        """Return what waits, after a while nothing; a request of many images is a batch of its own."""
        with self._change:
            if not self._jobs and not self._closing:
                self._change.wait(_LOOK_SECONDS)
            batch: list[_Job] = []
            images = 0
            while self._jobs and (not batch or images + len(self._jobs[0].inputs) <= BATCH):
                job = self._jobs.popleft()
                self._waiting -= len(job.inputs)
                if job.answer.set_running_or_notify_cancel():
                    batch.append(job)
                    images += len(job.inputs)
            self._watcher.waiting(self._waiting)
            return batch

    def _answer(self, batch: Sequence[_Job]) -> None:
        start = time.perf_counter()
        try:
            if not self._process.lives:
                self._reopen("its process ended while nothing was asked of it")
            if not self._open:
                raise RuntimeCrashedError(f"the runtime {self.runtime!r} does not start again; look at the log")
            rows = self._ask(np.concatenate([job.inputs for job in batch]))
        except Exception as error:
            for job in batch:
                job.answer.set_exception(error)
            if not self._process.lives:
                self._reopen(str(error))
            return
        self._watcher.batch(len(rows), time.perf_counter() - start)
        first = 0
        for job in batch:
            _settle(job, rows[first : first + len(job.inputs)], self.runtime)
            first += len(job.inputs)

    def _ask(self, inputs: NDArray[Any]) -> NDArray[Any]:
        outputs = self._worker.ask_session(_SESSION, [inputs[:, np.newaxis]])[0]
        return checked_rows(self.runtime, self.model, outputs, len(inputs))

    def _reopen(self, reason: str) -> None:
        """Open the model again, unless that has failed just now."""
        self._open = False
        if self._closing or time.monotonic() < self._retry_at:
            return
        self._watcher.restarted(reason)
        self._process.close()
        try:
            self._open_model()
        except EdgeMnistError:
            self._failures += 1
            self._retry_at = time.monotonic() + min(_LONGEST_PAUSE, 0.25 * 2**self._failures)

    def _open_model(self) -> None:
        self._process.timeout = _OPENING_SECONDS
        self.version, self.kernels = self._worker.open_session(_SESSION, self.model.runnable, [self._trial])
        self._process.timeout = self._timeout
        self._open, self._failures, self._retry_at = True, 0, 0.0


def _settle(job: _Job, rows: NDArray[Any], runtime: str) -> None:
    """Give a request its rows, or say that they are no numbers: other requests' are."""
    try:
        check_numbers(runtime, rows)
    except EdgeMnistError as error:
        job.answer.set_exception(error)
    else:
        job.answer.set_result(rows)


def opened(engines: Sequence[Callable[[], Engine]]) -> Engine:
    """Return the first of several engines that starts.

    :raises EdgeMnistError: none does; it is what the last one said.
    """
    *others, last = engines
    for make in others:
        engine = make()
        with suppress(EdgeMnistError):
            engine.start()
            return engine
    engine = last()
    engine.start()
    return engine
