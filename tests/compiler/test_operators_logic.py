"""Comparisons, conditions, SELECT, CAST and BROADCAST_TO; constants that are computed when code is generated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_refused

IMAGE = (1, 5, 4, 3)
COMPARISONS = ("EQUAL", "NOT_EQUAL", "GREATER", "GREATER_EQUAL", "LESS", "LESS_EQUAL")


def operator(kind: str, dtypes: Sequence[str], result: str, shapes: Sequence[Sequence[int]], *operands: Any) -> bytes:
    """Return a model of one operator of inputs and then of int32 constants; the output has the shape of an image."""
    builder = ModelBuilder()
    pairs = enumerate(zip(dtypes, shapes, strict=True))
    inputs = [builder.input(shape, None, dtype=dtype, name=f"input_{n}") for n, (dtype, shape) in pairs]
    constants = [builder.constant(values, dtype="int32") for values in operands]
    return builder.finish([builder.op(kind, [*inputs, *constants], IMAGE, dtype=result)])


def with_constant(kind: str, position: int) -> bytes:
    """Return a comparison of an image and a constant, which stands first or second."""
    builder = ModelBuilder()
    image = builder.input(IMAGE, None, dtype="float32")
    constant = builder.constant([0.25, -1.0, 2.5], dtype="float32")
    operands = [constant, image] if position == 0 else [image, constant]
    return builder.finish([builder.op(kind, operands, IMAGE, dtype="bool")])


def chosen(first: Sequence[int], second: Sequence[int], condition: Sequence[int] = IMAGE) -> bytes:
    """Return a SELECT_V2, of which the second tensor is a constant."""
    builder = ModelBuilder()
    operands = [builder.input(condition, None, dtype="bool"), builder.input(first, None, dtype="float32", name="first")]
    operands.append(builder.constant(np.random.default_rng(2).normal(size=tuple(second)), dtype="float32"))
    return builder.finish([builder.op("SELECT_V2", operands, IMAGE, dtype="float32")])


def quantised(kind: str, first: tuple[float, int], second: tuple[float, int], other: Sequence[int] = IMAGE) -> bytes:
    """Return a comparison of two tensors of int8 in quantisations of their own."""
    builder = ModelBuilder()
    operands = [builder.input(IMAGE, *first), builder.input(other, *second, name="other")]
    return builder.finish([builder.op(kind, operands, IMAGE, dtype="bool")])


TABLE = {
    **{f"{kind} of int8": quantised(kind, (0.05, 3), (0.04, -9)) for kind in COMPARISONS},
    "EQUAL of a coarse and a fine scale": quantised("EQUAL", (0.9, 0), (0.0005, 7)),
    "LESS of int8, broadcast": quantised("LESS", (0.1, 0), (0.1, 1), (1, 1, 4, 1)),
    **{
        f"{kind} of {dtype}": operator(kind, (dtype, dtype), "bool", (IMAGE, IMAGE))
        for kind in COMPARISONS
        for dtype in ("float32", "int32")
    },
    "LESS broadcast": operator("LESS", ("float32",) * 2, "bool", ((1, 5, 1, 3), (1, 1, 4, 3))),
    **{f"constant {n} of GREATER": with_constant("GREATER", n) for n in (0, 1)},
    "LOGICAL_AND": operator("LOGICAL_AND", ("bool", "bool"), "bool", (IMAGE, IMAGE)),
    "LOGICAL_OR": operator("LOGICAL_OR", ("bool", "bool"), "bool", (IMAGE, IMAGE)),
    "LOGICAL_NOT": operator("LOGICAL_NOT", ("bool",), "bool", (IMAGE,)),
    "SELECT_V2": operator("SELECT_V2", ("bool", "float32", "float32"), "float32", (IMAGE,) * 3),
    "SELECT_V2 broadcast": chosen((1, 5, 1, 3), (4, 1), (1, 1, 4, 3)),
    **{
        f"CAST of {source} to {target}": operator("CAST", (source,), target, (IMAGE,))
        for source, target in (("int32", "float32"), ("bool", "float32"), ("float32", "bool"), ("bool", "int32"))
    },
    "BROADCAST_TO": operator("BROADCAST_TO", ("float32",), "float32", ((5, 1, 3),), IMAGE),
}


def test_exact(tflm: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, None)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLE, tflm)


def test_exact_where_tflm_has_no_kernel(witness: RuntimeWorker) -> None:
    kinds = ("SELECT", "SELECT_V2")
    models = {kind: operator(kind, ("bool", "int32", "int32"), "int32", (IMAGE,) * 3) for kind in kinds}
    assert_exact(models, witness, None)


def test_weights_of_float16_and_a_filled_tensor_are_constants() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), None, dtype="float32")
    half = builder.constant(np.arange(8).reshape(2, 4) / 8, dtype="float16")
    weights = builder.op("DEQUANTIZE", [half], (2, 4), dtype="float32")
    dense = builder.op("FULLY_CONNECTED", [image, weights], (1, 2), dtype="float32")
    shape, value = builder.constant([1, 2], dtype="int32"), builder.constant(1.5, dtype="float32")
    filled = builder.op("FILL", [shape, value], (1, 2), dtype="float32")
    content = builder.finish([builder.op("ADD", [dense, filled], (1, 2), dtype="float32")])

    program, _ = compile_model(parse_tflite(content), CodegenSettings(), any_net=True)

    assert [step.function for step in program.steps] == ["em_float_fully_connected", "em_float_add"]
    assert program.steps[0].arrays[0].values.tolist() == (np.arange(8).reshape(2, 4) / 8).tolist()
    assert program.steps[1].arrays[0].values.tolist() == [[1.5, 1.5]]


def test_refuses_to_fill_more_than_a_file_may_ask_for() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 1024), None, dtype="float32")
    shape, value = builder.constant([1024, 1024], dtype="int32"), builder.constant(1.5, dtype="float32")
    filled = builder.op("FILL", [shape, value], (1024, 1024), dtype="float32")
    content = builder.finish([builder.op("ADD", [image, filled], (1024, 1024), dtype="float32")])

    with pytest.raises(ModelError, match="more than 1,048,576 bytes are filled with one value"):
        read_graph(parse_tflite(content))


def test_refuses_what_is_made_of_constants_alone() -> None:
    builder = ModelBuilder()
    image, constant = builder.input(IMAGE, None, dtype="float32"), builder.constant(np.ones(IMAGE), dtype="float32")
    made = builder.op("ABS", [constant], IMAGE, dtype="float32")
    content = builder.finish([builder.op("ADD", [image, made], IMAGE, dtype="float32")])
    assert_refused(content, "all its operands are constants; fold them before converting")


def test_refuses_a_condition_that_is_none() -> None:
    wrong = operator("SELECT_V2", ("int32", "float32", "float32"), "float32", (IMAGE,) * 3)
    assert_refused(wrong, "is int32, needed is bool")


def test_refuses_a_shape_that_is_not_the_one_asked_for() -> None:
    assert_refused(operator("BROADCAST_TO", ("float32",), "float32", ((2, 1, 3),), IMAGE), "can't be broadcast")
