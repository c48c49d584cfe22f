"""A source that fails is told of, once, and takes nothing of the others with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.mismatch import run
from edgemnist.mismatch.compare import Oracle
from edgemnist.mismatch.run import compare_all
from edgemnist.mismatch.sources import Fed, RuntimeSource, Source, Tensors
from edgemnist.runner.client import RuntimeWorker
from edgemnist.support.errors import EdgeMnistError, RuntimeCrashedError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.file import TfliteModel
from tests.mismatch.planted import INPUT, net


class Failing(Source):
    """Crashes whenever it is asked."""

    name = "failing"

    def __init__(self) -> None:
        self.asked = 0

    def trace(self, model: TfliteModel, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """Fail."""
        self.asked += 1
        raise RuntimeCrashedError("it crashed")


class Reshaping(RuntimeSource):
    """Gives a tensor of another shape, and operators alone of another type."""

    def __init__(self, worker: RuntimeWorker, index: int | None) -> None:
        super().__init__(worker)
        self._index = index

    def trace(self, model: TfliteModel, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """Return every operator's output, one of them cut."""
        found = dict(super().trace(model, inputs, first))
        if self._index is not None:
            found[self._index] = found[self._index][..., :-1]
            return found
        return {index: values for index, values in found.items() if index in model.outputs}

    def alone(self, fed: Sequence[Fed]) -> list[list[NDArray[Any]] | EdgeMnistError]:
        """Return other types."""
        answers = super().alone(fed)
        return [[one.astype(np.int16) for one in answer] for answer in answers if isinstance(answer, list)]


def compared(tflm: RuntimeWorker, *sources: Source) -> tuple[run.SourceFindings, ...]:
    inputs = np.zeros((4, *INPUT), np.int8)
    with progress_task("test") as task:
        return compare_all(Oracle(net(), RuntimeSource(tflm)), sources, [inputs], task)[1]


def test_a_failed_source_is_not_asked_again(tflm: RuntimeWorker, witness: RuntimeWorker, monkeypatch: Any) -> None:
    monkeypatch.setattr(run, "images_at_a_time", lambda _: 1)
    failing = Failing()
    first, second = compared(tflm, failing, RuntimeSource(witness))
    assert (failing.asked, first.failure, first.outputs) == (1, "it crashed", ())
    assert second.failure == ""
    assert [len(one) for one in second.outputs] == [4]


@pytest.mark.parametrize("operator", [0, 3])
def test_a_tensor_of_another_shape_is_told(tflm: RuntimeWorker, witness: RuntimeWorker, operator: int) -> None:
    tensor = net().operators[operator].outputs[0]
    (found,) = compared(tflm, Reshaping(witness, tensor))
    assert found.failure.startswith(f"tensor {tensor} is of shape [4, 1, ")


def test_an_operator_alone_of_another_type_is_told(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    (found,) = compared(tflm, Reshaping(witness, None))
    reasons = {one.why_not_own for one in found.findings}
    assert all("type int16, the oracle's of" in reason for reason in reasons)
