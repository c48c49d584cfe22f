"""How a sum becomes an output: sum times a real factor, rounded to a whole number, in the ways that runtimes have."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.fixedpoint import (
    Multiplier,
    multiply_by_quantised_multiplier,
    multiply_short,
    multiply_single_rounding,
    quantise_multiplier,
    saturating_rounding_doubling_high_multiply,
    shortened,
    wrap_int32,
)

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Factor:
    """A real factor in the forms in which runtimes have it.

    ``double``: in double precision, from scales, which are float32 values; ``single``: each step rounded to single
    precision; ``multiplier``: the fixed-point form of its magnitude, as TFLM computes it; ``product``: the product of
    two scales rounded to single precision, the quotient not.
    """

    double: float
    single: np.float32
    multiplier: Multiplier
    product: float
    divisor: int = 0
    """Where the factor is one over a whole number: that number."""

    @property
    def sign(self) -> int:
        """-1 or 1; TFLM multiplies by the magnitude and turns the sign of the result."""
        return -1 if self.double < 0 else 1


@functools.lru_cache(maxsize=4096)
def factor_of(first: float, second: float, output: float) -> Factor:
    """Return ``first * second / output`` of float32 values."""
    double = first * second / output
    single = np.float32(np.float32(first) * np.float32(second) / np.float32(output))
    product = float(np.float32(first) * np.float32(second)) / output
    return Factor(double, single, quantise_multiplier(abs(double)), product)


def plain(factor: Factor) -> Factor:
    """Return the factor as TFLM has it."""
    return factor


def single_precision(factor: Factor) -> Factor:
    """Return the factor that comes of computing in single precision."""
    single = float(factor.single)
    return replace(factor, double=single, multiplier=quantise_multiplier(abs(single)), product=single)


def single_product(factor: Factor) -> Factor:
    """Return the factor whose product of scales was rounded to single precision."""
    return replace(factor, double=factor.product, multiplier=quantise_multiplier(abs(factor.product)))


Rounding = Callable[[Integers, Factor], Integers]
"""Takes sums and the factor they have in common."""


def double_rounding(sums: Integers, factor: Factor) -> Integers:
    """Twice, to 31 bits and by the shift: TFLM's and TFLite's ``MultiplyByQuantizedMultiplier``."""
    return factor.sign * multiply_by_quantised_multiplier(sums, factor.multiplier)


def single_rounding(sums: Integers, factor: Factor) -> Integers:
    """Once, the 64-bit product by one shift, ties up."""
    return factor.sign * multiply_single_rounding(sums, factor.multiplier)


def double_rounding_up(sums: Integers, factor: Factor) -> Integers:
    """Twice, ties of the shift up instead of away from zero: Arm's and ruy's rounding shift."""
    multiplier = factor.multiplier
    left, right = max(multiplier.exponent, 0), max(-multiplier.exponent, 0)
    high = saturating_rounding_doubling_high_multiply(wrap_int32(sums << left), multiplier.mantissa)
    return factor.sign * ((high + (1 << (right - 1))) >> right if right else high)


def eight_fraction_bits(sums: Integers, factor: Factor) -> Integers:
    """By a factor of 8 fractional bits, rounded by one shift, ties up: XNNPACK's ``qs8_vcvt`` and ``qs8_vlrelu``."""
    return (sums * int(np.rint(np.float32(256) * factor.single)) + 128) >> 8


def float_half_even(sums: Integers, factor: Factor) -> Integers:
    """In single precision, halves to even."""
    return _whole(np.rint(sums.astype(np.float32) * factor.single))


def float_half_away(sums: Integers, factor: Factor) -> Integers:
    """In single precision, halves away from zero, as C's ``roundf``."""
    return _whole(half_away(sums.astype(np.float32) * factor.single))


def double_precision(sums: Integers, factor: Factor) -> Integers:
    """In double precision, halves away from zero: the nearest whole number to the real result."""
    return _whole(half_away(sums.astype(np.float64) * factor.double))


def truncated(sums: Integers, factor: Factor) -> Integers:
    """Towards zero, as a cast from float to integer does."""
    if factor.divisor:
        return np.asarray(np.sign(sums) * (np.abs(sums) // factor.divisor), np.int64)
    return _whole(np.trunc(sums.astype(np.float32) * factor.single))


def floored(sums: Integers, factor: Factor) -> Integers:
    """Down, as a shift to the right without anything added does."""
    if factor.divisor:
        return np.asarray(sums // factor.divisor, np.int64)
    multiplier = factor.multiplier
    return factor.sign * ((sums * multiplier.mantissa) >> (31 - multiplier.exponent))


def power_of_two(sums: Integers, factor: Factor) -> Integers:
    """By a shift alone, the factor taken for the nearest power of two, rounded."""
    shift = -round(math.log2(abs(factor.double))) if factor.double else 0
    return factor.sign * ((sums + (1 << (shift - 1))) >> shift if shift > 0 else sums << -shift)


def sixteen_bit_factor(sums: Integers, factor: Factor) -> Integers:
    """With a factor of 16 bits instead of 32, rounded once: ``MultiplyByQuantizedMultiplier`` of 64-bit sums."""
    return factor.sign * wrap_int32(multiply_short(sums, shortened(factor.multiplier)))


def nearest_quotient(sums: Integers, factor: Factor) -> Integers:
    """By a whole divisor: the nearest, halves away from zero, as TFLite's average pools have it."""
    return np.asarray(np.sign(sums) * ((np.abs(sums) + factor.divisor // 2) // factor.divisor), np.int64)


def nearest_quotient_up(sums: Integers, factor: Factor) -> Integers:
    """The same, halves up: of uint8 pools, whose bytes are never negative."""
    return np.asarray((sums + factor.divisor // 2) // factor.divisor, np.int64)


def half_away(values: NDArray[Any]) -> NDArray[Any]:
    """Return reals rounded to whole numbers, halves away from zero."""
    whole: NDArray[Any] = np.copysign(np.floor(np.abs(values) + np.asarray(0.5, values.dtype)), values)
    return whole


def _whole(values: NDArray[Any]) -> Integers:
    return np.clip(values.astype(np.float64), -(2.0**62), 2.0**62).astype(np.int64)
