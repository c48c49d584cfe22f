"""A copy by position along every axis: what GATHER, MIRROR_PAD and TILE become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Overlap, Step
from edgemnist.compiler.ops.fields import CArray, int32
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor
from edgemnist.compiler.ops.overlaps import Moves, traced
from edgemnist.compiler.ops.strided_copy import row_major_strides

AXES = 4
"""Loops of the kernel."""


@dataclass(frozen=True, eq=False)
class Picks:
    """For each loop the offset in the input, in elements, of every step; ``inner`` elements are copied at once."""

    loops: tuple[NDArray[np.int64], ...]
    inner: int

    def of_bytes(self, size: int) -> Picks:
        """Return the same for elements of ``size`` bytes, in bytes."""
        return Picks(tuple(offsets * size for offsets in self.loops), self.inner * size)


def picks_of(shape: Sequence[int], positions: Sequence[Sequence[int]]) -> Picks:
    """Return the loops over the ``positions`` along each axis of a tensor of ``shape``, in as few as possible."""
    strides, inner = row_major_strides(shape), 1
    loops: list[NDArray[np.int64]] = []
    for size, stride, picked in zip(reversed(shape), reversed(strides), reversed(positions), strict=True):
        offsets = np.asarray(picked, np.int64) * stride
        if not loops and tuple(picked) == tuple(range(size)):
            inner *= size
        elif loops and min(len(offsets), len(loops[-1])) == 1:
            loops[-1] = (offsets[:, None] + loops[-1]).reshape(-1)
        else:
            loops.append(offsets)
    return Picks(tuple(reversed(loops)), inner)


def check_picks(node: Node, picks: Picks) -> list[str]:
    """Return a problem when the kernel has not enough loops."""
    if len(picks.loops) <= AXES:
        return []
    return [f"{node.label}: picks along {len(picks.loops)} axes, allowed are {AXES}; do it in several steps"]


def lower_picks(node: Node, graph: Graph, picks: Picks) -> Step:
    """Return the copy of ``activations_of(node)`` to the output."""
    picks = picks.of_bytes(input_tensor(node, graph).itemsize)
    loops = (np.zeros(1, np.int64),) * (AXES - len(picks.loops)) + picks.loops
    counts = {f"count_{number}": len(offsets) for number, offsets in enumerate(loops)}
    return Step(
        node=node, header="em_pick.h", function="em_pick", struct_type="em_pick_params",
        parameters=int32(**counts, inner=picks.inner),
        inputs=(activations_of(node),), outputs=node.outputs, as_bytes=True,
        arrays=(CArray("offsets", "int32_t", np.concatenate(loops)),),
        overlaps={ends_of(node): traced(prod(counts.values()), lambda: _overlap(picks))},
    )  # fmt: skip


def _overlap(picks: Picks) -> Overlap:
    """Return the overlap of the kernel, which copies from the first to the last."""
    read = np.zeros(1, np.int64)
    for offsets in picks.loops:
        read = (read[:, None] + offsets).reshape(-1)
    written = np.arange(read.size) * picks.inner
    return Moves(
        np.stack([read, read + picks.inner], axis=1), np.stack([written, written + picks.inner], axis=1)
    ).forward()  # fmt: skip
