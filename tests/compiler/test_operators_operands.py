"""Every operator's check of a node with too few, absent or too many operands: it says so and never raises."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edgemnist.compiler.graph import plain_kind, type_of
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.reader import read_graph
from edgemnist.support.errors import EdgeMnistError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder

SHAPE = (1, 4, 4, 4)

pytestmark = pytest.mark.unit


def model(kind: str, change: Callable[[list[int]], list[int]], dtype: str) -> bytes:
    """Return one operator of images, or of an image and constants of int32, after ``change`` of its operands."""
    builder = ModelBuilder()
    computed = type_of(kind)
    quantised = (None, 0) if computed == "float32" else (0.1, 0) if computed == "int16" else (0.1, 3)
    image = builder.input(SHAPE, *quantised, dtype=computed)
    others = [builder.constant([1, 4, 4, 4], dtype="int32") if dtype == "int32" else image for _ in range(3)]
    schema = OPERATORS[kind].kinds[kind]
    operands = [image, *others][: max(schema.least, 2 if schema.most is None else schema.most)]
    return builder.finish([builder.op(plain_kind(kind), change(operands), SHAPE, *quantised, dtype=computed)])


CHANGES: dict[str, Callable[[list[int]], list[int]]] = {
    "as they are": lambda operands: operands,
    "one less": lambda operands: operands[:-1],
    "the first only": lambda operands: operands[:1],
    "one more": lambda operands: [*operands, operands[0]],
    "the first absent": lambda operands: [-1, *operands[1:]],
    "the last absent": lambda operands: [*operands[:-1], -1],
    "the other way round": lambda operands: operands[::-1],
    "none": lambda _: [],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("dtype", ["int8", "int32"])
def test_it_never_raises_another_error(change: str, dtype: str) -> None:
    for kind in (kind for kind, one in OPERATORS.items() if one.of_files):
        try:
            read_graph(parse_tflite(model(kind, CHANGES[change], dtype)))
        except EdgeMnistError as error:
            assert plain_kind(kind) in str(error)
