"""Layers whose weights are mostly zero, as the chunks of ``em_sparse_chunks.h``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.sparse import FARTHEST, Chunks, evenly, pack_chunks
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.ops.base import Step, quantisation_of
from edgemnist.compiler.ops.fields import CArray, Field, int16, int32
from edgemnist.compiler.ops.layer import Convolution, Layer
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor
from edgemnist.compiler.ops.sparse import pixels_overlap, sparse_work, sparsity_of, strips_overlap

LANES = 8
"""EM_CHUNKS_LANES in em_sparse_chunks.h."""

MOST_PASSES = 16
"""EM_CHUNKS_PASSES in em_sparse_chunks.h: the most elements that a pool's window may have."""

FARTHEST_OUTPUT = 65535
"""From the first pixel's outputs to the last one's."""


def takes_chunks(layer: Layer) -> bool:
    """Return whether the kernels can take a layer."""
    return (LANES - 1) * len(layer.weights) <= FARTHEST_OUTPUT


def takes_chunk_windows(layer: Convolution) -> bool:
    """Return whether the kernels can take a convolution: with a pool, all rows of a strip are neighbours."""
    passes = layer.pool[0] * layer.pool[1]
    return takes_chunks(layer) and (passes == 1 or (layer.geometry.dilation_height == 1 and passes <= MOST_PASSES))


def chunk_windows(layer: Convolution) -> Step:
    """Return the call of ``em_sparse_chunks_conv_2d`` for a convolution, with the max pool that is fused into it."""
    g, node, graph = layer.geometry, layer.node, layer.graph
    pool_height, pool_width = layer.pool
    out_height, out_width = g.out_height // pool_height, g.out_width // pool_width
    rows = g.kernel_height + (pool_height - 1) * g.stride_height
    pixels = evenly(out_width, LANES)
    columns = (pixels * pool_width - 1) * g.stride_width + g.kernel_width
    row_step, column_step = _strip_steps(g, rows, columns)
    chunks = pack_chunks(layer.rows, _places(g, row_step, column_step), layer.channels.shifts)
    scratch = columns * rows * g.in_channels
    groups, passes = out_height * -(-out_width // pixels), pool_height * pool_width
    kernel = "em_sparse_chunks_conv_2d"
    function = f"{kernel}_max_pool" if passes > 1 else kernel
    return Step(
        node=node, header=f"{kernel}.h", function=function, body=function, struct_type=f"{kernel}_params",
        parameters=(
            *int16(
                in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels,
                out_height=out_height, out_width=out_width,
                kernel_width=g.kernel_width, strip_rows=rows, strip_dilation=g.dilation_height,
            ),
            *int32(row_step=row_step, column_step=column_step),
            *int16(
                stride_height=g.stride_height, stride_width=g.stride_width,
                pad_top=g.padding.top, pad_left=g.padding.left, pool_height=pool_height, pool_width=pool_width,
                in_zero_point=quantisation_of(input_tensor(node, graph)).zero_point,
            ),
            _layer_parameters(layer, chunks, pixels),
        ),
        inputs=(activations_of(node),), outputs=node.outputs, arrays=_arrays(layer, chunks), scratch=scratch,
        overlaps={ends_of(node): strips_overlap(g, pool_height, pool_width, (pixels,))},
        macs=out_height * out_width * passes * int(np.count_nonzero(layer.weights)),
        sparsity=sparsity_of(layer, chunks.values),
        work=sparse_work(
            g.out_channels, groups=groups, pixels=LANES, entries=chunks.count, passes=passes, copied=groups * scratch
        ),
    )  # fmt: skip


def chunk_pixels(layer: Layer, count: int, *, overlap: bool) -> Step:
    """Return the call of ``em_sparse_chunks_each_pixel`` for a pointwise convolution or a dense layer.

    Without ``overlap`` the output stays clear of the input.
    """
    node = layer.node
    written, read = layer.rows.shape
    chunks = pack_chunks(layer.rows, np.arange(read), layer.channels.shifts)
    pixels = evenly(count, LANES)
    function = "em_sparse_chunks_each_pixel" if count > 1 else "em_sparse_chunks_pixel"
    apart = count > 1 and overlap
    return Step(
        node=node, header="em_sparse_chunks_pixels.h", function=function, body=function,
        struct_type="em_sparse_chunks_pixels_params",
        parameters=(
            *int32(pixels=count, in_channels=read), *int16(backward=int(overlap and written > read)),
            _layer_parameters(layer, chunks, pixels),
        ),
        inputs=(activations_of(node),), outputs=node.outputs, arrays=_arrays(layer, chunks),
        overlaps={ends_of(node): pixels_overlap(count, read, written, (pixels,))} if apart else {},
        macs=count * int(np.count_nonzero(layer.rows)),
        sparsity=sparsity_of(layer, chunks.values),
        work=sparse_work(written, groups=-(-count // pixels), pixels=LANES, entries=chunks.count),
    )  # fmt: skip


def _strip_steps(g: Geometry, rows: int, columns: int) -> tuple[int, int]:
    """Return the bytes from one row of a strip to the next and from one column to the next.

    Rows are copied faster as a whole, but column by column windows are narrow: one base is enough for more of them.
    """
    row = columns * g.in_channels
    if (g.kernel_height - 1) * row + g.kernel_width * g.in_channels <= FARTHEST + 1:
        return row, g.in_channels
    return g.in_channels, rows * g.in_channels


def _places(g: Geometry, row_step: int, column_step: int) -> NDArray[np.int64]:
    """Return where each weight's element is in a strip, ordered as the weights are."""
    y, x, c = np.indices((g.kernel_height, g.kernel_width, g.in_channels))
    places: NDArray[np.int64] = (y * row_step + x * column_step + c).reshape(-1)
    return places


def _layer_parameters(layer: Layer, chunks: Chunks, pixels: int) -> Field:
    sizes = int16(out_channels=len(layer.weights), pixels=pixels, wide=int(chunks.wide))
    return Field("layer", "em_chunks_layer", (*sizes, layer.output))


def _arrays(layer: Layer, chunks: Chunks) -> tuple[CArray, ...]:
    return CArray("weights", "int8_t", chunks.values), layer.channels.arrays()[0]
