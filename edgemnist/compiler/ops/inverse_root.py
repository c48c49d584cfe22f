"""1 / sqrt in TFLite's fixed-point arithmetic."""

from __future__ import annotations

from functools import cache

import numpy as np

from edgemnist.compiler.fixedpoint import (
    INT32_MAX,
    INT32_MIN,
    Multiplier,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_multiply,
)

SQRT_HALF = 1518500250
"""In Q31."""

_ONE, _ONE_AND_A_HALF = 1 << 28, (1 << 28) + (1 << 27)


@cache
def inverse_root(value: int) -> Multiplier:
    """Return 1 / sqrt of an int32 >= 0 as a factor; 0 counts as 1.

    Five steps of Newton and Raphson from 1, for the value over a power of 4. Source: TFLite
    ``GetInvSqrtQuantizedMultiplierExp``, with its shift as an exponent.
    """
    if value <= 1:
        return Multiplier(INT32_MAX, 0)
    shift = 11
    while value >= 1 << 29:
        value //= 4
        shift += 1
    pairs = (31 - value.bit_length()) // 2 - 1
    shift -= pairs
    half = int(rounding_divide_by_power_of_two(value << 2 * pairs >> 1, 1))
    x = _ONE  # Q28, as all here
    for _ in range(5):
        cube = _saturated(_product(_product(x, x), x) << 6)
        x = _saturated((_product(_ONE_AND_A_HALF, x) - _product(half, cube)) << 3)
    x = _product(x, SQRT_HALF)
    return Multiplier(x << -shift, 0) if shift < 0 else Multiplier(x, -shift)


def _product(a: int, b: int) -> int:
    return int(saturating_rounding_doubling_high_multiply(a, b))


def _saturated(value: int) -> int:
    return int(np.clip(value, INT32_MIN, INT32_MAX))
