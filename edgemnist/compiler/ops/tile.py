"""TILE: a tensor repeated along its axes."""

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
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    integers,
    output_tensor,
    require_constants,
)
from edgemnist.support.limits import LARGEST_TENSOR


class Tile(Operator):
    """A tensor repeated along its axes."""

    kinds = moved_kinds(WITH_BOOL, {"TILE": Schema("TileOptions", 2, 2)})
    without_tflm = tuple(kinds)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_moved(node, graph, ends_of(node)) + require_constants(node, graph, {1: "repetitions"})
        if problems:
            return problems
        source, times = input_tensor(node, graph), integers(graph, node.inputs[1])
        if len(times) != len(source.shape) or not all(1 <= one <= LARGEST_TENSOR for one in times):
            return [
                f"{node.label}: repeats {source.name!r} {list(source.shape)} {list(times)} times, needed is a number "
                "of at least 1 for each axis; the file is corrupt, convert it again"
            ]
        shape = [size * count for size, count in zip(source.shape, times, strict=True)]
        problems = require_shape(
            node, output_tensor(node, graph), shape, f"{source.name!r} repeated {list(times)} times"
        )
        return problems or check_picks(node, _picks(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [np.tile(inputs[0], integers(graph, node.inputs[1]))]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_picks(node, graph, _picks(node, graph))


def _picks(node: Node, graph: Graph) -> Picks:
    shape, times = input_tensor(node, graph).shape, integers(graph, node.inputs[1])
    positions = [list(range(size)) * count for size, count in zip(shape, times, strict=True)]
    return picks_of(shape, positions)
