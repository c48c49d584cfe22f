"""CUMSUM: exact along any axis, either way round; refused where TFLM's sum overflows."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.runner import RuntimeWorker
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import (
    ZERO_POINTS,
    assert_exact,
    assert_exact_at_limits,
    assert_reference_exact,
    assert_refused,
)

Quantised = tuple[float, int]
Shape = tuple[int, ...]


def model(
    shape: Shape, axis: int, source: Quantised = (0.05, 3), target: Quantised = (0.2, -9), **options: int
) -> bytes:  # fmt: skip
    builder = ModelBuilder()
    image = builder.input(shape, *source)
    chosen = builder.constant([axis], dtype="int32")
    output = builder.op("CUMSUM", [image, chosen], shape, *target, **options)  # type: ignore[arg-type]
    return builder.finish([output])


TABLE = {
    "rows": model((1, 5, 4, 3), 1),
    "channels": model((1, 5, 4, 3), -1),
    "exclusive": model((1, 5, 4, 3), 2, exclusive=1),
    "reverse": model((1, 5, 4, 3), 1, reverse=1),
    "both": model((1, 5, 4, 3), 2, exclusive=1, reverse=1),
    "few": model((1, 2, 9), 1, (0.05, 0)),
    "many": model((1, 30), 1, (0.05, 0), (0.9, 0)),
    "much finer": model((1, 4), 1, target=(0.0001, 0)),
    "much coarser": model((1, 4), 1, target=(1e9, 5)),
}


def test_exact(tflm: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, None)  # tflite-runtime's reference kernels have none


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLE, tflm)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(
    st.tuples(*[st.integers(1, 14)] * 2), st.sampled_from([1, 2]), st.sampled_from(ZERO_POINTS), st.floats(-3, 1),
    st.sampled_from([0, 1]), st.sampled_from([0, 1]),
)  # fmt: skip
def test_everywhere(
    tflm: RuntimeWorker,
    sizes: tuple[int, int],
    axis: int,
    zero_point: int,
    scale: float,
    exclusive: int,
    reverse: int,
) -> None:
    content = model((1, *sizes), axis, (0.05, zero_point), (10.0**scale, 7), exclusive=exclusive, reverse=reverse)

    assert_reference_exact(content, tflm)


REFUSED = {
    "too many": (model((1, 40), 1), "a 32-bit sum of 40 elements can overflow"),
    "too fine": (model((1, 4), 1, (1.0, 0), (1e-7, 0)), r"less than the input's / 2\^19"),
    "no such axis": (model((1, 4), 2), "with 2 axes"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    assert_refused(*REFUSED[name])
