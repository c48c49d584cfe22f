"""Layers whose weights are mostly zero: only the others are stored, as the stream of ``em_sparse.h``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.sparse import distances
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.ops.base import Overlap, Sparsity, Step, quantisation_of
from edgemnist.compiler.ops.fields import CArray, Field, int16, int32
from edgemnist.compiler.ops.layer import Convolution, Layer
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor
from edgemnist.compiler.ops.overlaps import Moves, traced, window_starts, write_behind_read

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
    channels = [_entries(row) for row in rows]
    longest = max(len(entries) for entries in channels)
    stream = bytearray()
    for entries in channels:
        stream += (len(entries) // 2).to_bytes(1 if longest <= 2 * 255 else 2, "little")
        moved, weights = entries[:, 0], entries[:, 1]
        pairs = np.stack([16 * moved[::2] + moved[1::2], weights[::2] & 255, weights[1::2] & 255], axis=1)
        stream += pairs.astype(np.uint8).tobytes()
    return Stream(np.frombuffer(stream, np.int8), sum(len(entries) for entries in channels), longest > 2 * 255)


def _entries(row: NDArray[Any]) -> NDArray[np.int64]:
    """Return (elements from the one before, weight), an even number of them."""
    entries = distances(row, FARTHEST)
    return np.pad(entries, ((0, len(entries) % 2), (0, 0)))


def _pixels(layer: Layer, width: int) -> int:
    """Return how many pixels of a row of ``width`` are done at a time."""
    return 1 if width < SIZE_PIXELS else min(layer.settings.way.pixels, width)


def sparse_windows(layer: Convolution) -> Step:
    """Return the call of ``em_sparse_conv_2d`` for a convolution, with the max pool that is fused into it."""
    g, node, graph = layer.geometry, layer.node, layer.graph
    pool_height, pool_width = layer.pool
    out_height, out_width = g.out_height // pool_height, g.out_width // pool_width
    # Column by column, as the strips are.
    by_columns = layer.weights.transpose(0, 2, 1, 3).reshape(g.out_channels, -1)
    stream = layer.once("stream of columns", lambda: pack_stream(by_columns))
    pixels = _pixels(layer, out_width)
    columns = (pixels * pool_width - 1) * g.stride_width + g.kernel_width
    scratch = pool_height * columns * g.kernel_height * g.in_channels
    groups, passes = out_height * -(-out_width // pixels), pool_height * pool_width
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
        overlaps={ends_of(node): strips_overlap(g, pool_height, pool_width, _group_sizes(pixels))},
        macs=out_height * out_width * passes * int(np.count_nonzero(layer.weights)),
        sparsity=sparsity_of(layer, stream.values),
        work=sparse_work(
            g.out_channels, groups=groups, pixels=pixels, entries=stream.entries, passes=passes, copied=groups * scratch
        ),
    )  # fmt: skip


def sparse_pixels(layer: Layer, count: int, *, overlap: bool) -> Step:
    """Return the call of ``em_sparse_each_pixel`` for a pointwise convolution or a dense layer on ``count`` pixels.

    Without ``overlap`` the output stays clear of the input.
    """
    node = layer.node
    written, read = layer.rows.shape
    stream = layer.once("stream", lambda: pack_stream(layer.rows))
    pixels = _pixels(layer, count)
    backward = overlap and written > read
    return Step(
        node=node, header="em_sparse_pixels.h", function="em_sparse_each_pixel",
        body="em_sparse_each_pixel", struct_type="em_sparse_pixels_params",
        parameters=(
            *int32(pixels=count, in_channels=read), *int16(backward=int(backward)),
            _layer_parameters(layer, stream, pixels),
        ),
        inputs=(activations_of(node),), outputs=node.outputs, arrays=_arrays(layer, stream),
        overlaps={ends_of(node): pixels_overlap(count, read, written, _group_sizes(pixels))} if overlap else {},
        macs=count * int(np.count_nonzero(layer.rows)), sparsity=sparsity_of(layer, stream.values),
        work=sparse_work(written, groups=-(-count // pixels), pixels=pixels, entries=stream.entries),
    )  # fmt: skip


def _layer_parameters(layer: Layer, stream: Stream, pixels: int) -> Field:
    sizes = int16(out_channels=len(layer.weights), pixels=pixels, long_channels=int(stream.long_channels))
    return Field("layer", "em_sparse_layer", (*sizes, layer.output))


def _arrays(layer: Layer, stream: Stream) -> tuple[CArray, ...]:
    return CArray("weights", "int8_t", stream.values), *layer.channels.arrays()


def sparsity_of(layer: Layer, stored: NDArray[np.int8]) -> Sparsity:
    """Return what is told of a layer whose weights are stored so."""
    weights = layer.weights
    return Sparsity(int(np.count_nonzero(weights)), int(weights.size), len(stored))


def sparse_work(
    channels: int, *, groups: int, pixels: int, entries: int, passes: int = 1, copied: int = 0
) -> Mapping[str, float]:
    """Return the work of a sparse kernel for ``groups`` of ``pixels`` windows, ``passes`` of them in a pool's window.

    ``entries``: what is loaded of all channels' weights for each group and pass; ``copied``: bytes, to strips.
    """
    every = groups * channels
    return {
        "calls": 1, "groups": groups, "copied": copied, "channels": every, "passes": every * passes,
        "entries": groups * passes * entries, "products": groups * passes * entries * pixels,
        "sums": every * passes * pixels, "outputs": every * pixels,
    }  # fmt: skip


def _group_sizes(pixels: int) -> Sequence[int]:
    """Return how many pixels a group may have, for speed and for size."""
    return sorted({pixels, min(pixels, SIZE_PIXELS)})


def strips_overlap(g: Geometry, pool_height: int, pool_width: int, sizes: Sequence[int]) -> Overlap:
    """Return where the output may start: a group's windows are copied before anything of it is written.

    :param sizes: how many pixels a group may have.
    """
    out_height, out_width = g.out_height // pool_height, g.out_width // pool_width

    def limit(count: int) -> int | None:
        y, x = np.arange(out_height), np.minimum(np.arange(0, out_width, count), out_width - count)
        reads = window_starts(g, y * pool_height, x * pool_width)
        writes = ((y[:, None] * out_width + x + count) * g.out_channels).reshape(-1)
        ends = np.full_like(reads, g.in_height * g.in_width * g.in_channels)
        starts = np.concatenate([[0], writes[:-1]])
        return Moves(np.stack([reads, ends], axis=1), np.stack([starts, writes], axis=1)).forward().at_most

    def work_out() -> Overlap:
        return Overlap(at_most=min(found for count in sizes if (found := limit(count)) is not None))

    return traced(out_height * out_width, work_out)


def pixels_overlap(count: int, read: int, written: int, sizes: Sequence[int]) -> Overlap:
    """Return where the output may start: a group is read until its last channel is written.

    :param sizes: how many pixels a group may have.
    """
    limits = []
    for group in sizes:
        firsts = np.minimum(np.arange(0, count, group), count - group)
        if written > read:
            limits.append(int(((count - firsts) * read - (count - group - firsts) * written).max()))
        else:
            limits.append(write_behind_read(firsts * read, (firsts + group) * written))
    return Overlap(at_least=max(limits)) if written > read else Overlap(at_most=min(limits))
