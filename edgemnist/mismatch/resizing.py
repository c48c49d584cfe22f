"""RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR as the oracle has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgemnist.mismatch.case import Case
from edgemnist.mismatch.rounding import Integers

_BITS = 10


@dataclass(frozen=True, eq=False)
class Resizing:
    """``images``: (images, height, width, channels); ``inputs`` and ``outputs``: height and width."""

    images: Integers
    inputs: tuple[int, int]
    outputs: tuple[int, int]
    align_corners: bool
    half_pixel_centers: bool
    nearest: bool


@dataclass(frozen=True, eq=False)
class Places:
    """Along one axis: which two inputs each output lies between, and the second's weight."""

    first: Integers
    second: Integers
    weights: Integers


def resizing_of(case: Case) -> Resizing | None:
    """Return the arithmetic of an operator that resizes int8 images, None of others."""
    images, source = case.operands[0] if case.operands else None, case.operand(0)
    kinds = ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
    if case.kind not in kinds or images is None or source is None or source.dtype != "int8" or len(source.shape) != 4:
        return None
    (_, height, width, channels), (_, out_height, out_width, _) = source.shape, case.output.shape
    return Resizing(
        images.reshape(case.images, height, width, channels).astype(np.int64), (height, width), (out_height, out_width),
        bool(case.node.integer("align_corners")), bool(case.node.integer("half_pixel_centers")), case.kind == kinds[1],
    )  # fmt: skip


def resized(of: Resizing) -> Integers:
    """Return (images, out height, out width, channels)."""
    rows, columns = (_nearest(of, axis) if of.nearest else _between(of, axis) for axis in (0, 1))
    if of.nearest:
        return np.asarray(of.images[:, rows.first[:, None], columns.first])
    down, across = rows.weights[:, None, None], columns.weights[:, None]
    one = 1 << _BITS
    sums = np.zeros((len(of.images), *of.outputs, of.images.shape[-1]), np.int64)
    for ys, y_weights in ((rows.first, one - down), (rows.second, down)):
        for xs, x_weights in ((columns.first, one - across), (columns.second, across)):
            sums += of.images[:, ys[:, None], xs] * y_weights * x_weights
    half = 1 << (2 * _BITS - 1)
    whole: Integers = np.sign(sums) * ((np.abs(sums) + half) >> (2 * _BITS))
    return whole


def _between(of: Resizing, axis: int) -> Places:
    """Return places of TFLM's ``ResizeBilinearInteger``, weights in 10 bits."""
    size, count = of.inputs[axis], of.outputs[axis]
    less = int(of.align_corners and count > 1)
    step = (((size - less) << _BITS) + (count - less) // 2) // (count - less)
    places = np.arange(count) * step
    if of.half_pixel_centers:
        places = places + step // 2 - (1 << (_BITS - 1))
    first = np.maximum(np.trunc(places / (1 << _BITS)).astype(np.int64), 0)
    second = np.minimum(np.trunc((places + (1 << _BITS) - 1) / (1 << _BITS)).astype(np.int64), size - 1)
    return Places(first, second, places - (first << _BITS))


def _nearest(of: Resizing, axis: int) -> Places:
    """Return places of TFLM's ``ResizeNearestNeighbor``."""
    size, count = of.inputs[axis], of.outputs[axis]
    corners = of.align_corners and count > 1
    scale = np.float32(size - 1) / np.float32(count - 1) if corners else np.float32(size) / np.float32(count)
    offset = np.float32(0.5 if of.half_pixel_centers else 0)
    real = (np.arange(count, dtype=np.float32) + offset) * scale
    whole = np.floor(real + np.float32(0.5)) if of.align_corners else np.floor(real)
    first = np.clip(whole.astype(np.int64), 0, size - 1)
    return Places(first, first, np.zeros_like(first))
