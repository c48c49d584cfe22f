"""Time invokes inside a worker: the first one apart, then in windows between which others may have their turn."""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.base import Runtime

WARM_UP_INVOKES = 10
WARM_UP_SECONDS = 0.5


class Watched:
    """A model that is open in a runtime, as an application opens it, to be timed.

    :param inputs: shape (N, *image shape), in the model's input dtype; the invokes cycle through them.
    """

    def __init__(self, runtime: Runtime, model: bytes | Path, inputs: NDArray[Any]) -> None:
        self._session = runtime.open(model)
        self._inputs = inputs
        self._turns = count()
        self.first_ns = self._invoke()
        """Nanoseconds of the first invoke after opening."""
        self._invokes(WARM_UP_INVOKES, WARM_UP_SECONDS)

    def window(self, invokes: int, seconds: float) -> list[int]:
        """Return the nanoseconds of up to ``invokes`` invokes, at least one, that begin within ``seconds``.

        One before them is not measured: what ran meanwhile has taken the caches.
        """
        self._invoke()
        return self._invokes(invokes, seconds)

    def _invokes(self, invokes: int, seconds: float) -> list[int]:
        samples: list[int] = []
        deadline = time.perf_counter() + seconds
        while len(samples) < invokes and (not samples or time.perf_counter() < deadline):
            samples.append(self._invoke())
        return samples

    def _invoke(self) -> int:
        image = self._inputs[next(self._turns) % len(self._inputs)][np.newaxis]
        start = time.perf_counter_ns()
        self._session.invoke([image])
        return time.perf_counter_ns() - start
