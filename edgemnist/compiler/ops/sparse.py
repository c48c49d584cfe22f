"""Layers whose weights are mostly zero: only the others are stored, as the stream of ``em_sparse.h``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.ops.base import Overlap, Sparsity, Step, quantisation_of
from edgemnist.compiler.ops.fields import CArray, Field, int16, int32
from edgemnist.compiler.ops.layer import Convolution, Layer
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor
from edgemnist.compiler.ops.overlaps import Moves, write_behind_read
from edgemnist.compiler.targets import SparseCosts

FARTHEST = 15
"""Elements from one stored weight to the next; what is farther is reached over weights of 0."""

SIZE_PIXELS = 4
"""EM_SPARSE_SIZE_PIXELS in em_sparse.h: pixels at a time with optimisation for size, where there are so many."""


@dataclass(frozen=True, eq=False)
class Stream:
    """Packed weights. ``entries`` counts those that are multiplied, in-between ones of 0 among them."""

    values: NDArray[np.int8]
    entries: int
    long_channels: bool


def pack_stream(rows: NDArray[Any]) -> Stream:
    """Return weights of shape (channels, window) as a stream."""
    channels = [list(_entries(row)) for row in rows]
    longest = max(len(entries) for entries in channels)
    stream: list[int] = []
    for entries in channels:
        stream += (len(entries) // 2).to_bytes(1 if longest <= 2 * 255 else 2, "little")
        for (first, weight), (second, other) in zip(entries[::2], entries[1::2], strict=True):
            stream += (16 * first + second, weight & 255, other & 255)
    values = np.array(stream, np.uint8).view(np.int8)
    return Stream(values, sum(len(entries) for entries in channels), longest > 2 * 255)


def _entries(row: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """Yield (elements from the one before, weight), an even number of them."""
    at = count = 0
    for position in np.flatnonzero(row).tolist():
        while position - at > FARTHEST:
            yield FARTHEST, 0
            at, count = at + FARTHEST, count + 1
        yield position - at, int(row[position])
        at, count = position, count + 1
    if count % 2:
        yield 0, 0


def choose_pixels(width: int, costs: SparseCosts) -> int:
    """Return how many pixels of a row of ``width`` are done at a time: the least work, doubled pixels included."""
    if width < SIZE_PIXELS:
        return 1
    choices = range(SIZE_PIXELS, min(costs.pixels, width) + 1)
    return min(choices, key=lambda pixels: -(-width // pixels) * (pixels * costs.product + costs.entry))


def sparse_windows(layer: Convolution) -> Step:
    """Return the call of ``em_sparse_conv_2d`` for a convolution, with the max pool that is fused into it."""
    g, node, graph, costs = layer.geometry, layer.node, layer.graph, layer.settings.bodies.sparse
    pool_height, pool_width = layer.pool
    out_height, out_width = g.out_height // pool_height, g.out_width // pool_width
    # Column by column, as the strips are.
    stream = pack_stream(layer.weights.transpose(0, 2, 1, 3).reshape(g.out_channels, -1))
    pixels = choose_pixels(out_width, costs)
    columns = (pixels * pool_width - 1) * g.stride_width + g.kernel_width
    scratch = pool_height * columns * g.kernel_height * g.in_channels
    groups, passes = out_height * -(-out_width // pixels), pool_height * pool_width
    sums = groups * passes * pixels * g.out_channels if layer.follower else 0
    instructions = _products(layer, stream, groups * passes, pixels) + groups * scratch * costs.copy
    return Step(
        node=node, header="em_sparse_conv_2d.h", function="em_sparse_conv_2d", body="em_sparse_conv_2d",
        struct_type="em_sparse_conv_2d_params",
        parameters=(
            *int16(
                in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels,
                out_height=out_height, out_width=out_width,
                kernel_height=g.kernel_height, kernel_width=g.kernel_width,
                stride_height=g.stride_height, stride_width=g.stride_width,
                dilation_height=g.dilation_height, pad_top=g.padding.top, pad_left=g.padding.left,
                pool_height=pool_height, pool_width=pool_width,
                in_zero_point=quantisation_of(input_tensor(node, graph)).zero_point,
            ),
            _layer_parameters(layer, stream, pixels),
        ),
        inputs=(activations_of(node),), outputs=node.outputs, arrays=_arrays(layer, stream), scratch=scratch,
        overlaps={ends_of(node): _strips_overlap(g, pool_height, pool_width, pixels)},
        macs=out_height * out_width * passes * int(np.count_nonzero(layer.weights)),
        sparsity=_sparsity(layer, stream, instructions + sums * costs.pooled),
    )  # fmt: skip


def sparse_pixels(layer: Layer, count: int, *, overlap: bool) -> Step:
    """Return the call of ``em_sparse_each_pixel`` for a pointwise convolution or a dense layer on ``count`` pixels.

    Without ``overlap`` the output stays clear of the input.
    """
    node = layer.node
    written, read = layer.rows.shape
    stream = pack_stream(layer.rows)
    pixels = choose_pixels(count, layer.settings.bodies.sparse)
    backward = overlap and written > read
    instructions = _products(layer, stream, -(-count // pixels), pixels)
    return Step(
        node=node, header="em_sparse_pixels.h", function="em_sparse_each_pixel",
        body="em_sparse_each_pixel", struct_type="em_sparse_pixels_params",
        parameters=(
            *int32(pixels=count, in_channels=read), *int16(backward=int(backward)),
            _layer_parameters(layer, stream, pixels),
        ),
        inputs=(activations_of(node),), outputs=node.outputs, arrays=_arrays(layer, stream),
        overlaps={ends_of(node): _pixels_overlap(count, read, written, pixels)} if overlap else {},
        macs=count * int(np.count_nonzero(layer.rows)), sparsity=_sparsity(layer, stream, instructions),
    )  # fmt: skip


def _layer_parameters(layer: Layer, stream: Stream, pixels: int) -> Field:
    sizes = int16(out_channels=len(layer.weights), pixels=pixels, long_channels=int(stream.long_channels))
    return Field("layer", "em_sparse_layer", (*sizes, layer.output))


def _arrays(layer: Layer, stream: Stream) -> tuple[CArray, ...]:
    return CArray("weights", "int8_t", stream.values), *layer.channels.arrays()


def _sparsity(layer: Layer, stream: Stream, instructions: float) -> Sparsity:
    weights = layer.weights
    return Sparsity(int(np.count_nonzero(weights)), int(weights.size), len(stream.values), instructions)


def _products(layer: Layer, stream: Stream, groups: int, pixels: int) -> float:
    """Return an estimate of the instructions for ``groups`` times ``pixels`` sums of every channel."""
    costs = layer.settings.bodies.sparse
    return groups * stream.entries * (pixels * costs.product + costs.entry)


def _group_sizes(pixels: int) -> Sequence[int]:
    """Return how many pixels a group may have, for speed and for size."""
    return sorted({pixels, min(pixels, SIZE_PIXELS)})


def _strips_overlap(g: Geometry, pool_height: int, pool_width: int, pixels: int) -> Overlap:
    """Return where the output may start: a group's windows are copied before anything of it is written."""
    out_width = g.out_width // pool_width
    limits = []
    for count in _group_sizes(pixels):
        reads, writes = [], []
        for y in range(g.out_height // pool_height):
            top = max(y * pool_height * g.stride_height - g.padding.top, 0)
            for done in range(0, out_width, count):
                x = min(done, out_width - count)
                left = max(x * pool_width * g.stride_width - g.padding.left, 0)
                reads.append((top * g.in_width + min(left, g.in_width)) * g.in_channels)
                writes.append((y * out_width + x + count) * g.out_channels)
        ends = [g.in_height * g.in_width * g.in_channels] * len(reads)
        starts = [0, *writes[:-1]]
        limits.append(Moves(np.stack([reads, ends], axis=1), np.stack([starts, writes], axis=1)).forward().at_most)
    return Overlap(at_most=min(limit for limit in limits if limit is not None))


def _pixels_overlap(count: int, read: int, written: int, pixels: int) -> Overlap:
    """Return where the output may start: a group is read until its last channel is written."""
    limits = []
    for group in _group_sizes(pixels):
        firsts = [min(first, count - group) for first in range(0, count, group)]
        if written > read:
            limits.append(max((count - first) * read - (count - group - first) * written for first in firsts))
        else:
            limits.append(write_behind_read([f * read for f in firsts], [(f + group) * written for f in firsts]))
    return Overlap(at_least=max(limits)) if written > read else Overlap(at_most=min(limits))
