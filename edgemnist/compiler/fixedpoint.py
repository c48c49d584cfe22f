"""Fixed-point requantisation: the only place where rounding is defined in Python.

The arithmetic is gemmlowp's and TFLite's: a real multiplier becomes a Q31 integer and a power of two; a product is
rounded twice (first to 31 bits, then by the shift), as TensorFlow Lite for Microcontrollers does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Multiplier:
    """A real factor as ``mantissa * 2**(exponent - 31)``; the mantissa is 0 or in [2**30, 2**31)."""

    mantissa: int
    exponent: int


def quantise_multiplier(real: float) -> Multiplier:
    """Return the fixed-point form of a non-negative real factor (TFLite ``QuantizeMultiplier``)."""
    if real == 0.0:
        return Multiplier(0, 0)
    fraction, exponent = math.frexp(real)
    mantissa = math.floor(fraction * 2**31 + 0.5)
    if mantissa == 2**31:
        mantissa //= 2
        exponent += 1
    if exponent < -31:
        return Multiplier(0, 0)
    return Multiplier(mantissa, exponent)


def saturating_rounding_doubling_high_multiply(value: Any, mantissa: int | IntArray) -> IntArray:
    """Return ``round(value * mantissa / 2**31)`` for int32 ``value``; ties go up (gemmlowp, for mantissa >= 0)."""
    return (np.asarray(value, np.int64) * mantissa + (1 << 30)) >> 31


def rounding_divide_by_power_of_two(value: Any, exponent: int | IntArray) -> IntArray:
    """Return ``value / 2**exponent`` rounded to nearest, ties away from zero (gemmlowp ``RoundingDivideByPOT``)."""
    wide = np.asarray(value, np.int64)
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (wide < 0)
    return (wide >> exponent) + ((wide & mask) > threshold)


def wrap_int32(value: Any) -> IntArray:
    """Return ``value`` reduced to int32 the way two's complement hardware does."""
    return ((np.asarray(value, np.int64) - INT32_MIN) & 0xFFFFFFFF) + INT32_MIN


def multiply_by_quantised_multiplier(value: Any, multiplier: Multiplier) -> IntArray:
    """Return ``value * multiplier`` with double rounding (TFLite ``MultiplyByQuantizedMultiplier``), int32 range."""
    return _multiplied(value, multiplier.mantissa, max(multiplier.exponent, 0), max(-multiplier.exponent, 0))


def multiply_by_quantised_multipliers(values: IntArray, multipliers: Sequence[Multiplier]) -> IntArray:
    """Return the same of values (..., n) with a multiplier for each place along their last axis."""
    mantissas = np.array([one.mantissa for one in multipliers])
    exponents = np.array([one.exponent for one in multipliers])
    return _multiplied(values, mantissas, np.maximum(exponents, 0), np.maximum(-exponents, 0))


def _multiplied(value: Any, mantissa: int | IntArray, left: int | IntArray, right: int | IntArray) -> IntArray:
    shifted = wrap_int32(np.asarray(value, np.int64) << left)
    return rounding_divide_by_power_of_two(saturating_rounding_doubling_high_multiply(shifted, mantissa), right)


def multiply_single_rounding(value: Any, multiplier: Multiplier) -> IntArray:
    """Return ``value * multiplier`` rounded once (TFLite built with ``TFLITE_SINGLE_ROUNDING``), ties up."""
    total = 31 - multiplier.exponent
    return (np.asarray(value, np.int64) * multiplier.mantissa + (1 << (total - 1))) >> total


@dataclass(frozen=True)
class ShortMultiplier:
    """A real factor as ``mantissa / 2**shift``, the mantissa of 15 bits."""

    mantissa: int
    shift: int


def shortened(multiplier: Multiplier) -> ShortMultiplier:
    """Return the 15 bits of a factor that sums of 64 bits are multiplied by."""
    mantissa = (multiplier.mantissa + (1 << 15)) >> 16 if multiplier.mantissa < 0x7FFF0000 else 0x7FFF
    return ShortMultiplier(mantissa, 15 - multiplier.exponent)


def multiply_short(value: Any, multiplier: ShortMultiplier) -> IntArray:
    """Return ``value * multiplier`` rounded once, ties up (TFLite ``MultiplyByQuantizedMultiplier`` for int64)."""
    return (np.asarray(value, np.int64) * multiplier.mantissa + (1 << (multiplier.shift - 1))) >> multiplier.shift
