"""CONV_2D whose weights are all stored: pixel by pixel, window by window, with a max pool or an addition behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Padding
from edgemnist.compiler.ops.arithmetic import lower_sum
from edgemnist.compiler.ops.base import Overlap, Step, quantisation_of
from edgemnist.compiler.ops.fields import CArray, Field, int16, int32
from edgemnist.compiler.ops.layer import Convolution, convolution_of, without_add
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor, output_of, residual_of
from edgemnist.compiler.ops.overlaps import (
    rows_overlap,
    stretches_overlap,
    traced,
    window_starts,
    write_behind_read,
)
from edgemnist.compiler.ops.requantisation import kernel_name
from edgemnist.compiler.ops.steps import channels_in_steps


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
    firsts = np.minimum(np.arange(0, pixels, 2), pixels - 2)
    body = layer.settings.bodies.dense
    if body.by_rows:
        overlap = stretches_overlap(body.stretch(pixels, read), read, written, backward=backward)
    elif backward:
        overlap = Overlap(at_least=int(((pixels - firsts) * read - (pixels - 2 - firsts) * written).max()))
    else:
        overlap = Overlap(at_most=write_behind_read(firsts * read, (firsts + 2) * written))
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
        work=dense_work(pixels, pixels, 1, read, written, joins=body.joins(layer.rows)),
    )  # fmt: skip


def dense_work(
    pixels: int, stored: int, rows: int, row_length: int, channels: int, groups: int = 1, joins: int = 0
) -> Mapping[str, float]:
    """Return the work of a dense kernel: ``pixels`` windows of ``rows`` rows; a pool leaves ``stored`` of them.

    ``joins``: see :meth:`DenseBody.joins`.
    """
    elements = pixels * rows * row_length
    return {
        "calls": 1, "windows": pixels, "rows": pixels * rows, "elements": elements,
        "products": elements * channels // groups, "joins": pixels * joins,
        "sums": pixels * channels, "outputs": stored * channels,
    }  # fmt: skip


def lower_windows(layer: Convolution, body: str) -> Step:
    """Return the call of ``em_conv_2d`` or, with a pool, of ``em_conv_2d_max_pool``; ``body`` is its name."""
    whole = _lower_windows(layer, body, part_rows=0)
    g, dense = layer.geometry, layer.settings.bodies.dense
    if body != "em_conv_2d" or layer.groups > 1 or _is_single(layer) or not dense.copies_windows:
        return whole
    part_rows = (g.kernel_height + 1) // 2
    in_parts = _lower_windows(layer, body, part_rows)
    return replace(whole, smaller=in_parts) if whole.scratch - in_parts.scratch >= _LEAST_SAVING else whole


_LEAST_SAVING = 1024
"""Bytes of scratch for which a layer may be slower."""


def _lower_windows(layer: Convolution, body: str, part_rows: int) -> Step:
    """Return the same; ``part_rows``: of each window that are done at a time, 0 for all."""
    node, graph, g, groups = layer.node, layer.graph, layer.geometry, layer.groups
    pool_height, pool_width = layer.pool
    out_height, out_width = g.out_height // pool_height, g.out_width // pool_width
    group_channels = g.in_channels // groups
    direct = _is_direct(layer)
    pairs = pool_height * ((pool_width + 1) // 2)
    dense = layer.settings.bodies.dense
    if layer.follower == "MAX_POOL_2D":
        windows = (1 if dense.copies_windows else pairs) * dense.window(g, groups)
    else:
        windows = dense.row_windows(g, groups)
    strip = _strip(layer, pairs, part_rows)
    by_rows = _is_by_rows(layer)
    function, arrays = _kernel(body, layer, steps=body == "em_conv_2d", part_rows=part_rows)
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
                in_zero_point=quantisation_of(input_tensor(node, graph)).zero_point, part_rows=part_rows,
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
        work=dense_work(
            conv_pixels, out_height * out_width, g.kernel_height, g.kernel_width * g.in_channels, g.out_channels,
            groups, dense.joins(layer.rows),
        ),
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


_QUAD_SUMS = 4 * 4
"""Bytes of four pixels' sums."""


def _strip(layer: Convolution, pairs: int, part_rows: int) -> int:
    """Return the bytes of the strip of the target's body, with the sums that are kept between parts of a window."""
    body, g = layer.settings.bodies.dense, layer.geometry
    row_length = g.kernel_width * g.in_channels // layer.groups
    if _is_single(layer):
        return body.strip_single(g.kernel_height, row_length, g.out_channels // layer.groups)
    if part_rows:
        return body.strip(part_rows, row_length, pairs) + _QUAD_SUMS * g.out_channels
    return body.strip(g.kernel_height, row_length, pairs)


def _kernel(body: str, layer: Convolution, *, steps: bool, part_rows: int = 0) -> tuple[str, tuple[CArray, ...]]:
    """Return the kernel of ``body`` that requantises as the layer needs it, and its arrays.

    :param steps: whether there is a kernel of that body for step functions. ``part_rows``: of a window at a time.
    """
    if part_rows:
        return kernel_name(body, fast=layer.channels.fast), (
            _packed_in_parts(layer, part_rows),
            *layer.channels.arrays(),
        )
    stepped = channels_in_steps(layer) if steps else None
    if stepped is None:
        return kernel_name(body, fast=layer.channels.fast), (_packed(layer), *layer.channels.arrays())
    return f"{body}_step", (_packed(layer), *stepped)


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


def _packed_in_parts(layer: Convolution, part_rows: int) -> CArray:
    """Return the packed weights, those of all channels for each part of the window."""
    body, length = layer.settings.bodies.dense, layer.geometry.kernel_width * layer.geometry.in_channels
    part = part_rows * length
    packed = [body.pack(layer.rows[:, at : at + part], length) for at in range(0, layer.rows.shape[1], part)]
    return CArray("weights", "int8_t", np.concatenate(packed), body.in_words)


def _window_overlap(layer: Convolution, block: int) -> Overlap:
    """Return where the output may start, walking the kernel's blocks of ``block`` outputs in its order."""
    g, (pool_height, pool_width) = layer.geometry, layer.pool
    out_height, out_width = g.out_height // pool_height, g.out_width // pool_width
    together = 1
    if layer.groups > 1 and layer.settings.bodies.dense.copies_windows:
        # A group of two pairs is written before the next group of both is read.
        together = 2 if out_width > 1 else 4

    def work_out() -> Overlap:
        y = np.arange(out_height)
        x = np.clip(np.arange(0, out_width, block), 0, max(out_width - block, 0))
        reads = window_starts(g, y * pool_height, x * pool_width)
        writes = ((y[:, None] * out_width + np.minimum(x + block, out_width)) * g.out_channels).reshape(-1)
        firsts = np.arange(0, reads.size, together)
        return Overlap(
            at_most=write_behind_read(np.minimum.reduceat(reads, firsts), np.maximum.reduceat(writes, firsts))
        )

    return traced(out_height * out_width, work_out)
