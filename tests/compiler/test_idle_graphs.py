"""Graphs that nothing runs: interpreters prepare them all the same, so that what TFLM crashes on there is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.reader import MOST_IDLE, read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import EdgeMnistError, UnsupportedModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler import test_int4, test_operators_batches, test_operators_mean, test_operators_transpose_conv
from tests.compiler.model_builder import ModelBuilder, edited

ASKING = {
    "MEAN": next(iter(test_operators_mean.TABLE.values())),
    "SUM": next(iter(test_operators_mean.SUMS.values())),
    "REDUCE_MAX": next(iter(test_operators_mean.EXTREMES.values())),
    "TRANSPOSE_CONV": next(iter(test_operators_transpose_conv.TABLE.values())),
    "ADD_N": test_operators_batches.TABLE["add two"],
    "CONV_2D": test_int4.TABLE["even rows"],
}


def twice(model: Any) -> None:
    model.subgraphs = model.subgraphs * 2


def relu(subgraphs: int) -> bytes:
    builder = ModelBuilder()
    return builder.finish([builder.op("RELU", [builder.input((1, 4), 0.1)], (1, 4), 0.1)], subgraphs=subgraphs)


@pytest.mark.parametrize("kind", ASKING)
def test_what_tflm_crashes_on_is_refused(kind: str, tflm: RuntimeWorker) -> None:
    content = edited(ASKING[kind], twice)
    model = parse_tflite(content)
    images = [np.zeros((1, *model.tensors[index].shape), model.tensors[index].dtype) for index in model.inputs]

    with pytest.raises(UnsupportedModelError, match=f"graph 1, which nothing runs: TFLM crashes on.* {kind}"):
        read_graph(model)
    with pytest.raises(EdgeMnistError):
        tflm.invoke(content, images)


def test_what_tflm_runs_is_compiled() -> None:
    """That TFLM runs it is tested with its canaries."""
    assert "first graph of 2" in generate(parse_tflite(relu(2)), CodegenSettings()).files["model.h"]


def test_what_is_wrong_in_them_is_said() -> None:
    def change(model: Any) -> None:
        model.subgraphs[1].operators[0].inputs = [-1]

    with pytest.raises(UnsupportedModelError, match=r"graph 1, which nothing runs: .*operator 0 RELU"):
        read_graph(parse_tflite(edited(relu(2), change)))


def test_graphs_that_nothing_runs_are_counted() -> None:
    with pytest.raises(UnsupportedModelError, match=f"has {MOST_IDLE + 1} graphs that nothing runs, allowed are"):
        read_graph(parse_tflite(relu(MOST_IDLE + 2)))
