"""What operators over some of the axes share: MEAN, SUM, REDUCE_MAX and REDUCE_MIN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from edgemnist.compiler.claims import require_shape
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Overlap, require_own_type
from edgemnist.compiler.ops.operands import ends_of, input_tensor, integers, output_tensor, require_constants
from edgemnist.compiler.ops.overlaps import forward_overlap, traced
from edgemnist.compiler.ops.strided_copy import row_major_strides

Require = Callable[[Node, Graph, Sequence[int]], list[str]]
"""Returns a problem for each tensor that is not of a type."""


@dataclass(frozen=True)
class Loops:
    """Two loops over outputs around two loops over what goes into each: (count, stride in elements)."""

    kept: tuple[tuple[int, int], tuple[int, int]]
    reduced: tuple[tuple[int, int], tuple[int, int]]

    def overlap(self, size: int = 1) -> Overlap:
        """Return how the output may lie over the input, for a kernel that does the outputs in order.

        ``size``: bytes of an element of either.
        """
        (rows, row_stride), (columns, column_stride) = self.kept
        return traced(
            rows * columns,
            lambda: forward_overlap(
                np.arange(rows)[:, None] * row_stride + np.arange(columns)[None, :] * column_stride, size, size
            ),
        )


def check_reduction(node: Node, graph: Graph, require: Require = require_own_type) -> list[str]:
    """Return problems with the types, the axes, the shape, and with axes that the kernels can't walk."""
    problems = require(node, graph, ends_of(node))
    problems += require_constants(node, graph, {1: "axes"})
    if problems:
        return problems
    source = input_tensor(node, graph)
    rank = len(source.shape)
    wrong = [axis for axis in integers(graph, _axes_operand(node)) if not -rank <= axis < rank]
    if wrong:
        return [f"{node.label}: axis {wrong[0]} of {source.name!r} with {rank} axes; the file is corrupt"]
    what = f"the {_NAMES[node.operator]} of {source.name!r}"
    problems = require_shape(node, output_tensor(node, graph), _shape(node, graph), what)
    if problems or loops_of(node, graph) is not None:
        return problems
    return [
        f"{node.label}: the axes {list(axes_of(node, graph))} of {source.name!r} {list(source.shape)} lie too "
        "scattered; take neighbouring axes, or several steps"
    ]


_NAMES = {"MEAN": "mean", "SUM": "sum", "REDUCE_MAX": "maximum", "REDUCE_MIN": "minimum"}


def _axes_operand(node: Node) -> int:
    return node.inputs[1]


def axes_of(node: Node, graph: Graph) -> tuple[int, ...]:
    """Return the reduced axes, ascending, none twice or negative."""
    rank = len(input_tensor(node, graph).shape)
    return tuple(sorted({axis % rank for axis in integers(graph, _axes_operand(node))}))


def _shape(node: Node, graph: Graph) -> tuple[int, ...]:
    reduced, keep = axes_of(node, graph), bool(node.integer("keep_dims"))
    sizes = enumerate(input_tensor(node, graph).shape)
    return tuple(1 if axis in reduced else size for axis, size in sizes if keep or axis not in reduced)


def loops_of(node: Node, graph: Graph) -> Loops | None:
    """Return the loops, neighbouring axes of one kind merged; None when they are more than two of a kind."""
    shape, axes = input_tensor(node, graph).shape, axes_of(node, graph)
    strides = row_major_strides(shape)
    found: dict[bool, list[tuple[int, int]]] = {False: [(1, 0), (1, 0)], True: [(1, 0), (1, 0)]}
    relevant = [axis for axis in range(len(shape)) if shape[axis] > 1]
    for reduced, group in groupby(relevant, key=lambda axis: axis in axes):
        members = list(group)
        found[reduced].append((int(np.prod([shape[axis] for axis in members])), strides[members[-1]]))
    if any(len(loops) > 4 for loops in found.values()):
        return None
    kept, reduced_loops = ((loops[-2], loops[-1]) for loops in (found[False], found[True]))
    return Loops(kept, reduced_loops)


def checked_loops(node: Node, graph: Graph) -> Loops:
    """Return the loops of a node that was checked."""
    loops = loops_of(node, graph)
    if loops is None:
        raise ValueError(f"{node.label}: not checked")
    return loops
