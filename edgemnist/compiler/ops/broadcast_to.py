"""BROADCAST_TO: a tensor repeated along the axes where it has size 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.gathering import Picks, check_picks, lower_picks, picks_of
from edgemnist.compiler.ops.moving import WITH_BOOL, moved_kinds, require_moved
from edgemnist.compiler.ops.operands import ends_of, input_tensor, integers, output_tensor, require_constants


class BroadcastTo(Operator):
    """A tensor repeated along the axes where it has size 1."""

    kinds = moved_kinds(WITH_BOOL, {"BROADCAST_TO": Schema("BroadcastToOptions", 2, 2, axes=5)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_moved(node, graph, ends_of(node)) + require_constants(node, graph, {1: "shape"})
        if problems:
            return problems
        source, asked = input_tensor(node, graph), integers(graph, node.inputs[1])
        problems = require_shape(node, output_tensor(node, graph), asked, "the shape that is asked for")
        if problems:
            return problems
        sizes = _padded(node, graph)
        if len(sizes) != len(asked) or any(size not in (1, wanted) for size, wanted in zip(sizes, asked, strict=True)):
            return [f"{node.label}: {source.name!r} {list(source.shape)} can't be broadcast to {list(asked)}"]
        return check_picks(node, _picks(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [np.broadcast_to(inputs[0], output_tensor(node, graph).shape).copy()]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_picks(node, graph, _picks(node, graph))


def _padded(node: Node, graph: Graph) -> tuple[int, ...]:
    """Return the input's shape with as many axes as the output's."""
    shape, target = input_tensor(node, graph).shape, output_tensor(node, graph).shape
    return (1,) * (len(target) - len(shape)) + shape


def _picks(node: Node, graph: Graph) -> Picks:
    shape, target = _padded(node, graph), output_tensor(node, graph).shape
    return picks_of(
        shape, [[0] * wanted if size == 1 else range(size) for size, wanted in zip(shape, target, strict=True)]
    )
