"""A layer with int8 weights quantises its float input with a zero point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.ops.convolution import conv_geometry
from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.float_sums import limits_of
from edgemnist.mismatch.functions import Floats
from edgemnist.mismatch.layers import Sums
from edgemnist.mismatch.rule import Rule

_ROUNDINGS = 8
"""Of the scales' product, of what it multiplies and of the bias."""


def _predict(case: Case) -> Predictions:
    weights, values = case.operand(1), case.operands[0] if case.operands else None
    if case.kind not in _SUMS or values is None or values.dtype != np.float32:
        return
    if weights is None or weights.data is None or weights.dtype != "int8" or weights.quantisation is None:
        return
    sums, scale = _SUMS[case.kind](case, values, weights.data)
    scaled = sums * scale * np.array(weights.quantisation.scales)
    bias = case.operand(2)
    added = np.zeros(1) if bias is None or bias.data is None else bias.data.astype(np.float64)
    shape = case.sample.oracle.shape
    exact = np.clip(scaled + added, *limits_of(case)).reshape(shape)
    within = (_ROUNDINGS * 2.0**-24 * (np.abs(scaled) + np.abs(added))).reshape(shape)
    yield Prediction(exact.astype(np.float32), "", within=within)


def _dense(case: Case, values: NDArray[Any], weights: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return the sums of whole numbers, and of each row of inputs its scale."""
    whole, scale = _quantised(values.reshape(-1, weights.shape[-1]))
    return whole @ weights.reshape(weights.shape[0], -1).astype(np.float64).T, scale


def _convolution(case: Case, values: NDArray[Any], weights: NDArray[Any]) -> tuple[Floats, Floats]:
    """Return the same of images, each of which has one scale; XNNPACK takes a step from pixel to pixel as a dense layer
    of each.
    """
    geometry = conv_geometry(case.node, case.graph)
    images = values.reshape(-1, geometry.in_height, geometry.in_width, geometry.in_channels)
    if weights.shape[1:3] == (1, 1) and geometry.stride_height == geometry.stride_width == 1:
        sums, scale = _dense(case, images, weights)
        size = (len(images), geometry.out_height, geometry.out_width, -1)
        return sums.reshape(size), scale.reshape(size)
    whole, scale = _quantised(images.reshape(len(images), -1))
    none = np.zeros(1, np.int64)
    sums = Sums("CONV_2D", whole.astype(np.int64).reshape(images.shape), geometry, weights, none, 0, 0)
    return sums.products, scale.reshape(-1, 1, 1, 1)


_SUMS = {"FULLY_CONNECTED": _dense, "CONV_2D": _convolution}


def _quantised(rows: Floats) -> tuple[Floats, Floats]:
    """Return whole numbers of 8 bits, the zero point taken off, and each row's scale.

    Source: XNNPACK ``xnn_f32_qd8_asymmetric_quantization_params``.
    """
    low = np.minimum(rows.min(axis=1, keepdims=True), np.float32(0))
    high = np.maximum(rows.max(axis=1, keepdims=True), np.float32(0))
    inverse = np.float32(255) / np.where(low == high, np.float32(255), high - low)
    from_low, from_high = np.float32(-128) - low * inverse, np.float32(127) - high * inverse
    closer = (np.float32(-128) + low * inverse) + (np.float32(127) + high * inverse) > 0
    zero_point = np.rint(np.clip(np.where(closer, from_low, from_high), -128, 127))
    whole = np.clip(np.rint(rows * inverse) + zero_point, -128, 127) - zero_point
    return whole.astype(np.float64), 1 / inverse.astype(np.float64)


RULE = Rule(
    name="dynamic quantisation with a zero point",
    says="quantises its float input from its lowest to its highest element, with a zero point, as XNNPACK does, where "
    "TFLite's kernels are symmetric",
    remedy="nothing is broken: compare floats with a tolerance",
    rank=1,
    predict=_predict,
)
