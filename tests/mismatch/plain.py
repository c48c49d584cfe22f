"""Layers and their requantisation once more, plainly: what a test plants its faults with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Rounding = Callable[[int, float], int]
"""Takes a sum and the real factor."""


def convolved(
    images: Any, weights: Any, out: tuple[int, int], *, stride: int = 1, above: int = 0, left: int = 0,
    zero_point: int = 0, fill: int | None = None, dilation: int = 1, depthwise: bool = False,
) -> Integers:  # fmt: skip
    """Return sums of products, (images, out height, out width, channels), of (images, height, width, channels).

    ``weights``: (out, height, width, in), a depthwise layer's (height, width, out). The border holds ``fill``.
    """
    count, height, width, channels = images.shape
    around = np.full((count, height + 32, width + 32, channels), zero_point if fill is None else fill, np.int64)
    around[:, 8 : 8 + height, 8 : 8 + width] = images
    sums: Any = 0
    rows, columns = weights.shape[:2] if depthwise else weights.shape[1:3]
    for row in range(rows):
        for column in range(columns):
            y, x = 8 - above + row * dilation, 8 - left + column * dilation
            part = around[:, y : y + stride * out[0] : stride, x : x + stride * out[1] : stride] - zero_point
            sums = sums + (part * weights[row, column] if depthwise else part @ weights[:, row, column].T)
    return np.asarray(sums, np.int64)


def requantised(sums: Any, factors: Sequence[float], rounding: Rounding | None = None) -> Integers:
    """Return (..., channels) times each channel's factor, element by element."""
    rounding = rounding or twice
    rounded = [rounding(int(one), factors[place % len(factors)]) for place, one in enumerate(np.ravel(sums))]
    return np.array(rounded, np.int64).reshape(np.shape(sums))


def fixed_point(factor: float) -> tuple[int, int]:
    """Return mantissa and exponent: ``mantissa * 2 ** (exponent - 31)``."""
    fraction, exponent = math.frexp(factor)
    return math.floor(fraction * 2**31 + 0.5), exponent


def away(value: Fraction) -> int:
    """Round to the nearest whole number, halves away from zero."""
    whole = math.floor(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def up(value: Fraction) -> int:
    """Round to the nearest whole number, halves up."""
    return math.floor(value + Fraction(1, 2))


def even(value: Fraction) -> int:
    """Round to the nearest whole number, halves to even."""
    return round(value)


def twice(value: int, factor: float) -> int:
    """Round as TFLM does: up to 31 bits, then away from zero."""
    mantissa, exponent = fixed_point(factor)
    return away(Fraction(up(Fraction(value * 2 ** max(exponent, 0) * mantissa, 2**31)), 2 ** max(-exponent, 0)))


def twice_up(value: int, factor: float) -> int:
    """Round both times up."""
    mantissa, exponent = fixed_point(factor)
    return up(Fraction(up(Fraction(value * 2 ** max(exponent, 0) * mantissa, 2**31)), 2 ** max(-exponent, 0)))


def once(value: int, factor: float) -> int:
    """Round the whole product up."""
    mantissa, exponent = fixed_point(factor)
    return up(Fraction(value * mantissa) / Fraction(2) ** (31 - exponent))


def single(value: int, factor: float) -> Fraction:
    """Return the product in single precision."""
    return Fraction(float(np.float32(value) * np.float32(factor)))
