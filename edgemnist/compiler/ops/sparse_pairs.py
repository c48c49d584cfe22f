"""Layers whose weights are mostly zero, for pixel pairs in the words of ``em_sparse_pairs.h``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.sparse import MOST_STORED, evenly, pack_pairs, takes_pairs
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Padding
from edgemnist.compiler.ops.base import Overlap, Step, quantisation_of
from edgemnist.compiler.ops.fields import CArray, int16
from edgemnist.compiler.ops.layer import Convolution, Layer
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor
from edgemnist.compiler.ops.sparse import pixels_overlap, sparse_work, sparsity_of, strips_overlap

PIXELS = 8
"""EM_PAIRS_PIXELS in em_sparse_pairs.h."""

ROUNDING = 2**22
"""EM_PAIRS_ROUNDING in em_sparse_pairs.h."""

POOL = (2, 2)
"""The pool whose windows make whole words."""

MOST_COLUMNS = 24
"""EM_PAIRS_COLUMNS in em_sparse_pairs_conv_2d.h."""


def takes_pair_windows(layer: Convolution) -> bool:
    """Return whether the kernels can take a convolution."""
    g, pooled = layer.geometry, layer.pool != (1, 1)
    if pooled and (layer.pool != POOL or g.dilation_height > 1 or g.out_width < 2 * POOL[1]):
        return False
    return _columns(g, pooled) <= MOST_COLUMNS and _takes_weights(layer)


def takes_pair_pixels(layer: Layer, count: int) -> bool:
    """Return whether the kernels can take a pointwise convolution or a dense layer: one pixel is half a word."""
    return count > 1 and _takes_weights(layer)


def pair_windows(layer: Convolution) -> Step:
    """Return the call of ``em_sparse_pairs_conv_2d`` for a convolution, with the max pool that is fused into it."""
    g = layer.geometry
    pool_height, pool_width = layer.pool
    pixels = _pixels(g.out_width, layer.pool != (1, 1))
    return _step(layer, g, layer.pool, strips_overlap(g, pool_height, pool_width, (pixels,)), backward=False)


def pair_pixels(layer: Layer, count: int, *, overlap: bool) -> Step:
    """Return the same call for a pointwise convolution or a dense layer on ``count`` pixels: an image of one row.

    Without ``overlap`` the output stays clear of the input.
    """
    written, read = layer.rows.shape
    g = Geometry(1, count, read, 1, count, written, *(1,) * 6, Padding(0, 0, 0, 0))
    where = pixels_overlap(count, read, written, (_pixels(count, pooled=False),))
    return _step(layer, g, (1, 1), where if overlap else None, backward=overlap and written > read)


def _step(layer: Layer, g: Geometry, pool: tuple[int, int], overlap: Overlap | None, *, backward: bool) -> Step:
    node, graph = layer.node, layer.graph
    pooled = pool != (1, 1)
    out_height, out_width = g.out_height // pool[0], g.out_width // pool[1]
    pixels = _pixels(out_width, pooled)
    pairs = pack_pairs(_in_places(layer, g), layer.channels.shifts)
    words = 16 * g.kernel_height * g.in_channels * g.kernel_width
    scratch = words + -(-_columns(g, pooled) * g.in_channels // 4) * 4
    groups = out_height * -(-out_width // pixels)
    kernel = "em_sparse_pairs_conv_2d"
    function = f"{kernel}_max_pool" if pooled else kernel
    return Step(
        node=node, header=f"{kernel}.h", function=function, body=function, struct_type=f"{kernel}_params",
        parameters=(
            *int16(
                in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels,
                out_height=out_height, out_width=out_width, out_channels=g.out_channels,
                kernel_height=g.kernel_height, kernel_width=g.kernel_width,
                stride_height=g.stride_height, stride_width=g.stride_width, dilation_height=g.dilation_height,
                pad_top=g.padding.top, pad_left=g.padding.left,
                in_zero_point=quantisation_of(input_tensor(node, graph)).zero_point,
                pixels=pixels, backward=int(backward),
            ),
            layer.output,
        ),
        inputs=(activations_of(node),), outputs=node.outputs, scratch=scratch,
        arrays=(CArray("weights", "int8_t", pairs.values, in_words=True), _doubled(layer.channels.arrays()[0])),
        overlaps={ends_of(node): overlap} if overlap is not None else {},
        macs=out_height * out_width * pool[0] * pool[1] * int(np.count_nonzero(layer.rows)),
        sparsity=sparsity_of(layer, pairs.values),
        work=sparse_work(g.out_channels, groups=groups, pixels=PIXELS, entries=pairs.entries, copied=groups * words),
    )  # fmt: skip


def _doubled(channels: CArray) -> CArray:
    """Return the channels with biases as the kernels add them to sums that 2^22 was added to before."""
    bias, mantissas = channels.values.T
    doubled = (2 * (bias - ROUNDING)).astype(np.int64).astype(np.int32)
    return CArray(channels.suffix, channels.ctype, np.stack([doubled, mantissas], axis=1))


def _takes_weights(layer: Layer) -> bool:
    return layer.rows[0].size <= MOST_STORED and takes_pairs(layer.rows)


def _pixels(width: int, pooled: bool) -> int:
    """Return how many pixels of a row of ``width`` are done at a time."""
    return POOL[1] if pooled else evenly(width, PIXELS)


def _columns(g: Geometry, pooled: bool) -> int:
    """Return how many columns of the input the pixels that are done at once read, the ones that are left over too."""
    return (3 if pooled else PIXELS - 1) * g.stride_width + g.kernel_width


def _in_places(layer: Layer, g: Geometry) -> NDArray[Any]:
    """Return the weights in the order of a strip's places: rows, channels, columns."""
    shape = (g.out_channels, g.kernel_height, g.kernel_width, g.in_channels)
    return layer.rows.reshape(shape).transpose(0, 1, 3, 2).reshape(g.out_channels, -1)
