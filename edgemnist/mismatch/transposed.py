"""TRANSPOSE_CONV as the convolution that it is: over the image with gaps between its pixels, with the kernel turned."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.geometry import Geometry, same_or_valid_padding
from edgemnist.compiler.graph import Padding
from edgemnist.mismatch.case import RANGES, Case
from edgemnist.mismatch.layers import Layer, LayerEnding, Sums

Doubles = NDArray[np.float64]


def transposed_of(case: Case) -> Layer | None:
    """Return the arithmetic of an int8 TRANSPOSE_CONV, None where it is of another type."""
    weights, source, target = case.operand(1), case.operand(2), case.output
    if weights is None or weights.data is None or source is None:
        return None
    if {weights.dtype, source.dtype, target.dtype} != {"int8"} or not (source.quantisation and target.quantisation):
        return None
    bias, zero_point = case.operand(3), source.quantisation.zero_point
    images, geometry, turned = as_convolution(case, zero_point)
    biases = np.zeros(len(turned), np.int64) if bias is None or bias.data is None else bias.data.astype(np.int64)
    return Layer(
        Sums(
            "CONV_2D", images.astype(np.int64), geometry, turned.astype(np.int64), biases.reshape(-1),
            zero_point, zero_point,
        ),
        LayerEnding(
            input_scale=source.quantisation.scale, weight_scales=case.quantisation(weights).scales,
            output_scale=target.quantisation.scale, zero_point=target.quantisation.zero_point,
            limits=RANGES["int8"],
        ),
    )  # fmt: skip


def as_convolution(case: Case, zero: int) -> tuple[Doubles, Geometry, Doubles]:
    """Return images (images, height, width, channels) with ``zero`` in the gaps, the geometry, and the weights."""
    images, weights = case.operands[2], case.operands[1]
    if images is None or weights is None:
        raise ValueError("the operator has no input or no weights")
    count, _, height, width, channels = images.shape
    down, across = _strides(case)
    wide = np.full((count, (height - 1) * down + 1, (width - 1) * across + 1, channels), zero, np.float64)
    wide[:, ::down, ::across] = images[:, 0]
    return wide, _geometry(case), weights[0, :, ::-1, ::-1].astype(np.float64)


def _strides(case: Case) -> tuple[int, int]:
    return case.node.integer("stride_h", 1), case.node.integer("stride_w", 1)


def _geometry(case: Case) -> Geometry:
    """Return that of the convolution; the padding that TRANSPOSE_CONV cuts off is what its window lacks."""
    weights, source = case.operand(1), case.operand(2)
    if weights is None or source is None:
        raise ValueError("the operator has no weights or no input")
    (_, height, width, channels), (_, out_height, out_width, out_channels) = weights.shape, case.output.shape
    in_height, in_width = (
        (size - 1) * stride + 1 for size, stride in zip(source.shape[1:3], _strides(case), strict=True)
    )
    padding = case.node.integer("padding")
    down, across = _strides(case)
    _, above, _ = same_or_valid_padding(padding, out_height, height, down, 1)
    _, before, _ = same_or_valid_padding(padding, out_width, width, across, 1)
    top, left = height - 1 - above, width - 1 - before
    around = Padding(
        top, left, max(out_height + height - 1 - in_height - top, 0), max(out_width + width - 1 - in_width - left, 0)
    )
    return Geometry(
        in_height, in_width, channels, out_height, out_width, out_channels, height, width, 1, 1, 1, 1, around
    )
