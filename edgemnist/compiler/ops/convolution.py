"""What CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED share: geometry, requantisation per channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.fixedpoint import (
    INT32_MAX,
    Multiplier,
    multiply_by_quantised_multipliers,
    quantise_multiplier,
)
from edgemnist.compiler.geometry import Geometry, same_or_valid_padding
from edgemnist.compiler.graph import Graph, Node, Padding
from edgemnist.compiler.ops.base import activation_range, quantisation_of
from edgemnist.compiler.ops.fields import CArray, Field, output_field
from edgemnist.compiler.ops.operands import activations_of, bias_of, input_tensor, output_tensor, weights_tensor
from edgemnist.compiler.ops.requantisation import FAST_LIMIT, is_fast, rounds_to_nothing

_Number = TypeVar("_Number", np.int64, np.float64)

PACKED_KINDS = ("CONV_2D", "FULLY_CONNECTED")
"""Layers whose sums go over all input channels: a target has its own order of their weights, zeros can be left out."""


def window_geometry(node: Node, graph: Graph, kernel_height: int, kernel_width: int, out_channels: int) -> Geometry:
    """Return the geometry of a convolution or pool whose first input is the image."""
    _, in_height, in_width, in_channels = input_tensor(node, graph).shape
    strides = node.integer("stride_h", 1), node.integer("stride_w", 1)
    dilations = node.integer("dilation_hfactor", 1), node.integer("dilation_wfactor", 1)
    padding = node.padding
    if padding is None:
        option = node.integer("padding")
        _, top, bottom = same_or_valid_padding(option, in_height, kernel_height, strides[0], dilations[0])
        _, left, right = same_or_valid_padding(option, in_width, kernel_width, strides[1], dilations[1])
        padding = Padding(top, left, bottom, right)
    rows = (in_height + padding.top + padding.bottom - (kernel_height - 1) * dilations[0] - 1) // strides[0] + 1
    columns = (in_width + padding.left + padding.right - (kernel_width - 1) * dilations[1] - 1) // strides[1] + 1
    return Geometry(
        in_height, in_width, in_channels, rows, columns, out_channels, kernel_height, kernel_width, *strides,
        *dilations, padding,
    )  # fmt: skip


def conv_geometry(node: Node, graph: Graph) -> Geometry:
    """Return a CONV_2D's geometry; out sizes are those of the convolution itself."""
    out_channels, kernel_height, kernel_width, _ = weights_tensor(node, graph).shape
    return window_geometry(node, graph, kernel_height, kernel_width, out_channels)


def depthwise_geometry(node: Node, graph: Graph) -> Geometry:
    """Return a DEPTHWISE_CONV_2D's geometry."""
    _, kernel_height, kernel_width, out_channels = weights_tensor(node, graph).shape
    return window_geometry(node, graph, kernel_height, kernel_width, out_channels)


@dataclass(frozen=True, eq=False)
class ChannelParameters:
    """How each output channel is requantised.

    ``bias``: int32, input zero point folded in. ``mantissas``: Q31. ``shifts``: right shifts when ``fast``,
    else exponents. ``multipliers`` are the plain ones for the numpy reference.
    """

    bias: NDArray[np.int64]
    mantissas: NDArray[np.int64]
    shifts: NDArray[np.int64]
    multipliers: tuple[Multiplier, ...]
    fast: bool

    def arrays(self) -> tuple[CArray, CArray]:
        """Return the C arrays ``channels`` (bias, multiplier pairs) and ``shifts``."""
        # Where every result is the zero point, the bias would only risk an overflow.
        pairs = np.stack([np.where(self.mantissas == 0, 0, self.bias), self.mantissas], axis=1)
        return CArray("channels", "em_channel", pairs), CArray("shifts", "int8_t", self.shifts)

    def plain_arrays(self) -> tuple[CArray, CArray]:
        """Return the same arrays for the kernel that rounds once: multipliers as they are, and their exponents."""
        pairs = np.stack([self.bias, [m.mantissa for m in self.multipliers]], axis=1)
        exponents = np.array([m.exponent for m in self.multipliers])
        return CArray("channels", "em_channel", pairs), CArray("shifts", "int8_t", exponents)


def channel_multipliers(node: Node, graph: Graph) -> tuple[Multiplier, ...]:
    """Return ``input scale * weight scale / output scale`` in fixed point: one for each output channel, or one for all.

    Scales are multiplied in double precision, as TFLM does; those of uint8, which TFLM has no layers for, in float32,
    as TFLite does (``GetQuantizedConvolutionMultipler``). (tflite-runtime 2.14 does so with those of an int8 dense
    layer with one weight scale, too, which moves some of its ties.)
    """
    input_scale = quantisation_of(input_tensor(node, graph)).scale
    output_scale = quantisation_of(output_tensor(node, graph)).scale
    scales = quantisation_of(weights_tensor(node, graph)).scales
    products = [input_scale * scale for scale in scales]
    if activations_of(node) in graph.shifted:
        products = [float(np.float32(product)) for product in products]
    return tuple(quantise_multiplier(product / output_scale) for product in products)


def output_of_layer(node: Node, graph: Graph) -> Field:
    """Return the C struct ``em_output`` for a node with a fused activation."""
    output = output_tensor(node, graph)
    limits = activation_range(node.integer("fused_activation_function"), output)
    return output_field(quantisation_of(output).zero_point, limits)


def bias_values(node: Node, graph: Graph, channels: int) -> NDArray[np.int64]:
    """Return the bias as int64, zeros where the operator has none."""
    bias = bias_of(node)
    data = None if bias is None else graph.tensors[bias].data
    return np.zeros(channels, np.int64) if data is None else data.astype(np.int64).reshape(-1)


def sums_by_sign(rows: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each row's sums of its positive and of its negative weights; they are within int16."""
    total = rows.sum(axis=1, dtype=np.int64)
    absolute = np.abs(rows, dtype=np.int16).sum(axis=1, dtype=np.int64)
    return (absolute + total) // 2, (total - absolute) // 2


def channel_parameters(
    node: Node, graph: Graph, rows: NDArray[Any], multipliers: tuple[Multiplier, ...], repeated: int = 1
) -> ChannelParameters:
    """Fold zero points and prove which requantisation is exact; ``rows`` holds each output channel's weights, int.

    :param repeated: how often all of the layer's channels are there, each time with other weights.
    """
    input_zero_point = quantisation_of(input_tensor(node, graph)).zero_point
    output_zero_point = quantisation_of(output_tensor(node, graph)).zero_point
    positive, negative = sums_by_sign(rows)
    plain_bias = np.tile(bias_values(node, graph, len(rows) // repeated), repeated)
    bias = plain_bias - input_zero_point * (positive + negative)
    highest = bias + 127 * positive - 128 * negative
    lowest = bias - 128 * positive + 127 * negative
    bounds = np.maximum(np.abs(highest), np.abs(lowest))
    # A partial sum may exceed the final one, never by more than the products' total.
    partial = np.abs(bias) + 128 * (positive - negative)
    every = multipliers * (len(rows) // len(multipliers))
    fast = [fast_channel(int(bound), m, output_zero_point) for bound, m in zip(bounds, every, strict=True)]
    products = 128 * (positive - negative)
    if None not in fast and int(partial.max()) <= INT32_MAX and int(products.max()) < FAST_LIMIT:
        chosen = [choice for choice in fast if choice is not None]
        mantissas, shifts = np.array([c[0] for c in chosen]), np.array([c[1] for c in chosen])
        return ChannelParameters(bias, mantissas, shifts, every, fast=True)
    mantissas, shifts = np.array([m.mantissa for m in every]), np.array([m.exponent for m in every])
    return ChannelParameters(bias, mantissas, shifts, every, fast=False)


def fast_channel(bound: int, multiplier: Multiplier, zero_point: int) -> tuple[int, int] | None:
    """Return (mantissa, right shift) for ``em_requantise`` if its preconditions hold for ``|accumulator| <= bound``."""
    if rounds_to_nothing(bound, multiplier):
        return 0, 1  # every result is the zero point
    return (multiplier.mantissa, -multiplier.exponent) if is_fast(bound, multiplier, zero_point) else None


def outputs_of(node: Node, graph: Graph, accumulators: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return the outputs for sums of products (..., channels): bias, requantisation, zero point, activation."""
    channels = accumulators.shape[-1]
    multipliers = channel_multipliers(node, graph)
    scaled = multiply_by_quantised_multipliers(
        accumulators + bias_values(node, graph, channels), multipliers * (channels // len(multipliers))
    )  # fmt: skip
    return activated(node, graph, scaled)


def activated(node: Node, graph: Graph, scaled: NDArray[np.int64]) -> NDArray[np.int8]:
    """Return requantised sums with the output's zero point, within the limits of the fused activation."""
    output = output_tensor(node, graph)
    low, high = activation_range(node.integer("fused_activation_function"), output)
    values: NDArray[np.int8] = np.clip(scaled + quantisation_of(output).zero_point, low, high).astype(np.int8)
    return values


def windows_of(image: NDArray[_Number], geometry: Geometry, fill: int) -> NDArray[_Number]:
    """Return every window: (out_height, out_width, kernel_height, kernel_width, channels); borders hold ``fill``.

    :param image: (height, width, channels), or several of them, whose axes then come first in the result too.
    """
    g, padding = geometry, geometry.padding
    around: tuple[tuple[int, int], ...] = ((padding.top, padding.bottom), (padding.left, padding.right), (0, 0))
    padded = np.pad(image, (*((0, 0),) * (image.ndim - 3), *around), constant_values=fill)
    ys = np.arange(g.out_height)[:, None] * g.stride_height + np.arange(g.kernel_height)[None, :] * g.dilation_height
    xs = np.arange(g.out_width)[:, None] * g.stride_width + np.arange(g.kernel_width)[None, :] * g.dilation_width
    result: NDArray[_Number] = padded[..., ys[:, None, :, None], xs[None, :, None, :], :]
    return result
