"""Models with several inputs and outputs: drawn inputs, the operator that differs, each output on its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.harness.random_inputs import random_inputs
from edgemnist.mismatch.compare import Oracle
from edgemnist.mismatch.dump import DumpSource
from edgemnist.mismatch.rule_of_each import rule_of_each
from edgemnist.mismatch.run import compare_all
from edgemnist.mismatch.sources import RuntimeSource
from edgemnist.runner.client import RuntimeWorker, runtime_worker
from edgemnist.runner.run import load_model
from edgemnist.support.errors import ModelError, UnsupportedModelError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.model_builder import ModelBuilder
from tests.mismatch.planted import FaultyRuntime
from tests.oracles import needs

pytestmark = needs("tflm", "litert-default")

CONV, DENSE, ADD, FIRST, SECOND = range(5)


def two_ends() -> bytes:
    """A picture and numbers beside it, joined, with two heads."""
    draw, builder = np.random.default_rng(5), ModelBuilder()

    def layer(operator: str, source: int, shape: tuple[int, ...], weights: tuple[int, ...], scale: float) -> int:
        values = draw.integers(-127, 128, weights)
        bias = builder.constant(draw.integers(-500, 500, weights[0]), 0.05 * 0.01, dtype="int32")
        options: dict[str, Any] = {"padding": 1} if operator == "CONV_2D" else {}
        return builder.op(operator, [source, builder.constant(values, 0.01), bias], shape, scale, 3, **options)

    picture = builder.input((1, 6, 6, 2), 0.05, -3, name="picture")
    numbers = builder.input((1, 5), 0.05, 7, name="numbers")
    pixels = layer("CONV_2D", picture, (1, 1, 1, 8), (8, 6, 6, 2), 0.2)
    dense = layer("FULLY_CONNECTED", numbers, (1, 8), (8, 5), 0.1)
    joined = builder.op("ADD", [pixels, dense], (1, 1, 1, 8), 0.25, -2)
    heads = [layer("FULLY_CONNECTED", joined, (1, size), (size, 8), 0.3) for size in (4, 3)]
    return builder.finish(heads)


@pytest.fixture(scope="module")
def other() -> Any:
    """Return a second TFLM, for what is asked at the same time as the first."""
    with runtime_worker("tflm") as worker:
        yield worker


@pytest.mark.parametrize(("index", "heads"), [(DENSE, {0, 1}), (FIRST, {0}), (SECOND, {1})])
def test_a_fault_is_found_behind_several_inputs_and_before_several_outputs(
    index: int, heads: set[int], tflm: RuntimeWorker, other: RuntimeWorker
) -> None:
    model = parse_tflite(two_ends())
    inputs, words = random_inputs(model, 8)
    assert words == "8 random inputs, uniform over -128..127 (seed 0)"
    source = FaultyRuntime(model, other, index, lambda call: call.right ^ -128, shows=True)
    with progress_task("test") as task:
        right, (found,) = compare_all(Oracle(model, RuntimeSource(tflm)), [source], inputs, task)
    assert not found.failure
    assert [one.index for one in found.findings if one.own is not None and one.own.differing] == [index]
    naming = rule_of_each(model, source, found.findings)[index]
    assert naming is not None
    assert (naming.rule, naming.exact) == ("uint8 for int8", True)
    unlike = {place for place, (one, two) in enumerate(zip(found.outputs, right, strict=True)) if (one != two).any()}
    assert unlike == heads


def test_inputs_are_drawn_by_their_types() -> None:
    builder = ModelBuilder()
    shape = builder.input((4,), None, dtype="int32", name="size")
    floats = builder.input((1, 5), None, dtype="float32", name="floats")
    flags = builder.input((1, 5), None, dtype="bool", name="flags")
    image = builder.input((1, 2, 2, 1), 0.1, name="image")
    weights = builder.constant(np.ones((1, 2, 2, 1)), 0.1)
    output = builder.op("TRANSPOSE_CONV", [shape, weights, image], (1, 4, 4, 1), 0.1, stride_h=2, stride_w=2)
    model = parse_tflite(builder.finish([output, floats, flags]))
    drawn, words = random_inputs(model, 3)
    assert [(one.shape, one.dtype.name) for one in drawn] == [
        ((3, 4), "int32"), ((3, 1, 5), "float32"), ((3, 1, 5), "bool"), ((3, 1, 2, 2, 1), "int8"),
    ]  # fmt: skip
    assert (drawn[0] == [1, 4, 4, 1]).all()
    assert "the shape [1, 4, 4, 1] for 'size'" in words
    assert "uniform over 0..1 for 'floats'" in words


def test_a_type_that_nothing_is_drawn_for_is_told() -> None:
    builder = ModelBuilder()
    text = builder.input((1,), None, dtype="string", name="text")
    with pytest.raises(UnsupportedModelError, match="no inputs can be drawn for 'text'"):
        random_inputs(parse_tflite(builder.finish([text])), 3)


def test_only_who_asks_gets_a_model_of_several_ends(tmp_path: Path) -> None:
    path = tmp_path / "two.tflite"
    path.write_bytes(two_ends())
    model: TfliteModel | None = load_model(path, any_ends=True).tflite
    assert model is not None
    assert (len(model.inputs), len(model.outputs)) == (2, 2)
    with pytest.raises(ModelError, match="2 inputs"):
        load_model(path)


def test_a_dump_of_several_inputs_is_its_own_feeding(tflm: RuntimeWorker) -> None:
    model = parse_tflite(two_ends())
    inputs, _ = random_inputs(model, 4)
    tensors = {**dict(zip(model.inputs, inputs, strict=True)), **tflm.trace(model.content, inputs)}
    tensors[model.operators[ADD].outputs[0]] = tensors[model.operators[ADD].outputs[0]] ^ -128
    dump = DumpSource("board.txt", range(4), tensors)
    fed = dump.inputs(model)
    assert fed is not None
    with progress_task("test") as task:
        _, (found,) = compare_all(Oracle(model, RuntimeSource(tflm)), [dump], fed, task)
    own = {one.index: one.own.differing for one in found.findings if one.own is not None}
    assert {index for index, differing in own.items() if differing} == {ADD, FIRST, SECOND}
    assert found.findings[CONV].accumulated.differing == 0
