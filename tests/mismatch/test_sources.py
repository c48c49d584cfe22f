"""Runtimes as sources: a process for each package, operators alone in one request, and why one of them failed."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from edgemnist.mismatch.one_operator import one_operator
from edgemnist.mismatch.sources import Fed, RuntimeSources
from edgemnist.support.errors import EdgeMnistError, UnsupportedModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder
from tests.mismatch.planted import INPUT, net
from tests.oracles import needs

pytestmark = needs("tflm", "litert-reference", "litert-default")


def test_runtimes_of_one_package_share_a_process() -> None:
    model, inputs = net(), np.zeros((2, *INPUT), np.int8)
    with ExitStack() as stack:
        opened = RuntimeSources(stack, 60.0)
        first, second, other = (opened.open(name) for name in ("litert-reference", "litert-default", "tflm"))
        assert opened.open("litert-default") is second
        shapes = [source.run_file(model.content, [inputs])[0].shape for source in (first, second, other)]
        assert shapes == [(2, 1, 4)] * 3
        processes = [source._worker.process.pid for source in (first, second, other)]
    assert processes[0] == processes[1]
    assert processes[1] != processes[2]


def test_one_operator_that_fails_takes_no_other_with_it() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), scale=0.1)
    twice = builder.op("ADD", [image, image], (1, 4), 0.2)
    unknown = builder.op("CUSTOM:nothing", [twice], (1, 4), 0.2)
    model = parse_tflite(builder.finish([builder.op("MUL", [unknown, twice], (1, 4), 0.3)]))
    values = np.array([[[1, -2, 3, -4]]], np.int8)
    fed = [Fed(one_operator(model, index), [values] * count) for index, count in ((0, 1), (1, 1), (2, 2))]
    with ExitStack() as stack:
        source = RuntimeSources(stack, 60.0).open("litert-reference")
        first, second, third = source.alone(fed)
        assert isinstance(second, UnsupportedModelError)
        assert not isinstance(first, EdgeMnistError)
        assert not isinstance(third, EdgeMnistError)
        np.testing.assert_array_equal(first[0], source.run_file(fed[0].operator.content, [values])[0])
        np.testing.assert_array_equal(third[0], source.run_file(fed[2].operator.content, [values, values])[0])
