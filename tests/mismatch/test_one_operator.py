"""An operator alone gives what it gives in its model."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.mismatch.one_operator import one_operator
from edgemnist.runner.client import RuntimeWorker
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.model_builder import ModelBuilder
from tests.mismatch.planted import INPUT, net


def test_every_operator_alone_gives_the_same_bytes(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    model = net()
    check(model, np.random.default_rng(3).integers(-128, 128, (3, *INPUT)).astype(np.int8), tflm, witness)


def test_an_operator_that_reads_a_tensor_twice(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), scale=0.1)
    twice = builder.op("ADD", [image, image], (1, 4), 0.2)
    content = builder.finish([builder.op("MUL", [twice, image], (1, 4), 0.3)])
    model = parse_tflite(content)
    assert one_operator(model, 0).inputs == (image,)
    assert one_operator(model, 1).inputs == (twice, image)
    check(model, np.array([[[1, -2, 3, -4]]], np.int8), tflm, witness)


def check(model: TfliteModel, inputs: np.ndarray, *workers: RuntimeWorker) -> None:  # type: ignore[type-arg]
    for worker in workers:
        values = {model.inputs[0]: inputs, **worker.trace(model.content, [inputs])}
        for operator in model.operators:
            cut = one_operator(model, operator.index)
            parsed = parse_tflite(cut.content)
            assert [one.kind for one in parsed.operators] == [operator.kind]
            for numbers, expected in ((parsed.inputs, cut.inputs), (parsed.outputs, cut.outputs)):
                assert [parsed.tensors[one].name for one in numbers] == [model.tensors[one].name for one in expected]
            (found,) = worker.invoke(cut.content, [values[index] for index in cut.inputs])
            np.testing.assert_array_equal(found, values[operator.outputs[0]])


def test_what_depends_on_more_than_its_inputs_is_refused() -> None:
    builder = ModelBuilder()
    image, state = builder.input((1, 4), scale=0.1), builder.tensor((1, 4), 0.1, variable=True)
    model = parse_tflite(builder.finish([builder.op("ADD", [image, state], (1, 4), 0.2)]))
    with pytest.raises(UnsupportedModelError, match="operator 0 ADD can't be run alone"):
        one_operator(model, 0)
