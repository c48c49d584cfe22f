"""Which requantisation kernel is exact for a given multiplier and range of values."""

from __future__ import annotations

from edgemnist.compiler.fixedpoint import INT32_MAX, Multiplier, saturating_rounding_doubling_high_multiply


def fast_shift(bound: int, multiplier: Multiplier, zero_point: int) -> bool:
    """Return whether ``em_requantise`` is exact for every ``|value| <= bound``; see its contract in em_common.h."""
    shift = -multiplier.exponent
    product = int(saturating_rounding_doubling_high_multiply(bound, multiplier.mantissa)) + 1
    return (
        1 <= shift <= 30 and bound < 2**30 and abs(zero_point) * 2**shift + 2 ** (shift - 1) + product + 1 <= INT32_MAX
    )
