"""RESIZE_BILINEAR: exact over sizes and options; refused where TFLM reads outside the image."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.runner import RuntimeWorker
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_reference_exact, assert_refused
from tests.compiler.test_operators_movement import one_operator, resized

resize = partial(resized, "RESIZE_BILINEAR")

TABLE = {
    "twice": resize((1, 3, 4, 5), 6, 8),
    "odd": resize((1, 3, 4, 2), 7, 5),
    "smaller": resize((1, 7, 6, 2), 3, 4),
    "taller and narrower": resize((1, 3, 7, 2), 8, 2),
    "same": resize((1, 3, 4, 2), 3, 4),
    "one pixel": resize((1, 1, 1, 3), 4, 5),
    "to one pixel": resize((1, 5, 4, 3), 1, 1),
    "corners": resize((1, 3, 4, 2), 7, 5, align_corners=1),
    "corners, one pixel": resize((1, 3, 4, 2), 1, 1, align_corners=1),
    "corners, smaller": resize((1, 9, 7, 3), 4, 3, align_corners=1),
    "half pixels": resize((1, 3, 4, 2), 7, 5, half_pixel_centers=1),
    "half pixels, smaller": resize((1, 7, 8, 2), 3, 5, half_pixel_centers=1),
    "half pixels, many": resize((1, 2, 3, 1), 31, 29, half_pixel_centers=1),
}


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, witness)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLE, tflm)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    st.tuples(*[st.integers(1, 9)] * 2), st.tuples(*[st.integers(1, 20)] * 2),
    st.sampled_from(["align_corners", "half_pixel_centers", ""]),
)  # fmt: skip
def test_everywhere(tflm: RuntimeWorker, before: tuple[int, int], after: tuple[int, int], option: str) -> None:
    options = {option: 1} if option else {}

    assert_reference_exact(resize((1, *before, 2), *after, **options), tflm)


REFUSED = {
    "both options": (resize((1, 2, 2, 1), 4, 4, align_corners=1, half_pixel_centers=1), "choose one"),
    "wrong shape": (one_operator("RESIZE_BILINEAR", (1, 2, 2, 1), (1, 4, 3, 1), (4, 4)), "is not"),
    "another scale": (
        one_operator("RESIZE_BILINEAR", (1, 2, 2, 1), (1, 4, 4, 1), (4, 4), scale=0.1),
        "differ in scale",
    ),
    "steps that end outside": (resize((1, 1, 1, 1), 1500, 1), r"reads row or column 1 of 1, since TFLM rounds"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    assert_refused(*REFUSED[name])
