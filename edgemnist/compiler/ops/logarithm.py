"""The natural logarithm in TFLite's fixed-point arithmetic, for whole arrays.

Numbers are int64 arrays that hold int32 values; Qn means that n bits are behind the binary point.
"""

from __future__ import annotations

import numpy as np

from edgemnist.compiler.fixedpoint import (
    INT32_MAX,
    IntArray,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_multiply,
)
from edgemnist.compiler.ops.exponential import one_over_one_plus

LOG_2, SQRT_HALF, SQRT_SQRT_HALF = 1488522236, 1518500250, 1805811301
"""In Q31, as all that follows."""

ALPHA_N, ALPHA_D, ALPHA_I, ALPHA_F = 117049297, 127690142, 1057819769, 638450708

_FRACTION_BITS = 25
"""Behind the binary point of what is added up."""

_QUARTER = 1 << (_FRACTION_BITS - 2)


def log_of(value: IntArray, integer_bits: int) -> IntArray:
    """Return the logarithm, in Q26, of numbers of at least 1 with ``31 - integer_bits`` fractional bits.

    The number is brought to about 2**(-1/4) by a power of two, for which it is tried with and without a factor of
    sqrt(1/2); the rest is a rational function. Source: TFLite ``log_x_for_x_greater_than_or_equal_to_1_impl``.
    """
    headroom = _headroom(value)
    scaled = np.minimum(2 * _product(value << headroom, SQRT_HALF), INT32_MAX)
    power = ((integer_bits - headroom - 1) << _FRACTION_BITS) + _QUARTER
    other_headroom = _headroom(_product(value, SQRT_HALF))
    other = np.minimum(value << other_headroom, INT32_MAX)
    other_power = ((integer_bits - other_headroom) << _FRACTION_BITS) - _QUARTER
    rest = _log_of_rest(np.minimum(scaled, other))
    sum_of_both = _product(np.maximum(power, other_power), LOG_2) + rest
    return np.clip(sum_of_both << 1, -(2**31), INT32_MAX)


def _product(a: IntArray, b: IntArray | int) -> IntArray:
    return saturating_rounding_doubling_high_multiply(a, b)


def _headroom(value: IntArray) -> IntArray:
    """Return by how many bits positive int32 numbers can be shifted up."""
    result: IntArray = 31 - np.frexp(value.astype(np.float64))[1].astype(np.int64)
    return result


def _log_of_rest(value: IntArray) -> IntArray:
    """Return the logarithm of a Q31 number around 2**(-1/4), without that of 2**(-1/4), in Q25."""
    total = value + SQRT_SQRT_HALF
    half_sum = (total + 1) >> 1  # both are positive
    distance = 2 * (value - SQRT_SQRT_HALF)
    square = _product(distance, distance)
    numerator = _product(distance, value) + _product(_product(distance, square), ALPHA_N)
    denominator = _product(half_sum, ALPHA_I + distance + _product(square, ALPHA_D)) + _product(distance, ALPHA_F)
    return _product(rounding_divide_by_power_of_two(numerator, 6), one_over_one_plus(denominator))
