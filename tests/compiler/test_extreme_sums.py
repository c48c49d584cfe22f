"""The largest sums that weights and activations of -128 can make, in every body."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.compiler.host import build_host_model
from edgemnist.compiler.lowering import lower
from edgemnist.compiler.memory import plan
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.passes import optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.targets import TARGETS
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder


def dense_of_extremes(length: int) -> bytes:
    """Return a dense layer with a channel of zeros and, above it in its pair, one of -128."""
    builder = ModelBuilder()
    image = builder.input((1, length), 0.02, 0)
    weights = np.zeros((2, length), np.int8)
    weights[1] = -128
    product = builder.op("FULLY_CONNECTED", [image, builder.constant(weights, 0.004, 0)], (1, 2), 0.012 * length, 0)
    return builder.finish([product])


@pytest.mark.parametrize("length", [503, 504, 511, 512, 1024, 1027])
def test_a_sum_of_extremes_does_not_overflow(length: int, tflm: RuntimeWorker) -> None:
    content, image = dense_of_extremes(length), np.full((1, length), -128, np.int8)
    expected = tflm.invoke(content, [image[np.newaxis]])[0].reshape(-1)
    assert expected[1] > 100
    for target in TARGETS:
        program = lower(optimise(read_graph(parse_tflite(content))), LoweringSettings(target=target))
        model = build_host_model(program, plan(program))
        np.testing.assert_array_equal(model.run(image).reshape(-1), expected, err_msg=target)
