"""TRANSPOSE_CONV: a convolution the other way round, which makes an image larger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.geometry import Geometry, same_or_valid_padding
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID, Graph, Node, Padding, held_in
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Overlap,
    Step,
    check_activation,
    quantisation_of,
    require_own_type,
)
from edgemnist.compiler.ops.convolution import (
    ChannelParameters,
    bias_values,
    channel_multipliers,
    fast_channel,
    output_of_layer,
    outputs_of,
)
from edgemnist.compiler.ops.fields import CArray, Field, field_problems, int16
from edgemnist.compiler.ops.layer_checks import (
    LARGEST_SIZE,
    check_image,
    check_unfolded,
    check_weights,
    unfolded_bounds,
)
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    integers,
    output_tensor,
    require_constants,
    weight_values,
)
from edgemnist.compiler.ops.overlaps import forward_overlap, traced
from edgemnist.compiler.ops.requantisation import kernel_name
from edgemnist.compiler.ops.transposed_rows import TransposedRows


class TransposeConv(Operator):
    """Every pixel times the kernel, added up a stride apart."""

    kinds = MappingProxyType({"TRANSPOSE_CONV": Schema("TransposeConvOptions", 3, 4, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = operand_problems(node, graph)
        if problems:
            return problems
        layer = as_convolution(node)
        problems = require_own_type(layer, graph, ends_of(layer)) + check_image(layer, graph)
        problems = problems or check_weights(layer, graph, 4, channel_axis=0) + check_activation(layer)
        problems = problems or size_problems(node, graph)
        # check_weights has seen to sums of int16.
        return problems or ([] if held_in(node.kind) == "int16" else check_unfolded(layer, graph, 0))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [outputs_of(as_convolution(node), graph, transposed_sums(node, graph, inputs))[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        g = transposed_geometry(node, graph)
        return g.pixels * g.kernel_height * g.kernel_width * g.out_channels

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return self.window_values(node, graph) * transposed_geometry(node, graph).in_channels

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        layer, g = as_convolution(node), transposed_geometry(node, graph)
        macs = g.pixels * g.in_channels * g.kernel_height * g.kernel_width * g.out_channels
        rows = TransposedRows(layer, graph, settings, g)
        if rows.suits:
            return rows.lower(node, macs)
        channels = _channels(layer, graph)
        return Step(
            node=node, header="em_transpose_conv.h", function=kernel_name("em_transpose_conv", fast=channels.fast),
            struct_type="em_transpose_conv_params",
            parameters=(
                *_fields(g), *int16(input_zero_point=quantisation_of(input_tensor(layer, graph)).zero_point),
                output_of_layer(layer, graph),
            ),
            inputs=layer.inputs[:1], outputs=node.outputs,
            arrays=(CArray("weights", "int8_t", weight_values(layer, graph)), *channels.arrays()),
            overlaps={ends_of(layer): traced(output_tensor(node, graph).elements, lambda: transposed_overlap(g))},
            macs=macs,
        )  # fmt: skip


def transposed_sums(node: Node, graph: Graph, inputs: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the sums of products, (out height, out width, out channels), without the bias."""
    layer, g = as_convolution(node), transposed_geometry(node, graph)
    image = inputs[2][0].astype(np.int64) - quantisation_of(input_tensor(layer, graph)).zero_point
    products = np.einsum("yxc,fabc->yxabf", image, inputs[1].astype(np.int64))
    height, width = (
        (size - 1) * stride + kernel + max(out - (size - 1) * stride, 0)
        for size, stride, kernel, out in (
            (g.in_height, g.stride_height, g.kernel_height, g.out_height + g.padding.top),
            (g.in_width, g.stride_width, g.kernel_width, g.out_width + g.padding.left),
        )
    )
    sums = np.zeros((height, width, g.out_channels), np.int64)
    for a in range(g.kernel_height):
        for b in range(g.kernel_width):
            rows = slice(a, a + (g.in_height - 1) * g.stride_height + 1, g.stride_height)
            sums[rows, b : b + (g.in_width - 1) * g.stride_width + 1 : g.stride_width] += products[:, :, a, b]
    top, left = g.padding.top, g.padding.left
    return sums[top : top + g.out_height, left : left + g.out_width]


def as_convolution(node: Node) -> Node:
    """Return the node with its operands where a convolution has them: image, weights, bias."""
    return replace(node, inputs=(node.inputs[2], node.inputs[1], *node.inputs[3:]))


def transposed_geometry(node: Node, graph: Graph) -> Geometry:
    """Return the geometry; the padding is cut off the output (TFLM pads as a convolution of the output would)."""
    layer = as_convolution(node)
    _, in_height, in_width, in_channels = input_tensor(layer, graph).shape
    _, out_height, out_width, _ = output_tensor(node, graph).shape
    out_channels, kernel_height, kernel_width, _ = weight_values(layer, graph).shape
    strides, option = (node.integer("stride_h", 1), node.integer("stride_w", 1)), node.integer("padding")
    _, top, bottom = same_or_valid_padding(option, out_height, kernel_height, strides[0], 1)
    _, left, right = same_or_valid_padding(option, out_width, kernel_width, strides[1], 1)
    return Geometry(
        in_height, in_width, in_channels, out_height, out_width, out_channels, kernel_height, kernel_width, *strides,
        1, 1, Padding(top, left, bottom, right),
    )  # fmt: skip


def _fields(g: Geometry) -> tuple[Field, ...]:
    return int16(
        in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels, out_height=g.out_height,
        out_width=g.out_width, out_channels=g.out_channels, kernel_height=g.kernel_height, kernel_width=g.kernel_width,
        stride_height=g.stride_height, stride_width=g.stride_width, pad_top=g.padding.top, pad_left=g.padding.left,
    )  # fmt: skip


def operand_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem where an operand is missing, or where the output's shape is none.

    One that is computed need not be the file's: TFLM does not read it, and makes what the file says of the output.
    """
    if len(node.inputs) < 3 or -1 in node.inputs[:3]:
        return [f"{node.label}: needs a shape, weights and an image; the file is corrupt, convert it again"]
    return require_constants(node, graph, {0: "output shape"}) if graph.is_constant(node.inputs[0]) else []


def size_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem where shapes, strides or padding make no transposed convolution; weights are checked before."""
    layer = as_convolution(node)
    source, target = input_tensor(layer, graph).shape, output_tensor(node, graph).shape
    out_channels, kernel_height, kernel_width, in_channels = weight_values(layer, graph).shape
    asked = integers(graph, node.inputs[0]) if graph.is_constant(node.inputs[0]) else target
    if target != asked or target[0] != 1 or (source[3], target[3]) != (in_channels, out_channels):
        return [
            f"{node.label}: {list(source)} with weights {[out_channels, kernel_height, kernel_width, in_channels]} to "
            f"{list(asked)} is not {list(target)}; the file is corrupt, convert it again"
        ]
    strides = node.integer("stride_h", 1), node.integer("stride_w", 1)
    if not all(1 <= stride <= LARGEST_SIZE for stride in strides):
        return [f"{node.label}: stride {list(strides)} is not in 1..{LARGEST_SIZE}; use another layer"]
    if node.integer("padding") not in (PADDING_SAME, PADDING_VALID):
        return [f"{node.label}: padding {node.integer('padding')} is neither SAME nor VALID; convert it again"]
    return field_problems(node.label, _fields(transposed_geometry(node, graph)))


def _channels(layer: Node, graph: Graph) -> ChannelParameters:
    """Return how each channel is requantised; the zero point stays out of the bias."""
    bounds = unfolded_bounds(layer, graph, 0)
    multipliers = channel_multipliers(layer, graph)
    every = multipliers * (len(bounds) // len(multipliers))
    zero_point = quantisation_of(output_tensor(layer, graph)).zero_point
    fast = [fast_channel(int(bound), m, zero_point) for bound, m in zip(bounds, every, strict=True)]
    chosen = [choice for choice in fast if choice is not None]
    if len(chosen) < len(fast):
        chosen = [(multiplier.mantissa, multiplier.exponent) for multiplier in every]
    mantissas, shifts = (np.array(column) for column in zip(*chosen, strict=True))
    return ChannelParameters(
        bias_values(layer, graph, len(bounds)), mantissas, shifts, every, fast=None not in fast
    )  # fmt: skip


def transposed_overlap(g: Geometry, size: int = 1) -> Overlap:
    """Return the overlap of kernels that do the output's elements, of ``size`` bytes each, in order."""
    rows = np.arange(g.out_height) + g.padding.top - g.kernel_height + g.stride_height
    first = np.clip(rows // g.stride_height, 0, g.in_height) * g.in_width * g.in_channels
    return forward_overlap(np.repeat(first, g.out_width * g.out_channels), size, size)
