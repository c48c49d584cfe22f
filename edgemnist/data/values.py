"""Which numbers become black and which white: one scale for a whole set, never one for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ValueKind = Literal["bytes", "integers", "floats", "wide colour"]
"""How an image file holds its values: 8 bits or fewer; wider integers; floating point; colours of 16 bits each, of
which the upper 8 are read."""

DEPTHS = (8, 10, 12, 14, 16)
"""Bits that a camera's or a microscope's values have; wider files say nothing of how many of theirs are used."""

OUTLIERS = 0.02
"""So many of a set's images, at least one of five, may go beyond its scale, if without them four bits fewer do."""


@dataclass(frozen=True)
class ValueScale:
    """``black`` becomes 0, ``white`` 255, and what lies between is scaled linearly. ``words`` says so to people."""

    black: float
    white: float
    words: str

    def to_bytes(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return values as pixels, rounded; those beyond black and white become these. NaN becomes black."""
        scaled = (np.nan_to_num(values).astype(np.float64) - self.black) * (255 / (self.white - self.black))
        pixels: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
        return pixels


BYTES = ValueScale(0, 255, "8 bits")


def scale_of(kind: ValueKind, low: float, high: float) -> ValueScale:
    """Return the scale of a set whose values lie in ``low`` to ``high``.

    Integers are taken to have the least of :data:`DEPTHS` that holds the largest, so that 12-bit data in 16-bit files
    keep their brightness. Floats are taken for 0..1 or 0..255 if they fit. What fits none of these is spread from
    ``low`` to ``high``.
    """
    if kind == "wide colour":  # of 16 bits the upper 8 are known
        bits = _depth(high * 256)
        return ValueScale(0, 2 ** (bits - 8) - 1, f"16-bit colours, scaled as {bits} bits") if bits > 8 else BYTES
    if low < 0 or not np.isfinite(high):
        return ValueScale(low, high, f"values from {low:g} to {high:g}, spread over 0 to 255")
    if kind == "floats" and high <= 1:
        return ValueScale(0, 1, "fractions from 0 to 1")
    if high <= 255:
        return BYTES
    if kind == "floats" and high > 65535:
        return ValueScale(low, high, f"values from {low:g} to {high:g}, spread over 0 to 255")
    bits = _depth(high)
    return ValueScale(0, 2**bits - 1, f"values up to {high:,.0f}, scaled as {bits} bits")


def _depth(high: float) -> int:
    return next((depth for depth in DEPTHS if high <= 2**depth - 1), int(np.ceil(high)).bit_length())


def common_scale(kind: ValueKind, ranges: Sequence[tuple[float, float]]) -> tuple[ValueScale, list[int]]:
    """Return the one scale of images with these (low, high), and which of them go beyond it.

    A few images (:data:`OUTLIERS`) with far larger values than all others do not decide for them.
    """
    highs = np.array([high for _, high in ranges])
    low = min(low for low, _ in ranges)
    scale = scale_of(kind, low, float(highs.max()))
    ignored = max(int(len(highs) * OUTLIERS), int(len(highs) >= 5))
    if ignored:
        usual = float(np.sort(highs)[-1 - ignored])
        narrow = scale_of(kind, low, usual)
        if usual > 0 and narrow.black == scale.black and 15 * narrow.white < scale.white:
            return narrow, [int(at) for at in np.flatnonzero(highs > narrow.white)]
    return scale, []


Scales = Mapping[ValueKind, ValueScale]
"""The scale of each kind of file in a set."""
