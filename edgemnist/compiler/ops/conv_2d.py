"""CONV_2D: any stride, dilation, padding and groups; a following MAX_POOL_2D may be fused into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import Graph, Node, Padding
from edgemnist.compiler.ops.arithmetic import OPERATORS as ARITHMETIC_OPERATORS
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
    pack_weights,
    requantise,
    window_geometry,
    windows_of,
)
from edgemnist.compiler.ops.fields import CArray, Field, int16, int32
from edgemnist.compiler.ops.layer_checks import check_image, check_weights, check_window
from edgemnist.compiler.ops.overlaps import write_behind_read
from edgemnist.compiler.ops.sparse import SparseLayer, sparse_conv_2d, sparse_pixels

MAX_POOL_PAIRS = 8
"""EM_POOL_PAIRS in em_conv_2d.h: the most pixel pairs that a fused pool window may have."""


class Conv2D(Operator):
    """Two-dimensional convolution."""

    kinds = ("CONV_2D",)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, [node.inputs[0], node.outputs[0]])
        problems += check_weights(node, graph, 4, channel_axis=0) + check_activation(node)
        problems += check_image(node, graph)
        if problems:
            return problems
        in_channels = graph.tensors[node.inputs[0]].shape[-1]
        out_channels, kernel_height, kernel_width, group_channels = graph.tensors[node.inputs[1]].shape
        if in_channels % group_channels or out_channels % (in_channels // group_channels):
            problems.append(
                f"{node.label}: {in_channels} input and {out_channels} output channels don't divide into groups of "
                f"{group_channels} input channels; use a legal grouping"
            )
        return problems + check_window(node, graph, (kernel_height, kernel_width), out_channels)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        weights, output = inputs[1].astype(np.int64), graph.tensors[node.outputs[0]]
        geometry = conv_geometry(node, graph)
        zero_point = quantisation_of(graph.tensors[node.inputs[0]]).zero_point
        windows = windows_of(inputs[0][0].astype(np.int64), geometry, zero_point) - zero_point
        group_channels, out_channels = weights.shape[3], weights.shape[0]
        groups = geometry.in_channels // group_channels
        grouped = windows.reshape(*windows.shape[:4], groups, group_channels)
        accumulators = np.einsum(
            "yxabgc,gfabc->yxgf", grouped, weights.reshape(groups, out_channels // groups, *weights.shape[1:])
        ).reshape(geometry.out_height, geometry.out_width, out_channels)
        accumulators = accumulators + bias_values(node, graph, out_channels)
        multipliers = channel_multipliers(node, graph)
        scaled = requantise(accumulators, multipliers * (out_channels // len(multipliers)))
        low, high = activation_range(node.integer("fused_activation_function"), output)
        return [np.clip(scaled + quantisation_of(output).zero_point, low, high).astype(np.int8)[None]]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        if node.fused and node.fused[0].kind == "ADD":
            return _lower_with_add(
                node, graph, self.lower(without_add(node, graph), graph, replace(settings, sparse="never"))
            )
        geometry = conv_geometry(node, graph)
        weights = graph.tensors[node.inputs[1]].data
        rows = np.asarray(weights).reshape(geometry.out_channels, -1)
        channels = channel_parameters(node, graph, rows, channel_multipliers(node, graph))
        groups = geometry.in_channels // graph.tensors[node.inputs[1]].shape[3]
        if settings.sparse == "always" and groups == 1 and geometry.dilation_width == 1 and channels.fast:
            sparse = SparseLayer(node, graph, channels, output_of_layer(node, graph), settings.bodies.sparse)
            if is_pointwise(geometry) and not node.fused:
                pixels = geometry.in_height * geometry.in_width
                return sparse_pixels(sparse, pixels, overlap=True)
            return sparse_conv_2d(sparse, geometry)
        per_group = geometry.out_channels // groups
        row_length = geometry.kernel_width * geometry.in_channels // groups
        packed = np.concatenate(
            [
                pack_weights(rows[g * per_group : (g + 1) * per_group], row_length, settings.bodies.packing)
                for g in range(groups)
            ]
        )
        arrays = (CArray("weights", "int8_t", packed), *channels.arrays())
        if groups == 1 and is_pointwise(geometry) and not node.fused:
            return _lower_pointwise(node, graph, geometry, arrays, fast=channels.fast)
        return _lower_windows(node, graph, geometry, groups, arrays, fast=channels.fast)


def conv_geometry(node: Node, graph: Graph) -> Geometry:
    """Return a CONV_2D's geometry; out sizes are those of the convolution itself."""
    out_channels, kernel_height, kernel_width, _ = graph.tensors[node.inputs[1]].shape
    return window_geometry(node, graph, kernel_height, kernel_width, out_channels)


def is_pointwise(geometry: Geometry) -> bool:
    """Whether every output pixel depends on just the input pixel at its place."""
    # Two pixels at a time need two pixels.
    if geometry.in_height * geometry.in_width < 2:
        return False
    sizes = (geometry.kernel_height, geometry.kernel_width, geometry.stride_height, geometry.stride_width)
    return sizes == (1, 1, 1, 1) and geometry.padding == Padding()


def _lower_pointwise(node: Node, graph: Graph, geometry: Geometry, arrays: tuple[CArray, ...], *, fast: bool) -> Step:
    pixels = geometry.in_height * geometry.in_width
    read, written = geometry.in_channels, geometry.out_channels
    backward = written > read
    firsts = [min(first, pixels - 2) for first in range(0, pixels, 2)]
    if backward:
        overlap = Overlap(at_least=max((pixels - first) * read - (pixels - 2 - first) * written for first in firsts))
    else:
        overlap = Overlap(at_most=write_behind_read([f * read for f in firsts], [(f + 2) * written for f in firsts]))
    return Step(
        node=node, header="em_pointwise.h", function="em_pointwise" if fast else "em_pointwise_any",
        struct_type="em_pointwise_params",
        parameters=(
            *int32(pixels=pixels), *int16(in_channels=read, out_channels=written, backward=int(backward)),
            output_of_layer(node, graph),
        ),
        inputs=node.inputs[:1], outputs=node.outputs, arrays=arrays,
        overlaps={(node.inputs[0], node.outputs[0]): overlap}, macs=pixels * read * written,
    )  # fmt: skip


def _lower_windows(
    node: Node, graph: Graph, geometry: Geometry, groups: int, arrays: tuple[CArray, ...], *, fast: bool
) -> Step:
    g = geometry
    pool = node.fused[0] if node.fused else None
    pool_height, pool_width = (pool.integer("filter_height"), pool.integer("filter_width")) if pool else (1, 1)
    out_height, out_width = g.out_height // pool_height, g.out_width // pool_width
    name = "em_conv_2d_max_pool" if pool else "em_conv_2d"
    group_channels = g.in_channels // groups
    direct = groups == 1 and g.dilation_width == 1
    strip = g.kernel_height * (g.kernel_width + (g.stride_width if direct else g.kernel_width)) * group_channels
    pairs = pool_height * ((pool_width + 1) // 2)
    conv_pixels = out_height * pool_height * out_width * pool_width
    return Step(
        node=node, header="em_conv_2d.h", function=name if fast else f"{name}_any", struct_type="em_conv_2d_params",
        parameters=(
            *int16(
                in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels,
                out_height=out_height, out_width=out_width, out_channels=g.out_channels,
                kernel_height=g.kernel_height, kernel_width=g.kernel_width,
                stride_height=g.stride_height, stride_width=g.stride_width,
                dilation_height=g.dilation_height, dilation_width=g.dilation_width,
                pad_top=g.padding.top, pad_left=g.padding.left, groups=groups, direct=int(direct),
                pool_height=pool_height, pool_width=pool_width,
                in_zero_point=quantisation_of(graph.tensors[node.inputs[0]]).zero_point,
            ),
            output_of_layer(node, graph),
        ),
        inputs=node.inputs[:1], outputs=node.outputs, arrays=arrays, scratch=pairs * strip,
        overlaps={(node.inputs[0], node.outputs[0]): _window_overlap(g, pool_height, pool_width, 1 if pool else 2)},
        macs=conv_pixels * g.kernel_height * g.kernel_width * group_channels * g.out_channels,
    )  # fmt: skip


def without_add(node: Node, graph: Graph) -> Node:
    """Return the convolution of a node into which an ADD was fused, writing the tensor that the ADD reads."""
    residual = node.inputs[3]
    between = next(index for index in node.fused[0].inputs if index != residual)
    # Nothing of the ADD is left in the convolution's own call but its sources, so that it is told where it stands.
    return replace(node, inputs=node.inputs[:3], outputs=(between,), fused=(), padding=_padding_of(node, graph))


def _padding_of(node: Node, graph: Graph) -> Padding:
    return conv_geometry(node, graph).padding


def _lower_with_add(node: Node, graph: Graph, conv: Step) -> Step:
    """Return the call of ``em_conv_2d_add``: the convolution's own parameters, then those of the addition."""
    add = ARITHMETIC_OPERATORS[0].lower(node.fused[0], graph, LoweringSettings())
    residual, output = node.inputs[3], node.outputs[0]
    geometry = conv_geometry(node, graph)
    window = _lower_windows(conv.node, graph, geometry, 1, conv.arrays, fast=True)
    overlaps = {(residual, output): Overlap(at_most=0)}
    # Last, so that it counts where the residual is the convolution's own input.
    overlaps[node.inputs[0], output] = _window_overlap(geometry, 1, 1, 2)
    return replace(
        window, node=node, header="em_conv_2d_add.h", function="em_conv_2d_add", struct_type="em_conv_2d_add_params",
        parameters=(
            Field("conv", window.struct_type, window.parameters), Field("add", add.struct_type, add.parameters),
            *int16(residual_is_a=int(add.inputs[0] == residual)),
        ),
        inputs=(node.inputs[0], residual), outputs=node.outputs, scratch=window.scratch + 2 * geometry.out_channels,
        overlaps=overlaps,
    )  # fmt: skip


def _window_overlap(g: Geometry, pool_height: int, pool_width: int, block: int) -> Overlap:
    """Return where the output may start, walking the kernel's blocks of ``block`` outputs in its order."""
    out_width = g.out_width // pool_width
    reads, writes = [], []
    for y in range(g.out_height // pool_height):
        top = max(y * pool_height * g.stride_height - g.padding.top, 0)
        for done in range(0, out_width, block):
            x = max(min(done, out_width - block), 0)
            left = max(x * pool_width * g.stride_width - g.padding.left, 0)
            reads.append((top * g.in_width + min(left, g.in_width)) * g.in_channels)
            writes.append((y * out_width + min(x + block, out_width)) * g.out_channels)
    return Overlap(at_most=write_behind_read(reads, writes))


OPERATORS = (Conv2D(),)
