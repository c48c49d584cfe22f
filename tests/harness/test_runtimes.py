"""The one order of runtimes, and the first of them that takes a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgemnist.harness.runtimes import ORACLES, QUICKEST, OpenRuntimes, named_for, preferred_runtimes
from edgemnist.runner import RuntimeWorker, find_runtime
from edgemnist.support.errors import MissingDependencyError, UnsupportedModelError
from edgemnist.tflite.kinds import ModelKind
from tests.oracles import needs


@pytest.mark.parametrize("kind", ModelKind)
def test_every_kind_has_runtimes_that_take_it(kind: ModelKind) -> None:
    names = preferred_runtimes(kind)
    assert len(set(names)) == len(names)
    takers = [name for name in names if kind in find_runtime(name).takes]
    assert takers == list(names)
    assert not any(find_runtime(name).emulated for name in names)


def test_integers_get_the_exact_ones_first_and_floats_the_quickest() -> None:
    for kind in (ModelKind.INT8, ModelKind.INT16X8):
        assert preferred_runtimes(kind)[: len(ORACLES)] == ORACLES
        assert preferred_runtimes(kind)[-len(QUICKEST) :] == QUICKEST
    for kind in (ModelKind.FLOAT32, ModelKind.FLOAT16, ModelKind.DYNAMIC):
        assert preferred_runtimes(kind) == QUICKEST


@needs("tflm", "tflite-runtime-reference", "litert-reference")
@pytest.mark.parametrize("refusals", [0, 1, 2])
def test_the_first_that_does_not_refuse_it(refusals: int, real_models: Path) -> None:
    order, asked = (*ORACLES, "litert-reference"), []

    def trial(worker: RuntimeWorker) -> list[int]:
        asked.append(worker.runtime)
        if len(asked) <= refusals:
            raise UnsupportedModelError("no:", [worker.runtime])
        (outputs,) = worker.invoke(real_models / "compact_int8.tflite", [np.zeros((3, 1, 28, 28, 1), np.int8)])
        return list(outputs.shape)

    with OpenRuntimes() as runtimes:
        worker, shape = runtimes.first(ModelKind.INT8, trial, order)
        assert (worker.runtime, shape[0], asked) == (order[refusals], 3, list(order[: refusals + 1]))


@needs("tflm", "tflite-runtime-reference")
def test_all_refuse_it() -> None:
    def trial(worker: RuntimeWorker) -> None:
        raise UnsupportedModelError("no:", [worker.runtime])

    with OpenRuntimes() as runtimes, pytest.raises(UnsupportedModelError, match=ORACLES[-1]):
        runtimes.first(ModelKind.INT8, trial, ORACLES)


def test_a_runtime_that_is_not_installed_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(find_runtime("tflm")), "available", lambda _: "tflite_micro is not installed")
    with OpenRuntimes() as runtimes, pytest.raises(MissingDependencyError, match="tflm: tflite_micro is not installed"):
        runtimes.first(ModelKind.INT8, lambda worker: worker.version(), ["tflm"])


def test_the_first_named_one_that_takes_the_kind_is_used() -> None:
    assert named_for(ModelKind.INT8, ["keras", "host-c", "tflm"]) == ("host-c",)
    assert named_for(ModelKind.KERAS, ["tflm"]) == ()
