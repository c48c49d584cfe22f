"""GATHER: slices along one axis, by constant positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import MOST_AXES, Schema, require_shape
from edgemnist.compiler.graph import BOOL, INT32, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.gathering import Picks, check_picks, lower_picks, picks_of
from edgemnist.compiler.ops.moving import WITH_BOOL, moved_kinds, require_moved
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    integers,
    output_tensor,
    require_constants,
)


class Gather(Operator):
    """Slices along one axis, each any number of times."""

    kinds = moved_kinds(WITH_BOOL, {"GATHER": Schema("GatherOptions", 2, 2, needed=True)})
    without_tflm = (f"{INT32}GATHER", f"{BOOL}GATHER")

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_moved(node, graph, ends_of(node)) + require_constants(
            node, graph, {1: "positions"}, ("int32",), axes=MOST_AXES
        )
        if node.integer("batch_dims"):
            problems.append(f"{node.label}: batch_dims is {node.integer('batch_dims')}, needed is 0; gather in steps")
        if problems:
            return problems
        shape, axis = input_tensor(node, graph).shape, node.integer("axis")
        if not -len(shape) <= axis < len(shape):
            return [f"{node.label}: axis {axis} of {len(shape)} axes; the file is corrupt, convert it again"]
        size = shape[axis]
        outside = [position for position in integers(graph, node.inputs[1]) if not 0 <= position < size]
        if outside:
            return [f"{node.label}: position {outside[0]} along an axis of {size}; the file is corrupt"]
        what = f"{input_tensor(node, graph).name!r} gathered along axis {axis}"
        problems = require_shape(node, output_tensor(node, graph), _shape(node, graph), what)
        return problems or check_picks(node, _picks(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [np.take(inputs[0], inputs[1], axis=node.integer("axis"))]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_picks(node, graph, _picks(node, graph))


def _shape(node: Node, graph: Graph) -> tuple[int, ...]:
    shape, positions = input_tensor(node, graph).shape, graph.tensors[node.inputs[1]].shape
    axis = node.integer("axis") % len(shape)
    return (*shape[:axis], *positions, *shape[axis + 1 :])


def _picks(node: Node, graph: Graph) -> Picks:
    shape = input_tensor(node, graph).shape
    positions: list[Sequence[int]] = [range(size) for size in shape]
    positions[node.integer("axis")] = integers(graph, node.inputs[1])
    return picks_of(shape, positions)
