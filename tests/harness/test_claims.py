"""What the compiler can vouch for, what it does not know, and what it knows to be wrong are three things."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from edgemnist.harness.claims import Standing, claims_of
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder


def right() -> bytes:
    builder = ModelBuilder()
    return builder.finish([builder.op("RELU", [builder.input((1, 8), 0.1)], (1, 8), 0.1)])


def too_small_an_output() -> bytes:
    builder = ModelBuilder()
    axes = builder.constant([1, 2], dtype="int32")
    return builder.finish([builder.op("MEAN", [builder.input((1, 8, 8, 16), 0.1), axes], (1, 1), 0.1)])


def no_number() -> bytes:
    builder = ModelBuilder()
    return builder.finish([builder.op("LEAKY_RELU", [builder.input((1, 8), 0.1)], (1, 8), 0.1, alpha=float("nan"))])


def unknown_operator(then_wrong: bool = False) -> bytes:
    builder = ModelBuilder()
    unknown = builder.op("COS", [builder.input((1, 8), 0.1)], (1, 8), 0.1)
    return builder.finish([builder.op("RELU", [unknown], (1, 4 if then_wrong else 8), 0.1)])


def unknown_type(kind: str = "RELU") -> bytes:
    builder = ModelBuilder()
    entry = builder.input((1, 8), 0.1, dtype="int32")
    return builder.finish([builder.op(kind, [entry], (1, 8), 0.1, dtype="int32")])


def int16(size: int = 8) -> bytes:
    builder = ModelBuilder()
    entry = builder.input((1, 8), 0.1, dtype="int16")
    return builder.finish([builder.op("RELU", [entry], (1, size), 0.1, dtype="int16")])


def unknown_type_of_weights() -> bytes:
    builder = ModelBuilder()
    weights = builder.constant(np.ones((4, 8)), 0.1, dtype="uint8")
    return builder.finish([builder.op("FULLY_CONNECTED", [builder.input((1, 8), 0.1), weights], (1, 4), 0.1)])


def computed_shape() -> bytes:
    builder = ModelBuilder()
    entry = builder.input((1, 8), 0.1)
    size = builder.op("CAST", [builder.op("RANK", [entry], (2,), dtype="int32")], (2,), dtype="int32")
    return builder.finish([builder.op("RESHAPE", [entry, size], (2, 4), 0.1)])


def several_graphs() -> bytes:
    builder = ModelBuilder()
    return builder.finish([builder.op("RELU", [builder.input((1, 8), 0.1)], (1, 8), 0.1)], subgraphs=2)


def more_operators_than_are_looked_at() -> bytes:
    builder = ModelBuilder()
    tensor = builder.input((1, 4), 0.1)
    for _ in range(1100):
        tensor = builder.op("RELU", [tensor], (1, 4), 0.1)
    return builder.finish([tensor])


def wrong_table() -> bytes:
    """Return an operator that nobody knows behind one that has another's options."""
    builder = ModelBuilder()
    first = builder.op("SOFTMAX", [builder.input((1, 8), 0.1)], (1, 8), 1 / 256, -128, without_options=True)
    return builder.finish([builder.op("COS", [first], (1, 8), 0.1)])


@pytest.mark.parametrize(
    ("model", "standing"),
    [
        (right, Standing.HOLD),
        (int16, Standing.HOLD),
        (lambda: int16(9), Standing.REFUSED),
        (unknown_operator, Standing.UNCHECKED),
        (unknown_type, Standing.UNCHECKED),
        (unknown_type_of_weights, Standing.UNCHECKED),
        (computed_shape, Standing.UNCHECKED),
        (several_graphs, Standing.HOLD),
        (more_operators_than_are_looked_at, Standing.UNCHECKED),
        (too_small_an_output, Standing.REFUSED),
        (no_number, Standing.REFUSED),
        (wrong_table, Standing.REFUSED),
        (lambda: unknown_operator(then_wrong=True), Standing.REFUSED),
    ],
)
def test_standing(model: Callable[[], bytes], standing: Standing) -> None:
    found = claims_of(parse_tflite(model()))
    assert found.standing is standing
    assert bool(found.problems) is (standing is Standing.REFUSED)


def test_problems_are_told_with_how_many_there_are() -> None:
    found = claims_of(parse_tflite(too_small_an_output()))
    assert found.in_words().startswith("operator 0 MEAN: the mean of 'input' is [1, 16], the file says [1, 1]")
