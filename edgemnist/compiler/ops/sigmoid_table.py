"""TFLM's table of the logistic function, and the int16 functions that interpolate in it.

Source: ``sigmoid_table_uint16`` and ``reference_integer_ops::Logistic`` and ``Tanh`` for int16. The argument's 12
fractional bits are times 3/4 to cover +-10.7 with 256 entries.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.fixedpoint import IntArray

ENTRIES = 256
STEPS_OF_ONE = 24
"""Entries for one unit of the logistic function's argument."""

_ONE_HIGHER = (
    4, 8, 12, 14, 15, 16, 17, 19, 20, 21, 22, 25, 27, 28, 29, 30, 31, 33, 34, 35, 37, 39, 40, 41, 43, 44, 45, 46, 49,
    50, 54, 62, 63, 64, 66, 82, 86, 93, 100, 103, 112, 116, 135, 255,
)  # fmt: skip
"""Entries that TFLM has one above the nearest number."""


@functools.cache
def sigmoid_table() -> NDArray[np.uint16]:
    """Return the logistic function of 0, 1/24, 2/24 and so on times 2^16, as TFLM has it; shape (256,)."""
    nearest = np.rint(2.0**16 / (1.0 + np.exp(-np.arange(ENTRIES) / STEPS_OF_ONE))).astype(np.int64)
    nearest[list(_ONE_HIGHER)] += 1
    table: NDArray[np.uint16] = np.minimum(nearest, 2**16 - 1).astype(np.uint16)
    return table


def sigmoid_of(arguments: IntArray) -> IntArray:
    """Return the logistic function of ``arguments / 3 / 2^12`` with 15 fractional bits; |argument| < 2^31."""
    size = np.abs(arguments)
    value = np.where(size >> 9 >= ENTRIES - 1, 0x7FFF << 10, _between(size >> 9, size & 0x1FF, 9))
    return np.where(arguments < 0, (1 << 25) - value + 511, value + 512) >> 10


def tanh_of(arguments: IntArray) -> IntArray:
    """Return the hyperbolic tangent of ``arguments / 3 / 2^12`` with 15 fractional bits; |argument| < 2^31."""
    size = np.abs(arguments)
    value = np.where(size >> 8 >= ENTRIES - 1, 0xFFFF << 8, _between(size >> 8, size & 0xFF, 8)) - (1 << 23)
    return np.where(arguments < 0, 127 - value, value + 128) >> 8


def _between(entry: IntArray, part: IntArray, bits: int) -> IntArray:
    """Return what lies on the line between two entries of the table, ``bits`` more bits behind the point."""
    table = sigmoid_table().astype(np.int64)
    low, high = (table[np.minimum(entry + more, ENTRIES - 1)] for more in (0, 1))
    result: IntArray = (low << bits) + part * (high - low)
    return result
