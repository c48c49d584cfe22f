"""CONV_2D whose weights are all stored: pixel by pixel, window by window, with a max pool or an addition behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Padding
from edgemnist.compiler.ops.arithmetic import lower_sum
from edgemnist.compiler.ops.base import Overlap, Step, quantisation_of
from edgemnist.compiler.ops.fields import CArray, Field, int16, int32
from edgemnist.compiler.ops.layer import Convolution, convolution_of, without_add
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor, output_of, residual_of
from edgemnist.compiler.ops.overlaps import write_behind_read
from edgemnist.compiler.ops.requantisation import kernel_name


def is_pointwise(geometry: Geometry) -> bool:
    """Whether every output pixel depends on just the input pixel at its place."""
    # Two pixels at a time need two pixels.
    if geometry.pixels < 2:
        return False
    sizes = (geometry.kernel_height, geometry.kernel_width, geometry.stride_height, geometry.stride_width)
    return sizes == (1, 1, 1, 1) and geometry.padding == Padding()


def lower_pointwise(layer: Convolution) -> Step:
    """Return the call of ``em_pointwise``."""
    node, geometry = layer.node, layer.geometry
    pixels, read, written = geometry.pixels, geometry.in_channels, geometry.out_channels
    backward = written > read
    firsts = [min(first, pixels - 2) for first in range(0, pixels, 2)]
    if backward:
        overlap = Overlap(at_least=max((pixels - first) * read - (pixels - 2 - first) * written for first in firsts))
    else:
        overlap = Overlap(at_most=write_behind_read([f * read for f in firsts], [(f + 2) * written for f in firsts]))
    return Step(
        node=node, header="em_pointwise.h", body="em_pointwise", struct_type="em_pointwise_params",
        function=kernel_name("em_pointwise", fast=layer.channels.fast),
        parameters=(
            *int32(pixels=pixels), *int16(in_channels=read, out_channels=written, backward=int(backward)),
            layer.output,
        ),
        inputs=(activations_of(node),), outputs=node.outputs, arrays=_dense_arrays(layer),
        scratch=layer.settings.bodies.dense.strip(1, read, pairs=1), takes_scratch=True,
        overlaps={ends_of(node): overlap}, macs=pixels * read * written,
    )  # fmt: skip


def lower_windows(layer: Convolution, body: str) -> Step:
    """Return the call of ``em_conv_2d`` or, with a pool, of ``em_conv_2d_max_pool``."""
    node, graph, g, groups = layer.node, layer.graph, layer.geometry, layer.groups
    pool_height, pool_width = layer.pool
    out_height, out_width = g.out_height // pool_height, g.out_width // pool_width
    group_channels = g.in_channels // groups
    direct = groups == 1 and g.dilation_width == 1
    window = g.kernel_height * (g.kernel_width + (g.stride_width if direct else g.kernel_width)) * group_channels
    pairs = pool_height * ((pool_width + 1) // 2)
    strip = layer.settings.bodies.dense.strip(g.kernel_height, g.kernel_width * group_channels, pairs)
    gathered = 0 if direct and g.windows_lie_inside else pairs * window
    conv_pixels = out_height * pool_height * out_width * pool_width
    return Step(
        node=node, header="em_conv_2d.h", body=body, function=kernel_name(body, fast=layer.channels.fast),
        struct_type="em_conv_2d_params",
        parameters=(
            *int16(
                in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels,
                out_height=out_height, out_width=out_width, out_channels=g.out_channels,
                kernel_height=g.kernel_height, kernel_width=g.kernel_width,
                stride_height=g.stride_height, stride_width=g.stride_width,
                dilation_height=g.dilation_height, dilation_width=g.dilation_width,
                pad_top=g.padding.top, pad_left=g.padding.left, groups=groups, direct=int(direct),
                pool_height=pool_height, pool_width=pool_width,
                in_zero_point=quantisation_of(input_tensor(node, graph)).zero_point,
            ),
            *int32(strip=strip), layer.output,
        ),
        inputs=(activations_of(node),), outputs=node.outputs, arrays=_dense_arrays(layer),
        scratch=max(strip + gathered, 4),  # the kernel is always given one
        overlaps={ends_of(node): _window_overlap(g, layer.pool, 1 if layer.follower else 2)},
        macs=conv_pixels * g.kernel_height * g.kernel_width * group_channels * g.out_channels,
    )  # fmt: skip


def lower_with_add(layer: Convolution) -> Step:
    """Return the call of ``em_conv_2d_add``: the convolution's own parameters, then those of the addition."""
    node, graph, geometry = layer.node, layer.graph, layer.geometry
    add = lower_sum(node.fused[0], graph)
    window = lower_windows(convolution_of(without_add(node, graph), graph, layer.settings), body="em_conv_2d")
    residual, output = residual_of(node), output_of(node)
    overlaps = {(residual, output): Overlap(at_most=0)}
    # Last, so that it counts where the residual is the convolution's own input.
    overlaps[ends_of(node)] = _window_overlap(geometry, (1, 1), 2)
    return replace(
        window, node=node, header="em_conv_2d_add.h", function="em_conv_2d_add", body="em_conv_2d_add",
        struct_type="em_conv_2d_add_params",
        parameters=(
            Field("conv", window.struct_type, window.parameters), Field("add", add.struct_type, add.parameters),
            *int16(residual_is_a=int(add.inputs[0] == residual)),
        ),
        inputs=(activations_of(node), residual), outputs=node.outputs,
        scratch=window.scratch + 2 * geometry.out_channels, overlaps=overlaps,
    )  # fmt: skip


def _dense_arrays(layer: Convolution) -> tuple[CArray, ...]:
    """Return the packed weights, group by group, and the arrays of the channels."""
    per_group = layer.geometry.out_channels // layer.groups
    row_length = layer.geometry.kernel_width * layer.geometry.in_channels // layer.groups
    dense = layer.settings.bodies.dense
    packed = [
        dense.pack(layer.rows[first : first + per_group], row_length)
        for first in range(0, layer.geometry.out_channels, per_group)
    ]
    return CArray("weights", "int8_t", np.concatenate(packed), dense.in_words), *layer.channels.arrays()


def _window_overlap(g: Geometry, pool: tuple[int, int], block: int) -> Overlap:
    """Return where the output may start, walking the kernel's blocks of ``block`` outputs in its order."""
    pool_height, pool_width = pool
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
