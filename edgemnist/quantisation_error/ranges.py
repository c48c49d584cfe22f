"""Quantising as values: what a scale and a zero point make of real numbers, and the scale that a range asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.tflite.file import Quantisation, TensorInfo
from edgemnist.tflite.kinds import limits_of

Floats = NDArray[np.float32]


def quantise(values: Floats, quantisation: Quantisation, dtype: str) -> NDArray[Any]:
    """Return real numbers as integers: divided in float32, halves away from zero, saturated (TFLite AffineQuantize).

    Several scales belong to the places along the quantisation's axis, counted in the tensor's shape without images.
    """
    low, high = limits_of(dtype)
    scale, zero_point = _along(quantisation, values.ndim, 1)
    ratios = np.clip(np.nan_to_num((values / scale).astype(np.float64)), -(2.0**31), 2.0**31)
    whole = np.copysign(np.floor(np.abs(ratios) + 0.5), ratios)
    return np.clip(whole + zero_point, low, high).astype(dtype)


def dequantise(values: NDArray[Any], quantisation: Quantisation, *, leading: int = 1) -> Floats:
    """Return integers as real numbers, float32. ``leading``: axes before the tensor's own, 1 for images."""
    scale, zero_point = _along(quantisation, values.ndim, leading)
    return np.asarray((values.astype(np.float64) - zero_point) * scale, np.float32)


def rounded(values: Floats, quantisation: Quantisation, dtype: str) -> Floats:
    """Return real numbers as they are once they have been integers, (images, *shape)."""
    return dequantise(quantise(values, quantisation, dtype), quantisation)


def _along(quantisation: Quantisation, dimensions: int, leading: int) -> tuple[Floats, NDArray[np.float64]]:
    shape = [1] * dimensions
    if quantisation.per_channel:
        shape[quantisation.axis + leading] = len(quantisation.scales)
    scales = np.array(quantisation.scales, np.float32).reshape(shape)
    return scales, np.array(quantisation.zero_points, np.float64).reshape(shape)


@dataclass(frozen=True, eq=False)
class Seen:
    """Lowest and highest value of each channel (the last axis) of a tensor, float32, shape (channels,)."""

    low: Floats
    high: Floats

    def joined(self, other: Seen) -> Seen:
        """Return what both have seen."""
        return Seen(np.minimum(self.low, other.low), np.maximum(self.high, other.high))


def seen(values: NDArray[Any]) -> Seen:
    """Return the lowest and highest value of each channel of (images, *shape)."""
    flat = values.reshape(-1, values.shape[-1] if values.ndim > 1 else 1)
    return Seen(flat.min(axis=0), flat.max(axis=0))


def range_for(found: Seen, tensor: TensorInfo, *, channels: bool = False) -> Quantisation:
    """Return the quantisation that holds exactly what was seen and zero, asymmetric but for int16.

    With ``channels`` each has a scale of its own, which no int8 kernel takes for activations.
    """
    low, high = np.minimum(found.low, 0).astype(np.float64), np.maximum(found.high, 0).astype(np.float64)
    if not channels:
        low, high = low.min(keepdims=True), high.max(keepdims=True)
    lowest, highest = limits_of(tensor.dtype)
    if tensor.dtype == "int16":
        scales = np.maximum(np.maximum(-low, high), 1e-8) / highest
        zero_points = np.zeros(len(scales))
    else:
        scales = np.maximum(high - low, 1e-8) / (highest - lowest)
        zero_points = np.clip(np.rint(lowest - low / scales), lowest, highest)
    axis = len(tensor.shape) - 1
    return Quantisation(tuple(map(float, scales.astype(np.float32))), tuple(map(int, zero_points)), axis)


def ends_of(quantisation: Quantisation, dtype: str) -> tuple[float, float]:
    """Return the lowest and highest real number that a tensor with one scale can hold."""
    low, high = limits_of(dtype)
    return quantisation.scale * (low - quantisation.zero_point), quantisation.scale * (high - quantisation.zero_point)
