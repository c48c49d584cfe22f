"""Latency is measured in turns, and what fails while it is timed is told."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.runner.client import RuntimeWorker, WorkerProcess, runtime_worker
from edgemnist.runner.latency import WINDOWS, Latency, Timed, ratio, side_by_side
from edgemnist.support.errors import RuntimeCrashedError, UnsupportedModelError


@pytest.fixture
def images() -> NDArray[np.int8]:
    return np.random.default_rng(0).integers(-128, 128, (3, 28, 28, 1)).astype(np.int8)


def test_two_take_turns(real_models: Path, images: NDArray[np.int8], monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []
    time_window = RuntimeWorker.time_window

    def noted(self: RuntimeWorker, *arguments: object) -> NDArray[np.float64]:
        turns.append(self.runtime)
        return time_window(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(RuntimeWorker, "time_window", noted)
    content = (real_models / "compact_int8.tflite").read_bytes()
    with runtime_worker("tflm") as one, runtime_worker("tflite-runtime-reference") as other:
        found = side_by_side([Timed(one, content, images), Timed(other, content, images)])

    assert turns[:4] == ["tflm", "tflite-runtime-reference", "tflite-runtime-reference", "tflm"]
    assert len(turns) == 2 * WINDOWS
    for latency in found:
        assert isinstance(latency, Latency)
        assert len(latency.windows_us) == WINDOWS <= latency.samples
        assert 0 < latency.lowest_us <= latency.median_us <= latency.p95_us
        assert latency.lowest_us <= latency.highest_us
        assert latency.first_us > 0


def test_what_fails_does_not_take_the_others_along(real_models: Path, images: NDArray[np.int8]) -> None:
    content = (real_models / "compact_int8.tflite").read_bytes()
    with runtime_worker("tflm") as one, runtime_worker("tflite-runtime-reference") as other:
        refused, timed = side_by_side([Timed(one, b"no model", images), Timed(other, content, images)])

    assert isinstance(refused, UnsupportedModelError)
    assert isinstance(timed, Latency)


def test_a_process_that_ends_meanwhile_is_told(
    real_models: Path, images: NDArray[np.int8], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = WorkerProcess()
    time_window = RuntimeWorker.time_window

    def killed(self: RuntimeWorker, *arguments: object) -> NDArray[np.float64]:
        samples = time_window(self, *arguments)  # type: ignore[arg-type]
        if self.process.pid is not None:
            os.kill(self.process.pid, signal.SIGKILL)
        return samples

    monkeypatch.setattr(RuntimeWorker, "time_window", killed)
    content = (real_models / "compact_int8.tflite").read_bytes()
    worker = RuntimeWorker("tflm", process)
    try:
        found = side_by_side([Timed(worker, content, images), Timed(worker, content, images)])
    finally:
        process.close()

    assert all(isinstance(one, RuntimeCrashedError) for one in found)


@pytest.mark.unit
def test_a_ratio_is_that_of_windows_at_the_same_time() -> None:
    """A machine that becomes twice as slow in between changes no quotient."""
    one = Latency(9.0, 3.0, 4.0, (2.0, 2.0, 4.0, 4.0, 4.0), 5)
    other = Latency(9.0, 6.0, 8.0, (4.0, 4.0, 8.0, 8.0, 10.0), 5)

    found = ratio(one, other)

    assert (found.median, found.lowest, found.highest) == (0.5, 0.4, 0.5)
