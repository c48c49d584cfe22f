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
from edgemnist.compiler.ops.overlaps import rows_overlap, stretches_overlap, write_behind_read
from edgemnist.compiler.ops.requantisation import kernel_name
from edgemnist.compiler.ops.steps import step_channels


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
    function, arrays = _kernel("em_pointwise", layer, steps=True)
    pixels, read, written = geometry.pixels, geometry.in_channels, geometry.out_channels
    backward = written > read
    firsts = [min(first, pixels - 2) for first in range(0, pixels, 2)]
    body = layer.settings.bodies.dense
    if body.by_rows:
        overlap = stretches_overlap(body.stretch(pixels, read), read, written, backward=backward)
    elif backward:
        overlap = Overlap(at_least=max((pixels - first) * read - (pixels - 2 - first) * written for first in firsts))
    else:
        overlap = Overlap(at_most=write_behind_read([f * read for f in firsts], [(f + 2) * written for f in firsts]))
    return Step(
        node=node, header="em_pointwise.h", body="em_pointwise", struct_type="em_pointwise_params",
        function=function,
        parameters=(
            *int32(pixels=pixels), *int16(in_channels=read, out_channels=written, backward=int(backward)),
            layer.output,
        ),
        inputs=(activations_of(node),), outputs=node.outputs, arrays=arrays,
        scratch=body.pixels_strip(pixels, read) if body.by_rows else body.strip(1, read, pairs=1), takes_scratch=True,
        overlaps={ends_of(node): overlap}, macs=pixels * read * written,
    )  # fmt: skip


def lower_windows(layer: Convolution, body: str) -> Step:
    """Return the call of ``em_conv_2d`` or, with a pool, of ``em_conv_2d_max_pool``; ``body`` is its name."""
    node, graph, g, groups = layer.node, layer.graph, layer.geometry, layer.groups
    pool_height, pool_width = layer.pool
    out_height, out_width = g.out_height // pool_height, g.out_width // pool_width
    group_channels = g.in_channels // groups
    direct = _is_direct(layer)
    pairs = pool_height * ((pool_width + 1) // 2)
    dense = layer.settings.bodies.dense
    windows = (1 if dense.copies_windows else pairs) * dense.window(g, groups)
    strip = _strip(layer, pairs)
    by_rows = _is_by_rows(layer)
    function, arrays = _kernel(body, layer, steps=body == "em_conv_2d")
    conv_pixels = out_height * pool_height * out_width * pool_width
    return Step(
        node=node, header="em_conv_2d.h", body=body, function=function,
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
        inputs=(activations_of(node),), outputs=node.outputs, arrays=arrays,
        scratch=dense.rows_strip(g, layer.pool) if by_rows else strip + windows, takes_scratch=True,
        overlaps={
            ends_of(node): rows_overlap(g, *layer.pool) if by_rows
            else _window_overlap(layer, 1 if layer.follower else 2)
        },
        macs=conv_pixels * g.kernel_height * g.kernel_width * group_channels * g.out_channels,
    )  # fmt: skip


def lower_with_add(layer: Convolution) -> Step:
    """Return the call of ``em_conv_2d_add``: the convolution's own parameters, then those of the addition."""
    node, graph = layer.node, layer.graph
    pixels = 4 if layer.settings.bodies.dense.copies_windows else 2
    add = lower_sum(node.fused[0], graph)
    window = lower_windows(convolution_of(without_add(node, graph), graph, layer.settings), body="em_conv_2d_add")
    residual, output = residual_of(node), output_of(node)
    overlaps = {(residual, output): Overlap(at_most=0)}
    by_rows = _is_by_rows(layer)
    (own,) = window.overlaps.values()
    if by_rows and residual == activations_of(node) and own.at_most is not None:
        own = Overlap(at_most=min(own.at_most, 0))
    # Last, so that it counts where the residual is the convolution's own input.
    overlaps[ends_of(node)] = own
    return replace(
        window, node=node, header="em_conv_2d_add.h", function="em_conv_2d_add", body="em_conv_2d_add",
        struct_type="em_conv_2d_add_params",
        parameters=(
            Field("conv", window.struct_type, window.parameters), Field("add", add.struct_type, add.parameters),
            *int16(residual_is_a=int(add.inputs[0] == residual)),
        ),
        inputs=(activations_of(node), residual), outputs=node.outputs,
        scratch=window.scratch + (layer.geometry.out_width if by_rows else pixels) * layer.geometry.out_channels,
        overlaps=overlaps,
    )  # fmt: skip


def _is_direct(layer: Convolution) -> bool:
    """Whether the elements of a window's row are neighbours in the input."""
    return layer.groups == 1 and layer.geometry.dilation_width == 1


def _is_by_rows(layer: Convolution) -> bool:
    """Whether the target's own body does the layer, a row of outputs at a time."""
    return layer.settings.bodies.dense.by_rows and _is_direct(layer)


def _is_single(layer: Convolution) -> bool:
    """Whether the convolution has one pixel, so that there is no second one to take with it."""
    return layer.geometry.out_height * layer.geometry.out_width == 1


def _strip(layer: Convolution, pairs: int) -> int:
    """Return the bytes of the strip of the target's body."""
    body, g = layer.settings.bodies.dense, layer.geometry
    row_length = g.kernel_width * g.in_channels // layer.groups
    if _is_single(layer):
        return body.strip_single(g.kernel_height, row_length)
    return body.strip(g.kernel_height, row_length, pairs)


_LEAST_STEP_PIXELS = 16
"""A step function takes 7 bytes more per channel, and pays by some 16 instructions per output."""


def _steps(layer: Convolution) -> CArray | None:
    """Return the channels requantised by step functions, None where the layer had better not be."""
    g = layer.geometry
    many = g.out_height * g.out_width >= _LEAST_STEP_PIXELS
    if not (layer.settings.bodies.dense.steps and layer.channels.fast and many):
        return None
    return step_channels(layer)


def _kernel(body: str, layer: Convolution, *, steps: bool) -> tuple[str, tuple[CArray, ...]]:
    """Return the kernel of ``body`` that requantises as the layer needs it, and its arrays.

    :param steps: whether there is a kernel of that body for step functions.
    """
    channels = _steps(layer) if steps else None
    if channels is None:
        return kernel_name(body, fast=layer.channels.fast), (_packed(layer), *layer.channels.arrays())
    return f"{body}_step", (_packed(layer), channels, CArray("shifts", "int8_t", np.zeros(1, np.int64)))


def _packed(layer: Convolution) -> CArray:
    """Return the packed weights, group by group."""
    body, per_group = layer.settings.bodies.dense, layer.geometry.out_channels // layer.groups
    row_length = layer.geometry.kernel_width * layer.geometry.in_channels // layer.groups
    pack = body.pack_single if _is_single(layer) else body.pack
    packed = [
        pack(layer.rows[first : first + per_group], row_length)
        for first in range(0, layer.geometry.out_channels, per_group)
    ]
    return CArray("weights", "int8_t", np.concatenate(packed), body.in_words)


def _window_overlap(layer: Convolution, block: int) -> Overlap:
    """Return where the output may start, walking the kernel's blocks of ``block`` outputs in its order."""
    g, (pool_height, pool_width) = layer.geometry, layer.pool
    out_width = g.out_width // pool_width
    reads, writes = [], []
    for y in range(g.out_height // pool_height):
        top = max(y * pool_height * g.stride_height - g.padding.top, 0)
        for done in range(0, out_width, block):
            x = max(min(done, out_width - block), 0)
            left = max(x * pool_width * g.stride_width - g.padding.left, 0)
            reads.append((top * g.in_width + min(left, g.in_width)) * g.in_channels)
            writes.append((y * out_width + min(x + block, out_width)) * g.out_channels)
    together = 1
    if layer.groups > 1 and layer.settings.bodies.dense.copies_windows:
        # A group of two pairs is written before the next group of both is read.
        together = 2 if out_width > 1 else 4
    firsts = range(0, len(reads), together)
    return Overlap(
        at_most=write_behind_read(
            [min(reads[first : first + together]) for first in firsts],
            [max(writes[first : first + together]) for first in firsts],
        )
    )
