"""DEPTHWISE_CONV_2D: any multiplier, stride, dilation and padding; in place when the multiplier is 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Overlap,
    Step,
    activation_range,
    check_activation,
    quantisation_of,
    require_int8,
)
from edgemnist.compiler.ops.convolution import (
    Geometry,
    bias_values,
    channel_multipliers,
    channel_parameters,
    output_of_layer,
    requantise,
    window_geometry,
    windows_of,
)
from edgemnist.compiler.ops.fields import CArray, int16
from edgemnist.compiler.ops.layer_checks import check_image, check_weights, check_window


class DepthwiseConv2D(Operator):
    """Convolution of every channel by itself."""

    kinds = ("DEPTHWISE_CONV_2D",)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, [node.inputs[0], node.outputs[0]])
        problems += check_weights(node, graph, 4, channel_axis=3) + check_activation(node)
        problems += check_image(node, graph)
        if problems:
            return problems
        in_channels = graph.tensors[node.inputs[0]].shape[-1]
        _, kernel_height, kernel_width, out_channels = graph.tensors[node.inputs[1]].shape
        if out_channels % in_channels:
            problems.append(
                f"{node.label}: {out_channels} output channels are no multiple of {in_channels} input channels; "
                "the file is corrupt, convert it again"
            )
        return problems + check_window(node, graph, (kernel_height, kernel_width), out_channels)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        geometry, output = depthwise_geometry(node, graph), graph.tensors[node.outputs[0]]
        zero_point = quantisation_of(graph.tensors[node.inputs[0]]).zero_point
        windows = windows_of(inputs[0][0].astype(np.int64), geometry, zero_point) - zero_point
        repeated = np.repeat(windows, geometry.out_channels // geometry.in_channels, axis=-1)
        accumulators = np.einsum("yxabc,abc->yxc", repeated, inputs[1][0].astype(np.int64))
        accumulators = accumulators + bias_values(node, graph, geometry.out_channels)
        multipliers = channel_multipliers(node, graph)
        scaled = requantise(accumulators, multipliers * (geometry.out_channels // len(multipliers)))
        low, high = activation_range(node.integer("fused_activation_function"), output)
        return [np.clip(scaled + quantisation_of(output).zero_point, low, high).astype(np.int8)[None]]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g = depthwise_geometry(node, graph)
        rows = np.asarray(graph.tensors[node.inputs[1]].data)[0].reshape(-1, g.out_channels).T
        channels = channel_parameters(node, graph, rows, channel_multipliers(node, graph))
        multiplier = g.out_channels // g.in_channels
        plane_height = (g.out_height - 1) * g.stride_height + (g.kernel_height - 1) * g.dilation_height + 1
        plane_width = (g.out_width - 1) * g.stride_width + (g.kernel_width - 1) * g.dilation_width + 1
        suffix = f"by_{best_block(g.out_width, g.kernel_width)}" if channels.fast else "any"
        pair = (node.inputs[0], node.outputs[0])
        in_place = multiplier == 1 and g.out_height * g.out_width <= g.in_height * g.in_width
        return Step(
            node=node, header="em_depthwise_conv_2d.h", function=f"em_depthwise_conv_2d_{suffix}",
            struct_type="em_depthwise_conv_2d_params",
            parameters=(
                *int16(
                    in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels,
                    out_height=g.out_height, out_width=g.out_width, multiplier=multiplier,
                    kernel_height=g.kernel_height, kernel_width=g.kernel_width,
                    stride_height=g.stride_height, stride_width=g.stride_width,
                    dilation_height=g.dilation_height, dilation_width=g.dilation_width,
                    pad_top=g.padding.top, pad_left=g.padding.left,
                    plane_height=plane_height, plane_width=plane_width,
                    in_zero_point=quantisation_of(graph.tensors[node.inputs[0]]).zero_point,
                ),
                output_of_layer(node, graph),
            ),
            inputs=node.inputs[:1], outputs=node.outputs,
            arrays=(CArray("weights", "int8_t", np.ascontiguousarray(rows).reshape(-1)), *channels.arrays()),
            scratch=plane_height * plane_width,
            overlaps={pair: Overlap(exactly=0)} if in_place else {},
            macs=g.out_height * g.out_width * rows.size,
        )  # fmt: skip


def depthwise_geometry(node: Node, graph: Graph) -> Geometry:
    """Return a DEPTHWISE_CONV_2D's geometry."""
    _, kernel_height, kernel_width, out_channels = graph.tensors[node.inputs[1]].shape
    return window_geometry(node, graph, kernel_height, kernel_width, out_channels)


def best_block(out_width: int, kernel_width: int) -> int:
    """Return how many neighbouring outputs to do at once (4, 2 or 1) for the fewest estimated instructions.

    A block of B outputs loads each weight once and, for stride 1, B + kernel - 1 elements per kernel row; the
    last block of a row repeats outputs when B does not divide the width.
    """

    def cost(block: int) -> float:
        blocks = -(-out_width // block)
        return blocks * (kernel_width * (kernel_width + block * kernel_width + kernel_width + block - 1) + 12 * block)

    return min((block for block in (4, 2, 1) if block <= out_width), key=cost)


OPERATORS = (DepthwiseConv2D(),)
