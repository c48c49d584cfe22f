"""A copy that walks its input with any strides: what TRANSPOSE, SLICE, STRIDED_SLICE and SPACE_TO_DEPTH become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Overlap, Step
from edgemnist.compiler.ops.fields import int32, stride_fields
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor
from edgemnist.compiler.ops.overlaps import forward_overlap, traced

AXES = 5
"""Loops of the kernel."""


@dataclass(frozen=True)
class Walk:
    """Where a copy starts in its input, and its loops, outermost first: (count, stride in elements) each."""

    offset: int
    loops: tuple[tuple[int, int], ...]

    def merged(self) -> Walk:
        """Return the same walk in as few loops as possible."""
        loops: list[tuple[int, int]] = []
        for count, stride in self.loops:
            if loops and loops[-1][1] == count * stride:
                loops[-1] = (loops[-1][0] * count, stride)
            elif count > 1:
                loops.append((count, stride))
        return Walk(self.offset, tuple(loops))


def row_major_strides(shape: Sequence[int]) -> list[int]:
    """Return how many elements one step along each axis is."""
    return [int(np.prod(shape[axis + 1 :], dtype=np.int64)) for axis in range(len(shape))]


def check_walk(node: Node, walk: Walk) -> list[str]:
    """Return a problem when the kernel has not enough loops."""
    if len(walk.merged().loops) <= AXES:
        return []
    return [f"{node.label}: walks along {len(walk.merged().loops)} axes, allowed are {AXES}; reshape before"]


def lower_walk(node: Node, graph: Graph, walk: Walk) -> Step:
    """Return the copy of ``activations_of(node)`` to the output."""
    size = input_tensor(node, graph).itemsize
    loops = walk.merged().loops
    padded = ((1, 0),) * (AXES - len(loops)) + tuple((count, stride * size) for count, stride in loops)
    return Step(
        node=node, header="em_strided_copy.h", function="em_strided_copy", struct_type="em_strided_copy_params",
        parameters=(*int32(offset=walk.offset * size, element=size), *stride_fields("axis", padded)),
        inputs=(activations_of(node),), outputs=node.outputs, as_bytes=True,
        overlaps={ends_of(node): traced(prod(count for count, _ in loops), lambda: _overlap(walk.offset, loops, size))},
    )  # fmt: skip


def _overlap(offset: int, loops: Sequence[tuple[int, int]], size: int) -> Overlap:
    reads = np.full(1, offset, np.int64)
    for count, stride in loops:
        reads = (reads[:, None] + np.arange(count) * stride).reshape(-1)
    return forward_overlap(reads, size, size)
