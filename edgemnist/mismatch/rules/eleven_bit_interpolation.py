"""RESIZE_BILINEAR interpolates with weights of 11 bits."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.resizing import Places, Resizing, resizing_of
from edgemnist.mismatch.rounding import Integers
from edgemnist.mismatch.rule import Rule

_BITS = 11


def _places(resizing: Resizing, axis: int) -> Places:
    """Return where outputs lie between inputs (XNNPACK ``xnn_indirection_init_resize_bilinear2d_hwc_q11``)."""
    size, count = resizing.inputs[axis], resizing.outputs[axis]
    less = int(resizing.align_corners and count > 1)
    scale = np.float32(size - less) / np.float32(count - less)
    places = np.arange(count, dtype=np.float32) * scale
    if resizing.half_pixel_centers:
        places = places + (np.float32(0.5) * scale - np.float32(0.5))
    places = np.clip(places, np.float32(0), np.float32(size - 1))
    first = places.astype(np.int64)
    weights = np.rint((places - first.astype(np.float32)) * np.float32(1 << _BITS)).astype(np.int64)
    return Places(first, np.minimum(first + 1, size - 1), weights)


def _mixed(images: Integers, places: Places, axis: int) -> Integers:
    shape = [1] * images.ndim
    shape[axis] = -1
    low, high = images.take(places.first, axis), images.take(places.second, axis)
    mixed: Integers = (low << _BITS) + (high - low) * places.weights.reshape(shape)
    return mixed


def _compute(case: Case) -> Predictions:
    resizing = resizing_of(case)
    if resizing is None or case.kind != "RESIZE_BILINEAR":
        return
    across = _mixed(resizing.images, _places(resizing, 1), 2)
    both = _mixed(across, _places(resizing, 0), 1)
    yield Prediction(case.stored((both + (1 << (2 * _BITS - 1))) >> (2 * _BITS)))


RULE = Rule(
    name="interpolation with 11-bit weights",
    says="interpolates with weights of 11 bits, as XNNPACK does, where TFLM has 10",
    remedy="nothing is broken: take the runtime's reference kernels where bytes have to agree with the chip's",
    rank=1,
    compute=_compute,
)
