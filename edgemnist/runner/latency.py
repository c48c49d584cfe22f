"""How long an invoke takes: several models and runtimes in turns, so that what the machine does meanwhile hits all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.client import RuntimeWorker
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import EdgeMnistError, RuntimeCrashedError

WINDOWS = 5
"""Turns that each gets; every other round goes the other way round."""

WINDOW_INVOKES = 60
WINDOW_SECONDS = 0.6


@dataclass(frozen=True)
class Latency:
    """Time of one invoke in microseconds: copy the input in, run, copy the output out; batch 1, one thread.

    The quantisation of the image is not part of it. ``first_us`` is the first invoke after opening; ``median_us`` and
    ``p95_us`` are over all ``samples`` that follow it and a warm-up; ``windows_us`` are the medians of the windows in
    which they were taken, in the order of time: another's of the same run were taken in turns with them.
    """

    first_us: float
    median_us: float
    p95_us: float
    windows_us: tuple[float, ...]
    samples: int

    @property
    def lowest_us(self) -> float:
        """The median of the fastest window."""
        return min(self.windows_us)

    @property
    def highest_us(self) -> float:
        """The median of the slowest window."""
        return max(self.windows_us)


@dataclass(frozen=True)
class Ratio:
    """One latency by another, window by window: the median of the quotients, the lowest and the highest."""

    median: float
    lowest: float
    highest: float


@dataclass(frozen=True, eq=False)
class Timed:
    """What is to be timed: a model in a runtime that is kept open; ``inputs`` as for :meth:`RuntimeWorker.run`."""

    worker: RuntimeWorker
    model: bytes | Path
    inputs: NDArray[Any]


def side_by_side(every: Sequence[Timed]) -> list[Latency | EdgeMnistError]:
    """Return the latency of each, measured in :data:`WINDOWS` turns, or why it failed.

    :returns: in the order of ``every``.
    """
    opened = [_Opened.start(str(number), one) for number, one in enumerate(every)]
    for window in range(WINDOWS):
        for one in opened if window % 2 == 0 else reversed(opened):
            one.take_turn()
    return [one.result() for one in opened]


def ratio(one: Latency, other: Latency) -> Ratio:
    """Return how many times as long ``one`` takes as ``other``; both of one call of :func:`side_by_side`."""
    quotients = np.divide(one.windows_us, other.windows_us)
    return Ratio(float(np.median(quotients)), float(quotients.min()), float(quotients.max()))


@dataclass(eq=False)
class _Opened:
    """What is timed, and what came of it so far; ``failed`` keeps it from any further turn."""

    name: str
    timed: Timed
    first_us: float
    windows: list[NDArray[np.float64]]
    failed: EdgeMnistError | None
    pid: int | None

    @classmethod
    def start(cls, name: str, timed: Timed) -> _Opened:
        worker = timed.worker
        try:
            first = worker.start_timing(name, timed.model, timed.inputs)
        except EdgeMnistError as error:
            return cls(name, timed, 0.0, [], error, None)
        return cls(name, timed, first, [], None, worker.process.pid)

    def take_turn(self) -> None:
        worker = self.timed.worker
        if self.failed is None and worker.process.pid != self.pid:
            self.failed = RuntimeCrashedError(f"the process of the runtime {worker.runtime!r} ended while it was timed")
        if self.failed is not None:
            return
        invokes = 1 if find_runtime(worker.runtime).emulated else WINDOW_INVOKES
        try:
            self.windows.append(worker.time_window(self.name, invokes, WINDOW_SECONDS))
        except EdgeMnistError as error:
            self.failed = error

    def result(self) -> Latency | EdgeMnistError:
        if self.failed is not None:
            return self.failed
        self.timed.worker.end_timing(self.name)
        samples = np.concatenate(self.windows)
        median, p95 = np.percentile(samples, [50, 95])
        windows = tuple(float(np.median(one)) for one in self.windows)
        return Latency(self.first_us, float(median), float(p95), windows, len(samples))
