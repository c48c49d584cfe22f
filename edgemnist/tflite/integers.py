"""Real numbers as a tensor of integers holds them, and back: numpy alone, as a Raspberry Pi's bundle has it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_integers(real: NDArray[np.float32], scale: float, zero_point: int, dtype: str) -> NDArray[Any]:
    """Return real values as a tensor of one scale holds them: rounded half away from zero, kept within the type."""
    scaled = real / np.float32(scale)
    # Adding half before cutting would round up at half minus one ulp; comparing the cut-off part does not.
    whole = np.trunc(scaled)
    rounded = whole + np.sign(scaled) * (np.abs(scaled - whole) >= np.float32(0.5))
    limits = np.iinfo(dtype)
    shifted = rounded.astype(np.float64) + zero_point
    return np.asarray(np.clip(shifted, limits.min, limits.max), dtype=dtype)


def to_real(values: NDArray[Any], scale: float, zero_point: int) -> NDArray[np.float32]:
    """Return the real numbers that a tensor's integers stand for."""
    shifted = values.astype(np.float32) - np.float32(zero_point)
    return np.asarray(shifted * np.float32(scale), dtype=np.float32)
