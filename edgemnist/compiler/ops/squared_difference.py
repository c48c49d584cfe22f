"""SQUARED_DIFFERENCE of two activations, or of one and a constant, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import Graph, Node, held_in
from edgemnist.compiler.ops.arithmetic import compute_pair, lower_sum, sum_scaling
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, in_int16_too
from edgemnist.compiler.ops.broadcasting import check_pair, lower_pair_to_table
from edgemnist.compiler.ops.int16_pairs import Int16Pair, lower_int16_pair
from edgemnist.compiler.ops.requantisation import check_multiplier


class SquaredDifference(Operator):
    """The square of a difference; what has size 1 along an axis serves for all elements of the other."""

    kinds = MappingProxyType(in_int16_too({"SQUARED_DIFFERENCE": Schema("SquaredDifferenceOptions", 2, 2)}))

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return check_pair(node, graph) or check_multiplier(node, sum_scaling(node, graph).sum)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [
            compute_pair(node, graph, inputs[0].astype(np.int64), inputs[1].astype(np.int64)).astype(inputs[0].dtype)
        ]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        if held_in(node.kind) == "int16":
            scaling = sum_scaling(node, graph)
            return lower_int16_pair(
                node, graph, "em_int16_squared_difference", Int16Pair(scaling.sum, scaling.operands)
            )
        table = lower_pair_to_table(node, graph, lambda first, second: compute_pair(node, graph, first, second))
        return table or lower_sum(node, graph)
