"""Where an output may lie on its input, computed from the order in which a kernel reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.ops.base import Overlap

_FAR = 1 << 40

MOST_BLOCKS = 2**20
"""Blocks that a kernel moves, up to which it is worked out where its output may lie on its input."""


def traced(blocks: int, work_out: Callable[[], Overlap]) -> Overlap:
    """Return what ``work_out`` does, or no overlap for a layer of more blocks than anybody wants to wait for.

    That is safe, and no layer so large runs where memory is short.
    """
    return work_out() if blocks <= MOST_BLOCKS else Overlap()


@dataclass(frozen=True, eq=False)
class Moves:
    """Blocks in the order in which a kernel moves them, a block being read as a whole before it is written.

    ``read`` and ``written`` have shape (blocks, 2): first byte and first byte after the block, in one input and in one
    output; where both bounds are equal, the block is not read from that input or not written to that output.
    """

    read: NDArray[Any]
    written: NDArray[Any]

    def forward(self) -> Overlap:
        """Return the overlap for which every write stays below all that is read later."""
        starts = np.where(self.read[:, 0] == self.read[:, 1], _FAR, self.read[:, 0])
        ends = np.where(self.written[:, 0] == self.written[:, 1], -_FAR, self.written[:, 1])
        later = np.minimum.accumulate(starts[::-1])[::-1]
        disjoint = int(self.read[:, 1].max())
        return Overlap(at_most=int((later[1:] - ends[:-1]).min(initial=disjoint)))

    def backward(self) -> Overlap:
        """Return the overlap for which every write stays above all that is read later."""
        ends = np.where(self.read[:, 0] == self.read[:, 1], -_FAR, self.read[:, 1])
        starts = np.where(self.written[:, 0] == self.written[:, 1], _FAR, self.written[:, 0])
        later = np.maximum.accumulate(ends[::-1])[::-1]
        disjoint = -int(self.written[:, 1].max())
        return Overlap(at_least=int((later[1:] - starts[:-1]).max(initial=disjoint)))


def forward_overlap(first_reads: NDArray[Any], read: int = 1, written: int = 1) -> Overlap:
    """Return the overlap of a kernel that writes its output's elements in order.

    ``first_reads`` has, per output element, the lowest input element that it is made of; each is written when all its
    inputs are read. ``read`` and ``written`` are the bytes of an input's and of an output's element.
    """
    reads = first_reads.reshape(-1) * read
    writes = np.arange(reads.size) * written
    return Moves(np.stack([reads, reads + read], axis=1), np.stack([writes, writes + written], axis=1)).forward()


def rows_overlap(g: Geometry, pool_height: int = 1, pool_width: int = 1) -> Overlap:
    """Return the overlap of a kernel that reads each input row once, before it writes the first outputs that need it.

    ``pool_height`` and ``pool_width`` are those of a max pool behind the convolution.
    """
    rows = g.out_height // pool_height
    if rows > MOST_BLOCKS:
        return Overlap()
    row_bytes, out_row_bytes = g.in_width * g.in_channels, g.out_width // pool_width * g.out_channels
    span = (pool_height - 1) * g.stride_height + (g.kernel_height - 1) * g.dilation_height + 1
    unread = [
        min(max(y * pool_height * g.stride_height + span - g.padding.top, 0), g.in_height) * row_bytes
        for y in range(rows - 1)
    ]
    limits = [first - (y + 1) * out_row_bytes for y, first in enumerate(unread)]
    return Overlap(at_most=min(limits, default=g.in_height * row_bytes))


def window_starts(g: Geometry, rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.int64]:
    """Return the first input byte that windows may read, for outputs in these rows and columns, row by row.

    :param rows: of outputs, before any pooling; ``columns`` the same.
    """
    top = np.maximum(rows * g.stride_height - g.padding.top, 0)
    left = np.clip(columns * g.stride_width - g.padding.left, 0, g.in_width)
    starts: NDArray[np.int64] = ((top[:, None] * g.in_width + left) * g.in_channels).reshape(-1)
    return starts


def stretches_overlap(stretches: Sequence[int], read: int, written: int, *, backward: bool) -> Overlap:
    """Return the overlap of a kernel that reads a stretch of pixels as a whole, then writes its outputs.

    ``stretches`` are pixels in the kernel's order, ``read`` and ``written`` the bytes of one; ``backward``: from the
    last pixel to the first.
    """
    pixels, ends = sum(stretches), np.cumsum(stretches)
    reads = np.stack([(ends - stretches) * read, ends * read], axis=1)
    writes = np.stack([(ends - stretches) * written, ends * written], axis=1)
    if backward:
        reads, writes = pixels * read - reads[:, ::-1], pixels * written - writes[:, ::-1]
    moves = Moves(reads, writes)
    return moves.backward() if backward else moves.forward()


def write_behind_read(reads: ArrayLike, writes: ArrayLike) -> int:
    """Return the largest safe distance from input to output for a kernel that walks forward in blocks.

    ``reads`` holds the first input byte that each block reads, ``writes`` the end of what it writes, both relative to
    their tensor. A block may write only below what it or any later block still reads.
    """
    still_needed = np.minimum.accumulate(np.asarray(reads)[::-1])[::-1]
    return int((still_needed - np.asarray(writes)).min())
