"""exp and the functions built on it, in gemmlowp's fixed-point arithmetic (its ``fixedpoint.h``), for whole arrays.

Numbers are int64 arrays that hold int32 values; Qn means that n bits are behind the binary point.
"""

from __future__ import annotations

import numpy as np

from edgemnist.compiler.fixedpoint import (
    INT32_MAX,
    INT32_MIN,
    IntArray,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_multiply,
)

POWERS = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
"""exp(-2**k) in Q31 for k = -2 to 4."""

ONE_THIRD, EXP_MINUS_EIGHTH = 715827883, 1895147668
"""1/3 and exp(-1/8) in Q31."""

NEWTON_START, NEWTON_SLOPE = 1515870810, -1010580540
"""48/17 and -32/17 in Q29: the first estimate of a reciprocal over [1/2, 1]."""


def exp_of_minus(magnitude: IntArray, integer_bits: int) -> IntArray:
    """Return ``exp(-magnitude)`` in Q31; ``magnitude`` >= 0 has ``31 - integer_bits`` fractional bits.

    Source: gemmlowp ``exp_on_negative_values``, for at most 5 integer bits.
    """
    quarter = 1 << (29 - integer_bits)
    part = ((magnitude - 1) & (quarter - 1)) + 1
    result = _exp_below_a_quarter(-(part << integer_bits))
    rest = magnitude - part
    for position, power in enumerate(POWERS[: integer_bits + 2]):
        chosen = rest >> (29 - integer_bits + position) & 1
        result = np.where(chosen, saturating_rounding_doubling_high_multiply(result, power), result)
    return np.where(magnitude == 0, INT32_MAX, result)


def _exp_below_a_quarter(value: IntArray) -> IntArray:
    """Return exp of Q31 values in [-1/4, 0): a Taylor polynomial around -1/8."""
    x = value + (1 << 28)
    x2 = saturating_rounding_doubling_high_multiply(x, x)
    x3 = saturating_rounding_doubling_high_multiply(x2, x)
    x4 = saturating_rounding_doubling_high_multiply(x2, x2)
    cubic = rounding_divide_by_power_of_two(x4, 2) + x3
    tail = saturating_rounding_doubling_high_multiply(cubic, ONE_THIRD) + x2
    series = x + rounding_divide_by_power_of_two(tail, 1)
    return EXP_MINUS_EIGHTH + saturating_rounding_doubling_high_multiply(series, EXP_MINUS_EIGHTH)


def newton_reciprocal(half_denominator: IntArray) -> IntArray:
    """Return 1 / ``half_denominator`` in Q29, for Q31 values in [1/2, 1] (three steps of Newton and Raphson)."""
    x = NEWTON_START + saturating_rounding_doubling_high_multiply(half_denominator, NEWTON_SLOPE)
    for _ in range(3):
        error = (1 << 29) - saturating_rounding_doubling_high_multiply(half_denominator, x)
        x = x + (saturating_rounding_doubling_high_multiply(x, error) << 2)
    return x


def one_over_one_plus(value: IntArray) -> IntArray:
    """Return ``1 / (1 + value)`` in Q31, for Q31 values in [0, 1)."""
    return np.minimum(newton_reciprocal((value + (1 << 31)) >> 1) << 1, INT32_MAX)


def logistic(value: IntArray, integer_bits: int) -> IntArray:
    """Return ``1 / (1 + exp(-value))`` in Q31; ``value`` has ``31 - integer_bits`` fractional bits (gemmlowp)."""
    positive = one_over_one_plus(exp_of_minus(np.abs(value), integer_bits))
    return np.where(value == 0, 1 << 30, np.where(value > 0, positive, INT32_MAX - positive))


def tanh(value: IntArray, integer_bits: int) -> IntArray:
    """Return the hyperbolic tangent in Q31; ``value`` has ``31 - integer_bits`` fractional bits (gemmlowp)."""
    falling = exp_of_minus(np.abs(value), integer_bits + 1)  # exp(-2 |value|): the same bits, one more before the point
    one = 1 << 29
    magnitude = _saturating_left_shift(newton_reciprocal((falling + (1 << 31)) >> 1) - one, 2)
    return np.where(value == 0, 0, np.where(value < 0, -magnitude, magnitude))


def _saturating_left_shift(value: IntArray, bits: int) -> IntArray:
    return np.clip(value << bits, INT32_MIN, INT32_MAX)
