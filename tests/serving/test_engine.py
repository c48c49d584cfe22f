"""The engine: batches, cancelled requests, a full queue, crashes and the end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgemnist.data.base import Split
from edgemnist.runner.run import LoadedModel, load_model, run_model
from edgemnist.serving import engine as engines
from edgemnist.serving.engine import Engine, EngineClosedError, QueueFullError, Watcher
from edgemnist.support.errors import MissingDependencyError, RuntimeCrashedError, UnsupportedModelError
from edgemnist.tflite.preprocessing import Preprocessing
from tests.compiler.model_builder import ModelBuilder
from tests.serving.running import INTERPRETER

RUNTIME = f"{INTERPRETER}-reference"


class Noted(Watcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.restarts: list[str] = []

    def batch(self, images: int, seconds: float) -> None:
        self.batches.append(images)

    def restarted(self, reason: str) -> None:
        self.restarts.append(reason)


@pytest.fixture(scope="module")
def loaded(model: Path) -> LoadedModel:
    return load_model(model)


@pytest.fixture
def noted() -> Noted:
    return Noted()


@pytest.fixture
def engine(loaded: LoadedModel, noted: Noted) -> Iterator[Engine]:
    one = Engine(loaded, RUNTIME, np.zeros((1, 28, 28, 1), np.int8), timeout=20, watcher=noted)
    one.start()
    yield one
    one.close()


def inputs_of(loaded: LoadedModel, digits: Split) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return loaded.inputs(digits.images, Preprocessing((28, 28, 1)))


def test_what_waits_is_one_batch_and_everybody_gets_his_own(
    engine: Engine, noted: Noted, loaded: LoadedModel, model: Path, digits: Split
) -> None:
    inputs, expected = inputs_of(loaded, digits), run_model(RUNTIME, model, digits.images).outputs
    with engine._change:  # while it is held nothing is taken
        asked = [(first, engine.submit(inputs[first : first + 1 + first % 3])) for first in range(35)]
    for first, answer in asked:
        assert np.array_equal(answer.result(20), expected[first : first + 1 + first % 3])
    assert sum(noted.batches) == sum(1 + first % 3 for first in range(35))
    assert max(noted.batches) <= engines.BATCH
    assert len(noted.batches) <= 3


def test_a_request_of_very_many_images(engine: Engine, noted: Noted) -> None:
    assert engine.submit(np.zeros((500, 28, 28, 1), np.int8)).result(20).shape == (500, 10)
    assert noted.batches == [500]


def test_who_has_gone_is_not_asked_for(engine: Engine, noted: Noted) -> None:
    with engine._change:
        gone, there = (engine.submit(np.zeros((1, 28, 28, 1), np.int8)) for _ in range(2))
        assert gone.cancel()
    assert there.result(20).shape == (1, 10)
    assert noted.batches == [1]


def test_a_full_queue(engine: Engine) -> None:
    with engine._change:
        asked = [engine.submit(np.zeros((512, 28, 28, 1), np.int8)) for _ in range(2)]
        with pytest.raises(QueueFullError, match="1024 images wait, at most 1024 may"):
            engine.submit(np.zeros((1, 28, 28, 1), np.int8))
    assert [one.result(20).shape for one in asked] == [(512, 10)] * 2
    assert engine.waiting == 0


def test_a_worker_that_ends_while_nothing_is_asked_costs_nobody_anything(engine: Engine, noted: Noted) -> None:
    pid = engine.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    assert engine.submit(np.zeros((1, 28, 28, 1), np.int8)).result(20).shape == (1, 10)
    assert len(noted.restarts) == 1
    assert engine.worker_pid not in (None, pid)


def test_a_worker_that_ends_at_work_costs_its_batch(engine: Engine, noted: Noted) -> None:
    pid = engine.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    at_work = engine.submit(np.zeros((1, 28, 28, 1), np.int8))
    deadline = time.monotonic() + 5
    while not at_work.running() and time.monotonic() < deadline:
        time.sleep(0.01)
    behind = engine.submit(np.zeros((1, 28, 28, 1), np.int8))
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(RuntimeCrashedError, match="killed by signal 9"):
        at_work.result(20)
    assert behind.result(20).shape == (1, 10)
    assert len(noted.restarts) == 1
    assert engine.ready


def test_a_worker_that_takes_too_long_is_ended(loaded: LoadedModel) -> None:
    engine = Engine(loaded, RUNTIME, np.zeros((1, 28, 28, 1), np.int8), timeout=2)
    engine.start()
    try:
        assert engine.worker_pid is not None
        os.kill(engine.worker_pid, signal.SIGSTOP)
        with pytest.raises(RuntimeCrashedError, match="no answer within 2 s"):
            engine.submit(np.zeros((1, 28, 28, 1), np.int8)).result(20)
        assert engine.submit(np.zeros((1, 28, 28, 1), np.int8)).result(20).shape == (1, 10)
    finally:
        engine.close()


def test_the_end_answers_what_waits(loaded: LoadedModel) -> None:
    engine = Engine(loaded, RUNTIME, np.zeros((1, 28, 28, 1), np.int8), timeout=20)
    engine.start()
    with engine._change:
        asked = [engine.submit(np.zeros((30, 28, 28, 1), np.int8)) for _ in range(10)]
    closing = threading.Thread(target=engine.close)
    closing.start()
    assert [one.result(20).shape for one in asked] == [(30, 10)] * 10
    closing.join(20)
    assert engine.worker_pid is None
    with pytest.raises(EngineClosedError):
        engine.submit(np.zeros((1, 28, 28, 1), np.int8))


def test_models_and_runtimes_that_do_not_fit(loaded: LoadedModel, tmp_path: Path) -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), None, dtype="float32")
    content = builder.finish([builder.op("CUSTOM:Mine", [image], (1, 4), dtype="float32")])
    (tmp_path / "custom.tflite").write_bytes(content)
    with pytest.raises(UnsupportedModelError, match="refused the model"):
        Engine(load_model(tmp_path / "custom.tflite"), RUNTIME, np.zeros((1, 4), np.float32), timeout=20).start()
    with pytest.raises(MissingDependencyError, match="cannot run here"):
        Engine(loaded, missing_runtime(), np.zeros((1, 28, 28, 1), np.int8), timeout=20).start()


def missing_runtime() -> str:
    from edgemnist.runner import runtimes

    missing = [name for name, one in runtimes().items() if one.available() is not None]
    return missing[0] if missing else pytest.skip("every runtime is installed")
