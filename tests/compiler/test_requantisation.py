"""The usual requantisation is taken where it is exact in 32 bits, and only there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler.fixedpoint import Multiplier, multiply_by_quantised_multiplier
from edgemnist.compiler.ops.requantisation import is_fast

HALF = Multiplier(2**30, -1)
"""A quarter, with the least shift that the usual requantisation takes."""


def in_32_bits(value: int) -> int:
    """Return a value that C has in an int32."""
    assert -(2**31) <= value < 2**31
    return value


def requantised(accumulator: int, multiplier: Multiplier, zero_point: int) -> int:
    """Return what ``em_requantise`` of em_common.h does, step by step."""
    shift = -multiplier.exponent
    rounding = in_32_bits((2 * zero_point + 1) << (shift - 1))
    start = in_32_bits(rounding + (accumulator >> 31))
    doubled = in_32_bits(accumulator * 2)
    return in_32_bits((start * 2**32 + 2**31 + doubled * multiplier.mantissa) >> 32) >> shift


@given(
    st.integers(0, 2**30 + 5), st.integers(2**30, 2**31 - 1), st.integers(1, 30), st.integers(-128, 127),
    st.floats(-1, 1),
)  # fmt: skip
@settings(max_examples=400)
def test_what_counts_as_fast_is_exact(bound: int, mantissa: int, shift: int, zero_point: int, where: float) -> None:
    multiplier = Multiplier(mantissa, -shift)
    if not is_fast(bound, multiplier, zero_point):
        return
    for accumulator in (bound, -bound, int(bound * where)):
        expected = int(multiply_by_quantised_multiplier(np.int64(accumulator), multiplier)) + zero_point
        assert requantised(accumulator, multiplier, zero_point) == expected


@pytest.mark.parametrize(
    ("bound", "multiplier", "zero_point", "fast"),
    [
        (2**30 - 1, HALF, 0, True),
        (2**30, HALF, 0, False),  # doubled it is no int32
        (1000, Multiplier(2**30, -30), 0, True),
        (1000, Multiplier(2**30, -30), 2, False),  # the zero point at the place of the shift is none
        (1000, Multiplier(2**30, 0), 0, False),
        (1000, Multiplier(2**30, -31), 0, False),
    ],
)
def test_what_is_at_the_limits(bound: int, multiplier: Multiplier, zero_point: int, fast: bool) -> None:
    assert is_fast(bound, multiplier, zero_point) == fast
