"""MAXIMUM and MINIMUM of two activations, or of one and a constant, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import Graph, Node, held_in
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, in_int16_too
from edgemnist.compiler.ops.broadcasting import (
    check_pair,
    constant_operands,
    constants_first,
    lower_pair_to_table,
    pair_fields,
    pair_overlaps,
)
from edgemnist.compiler.ops.fields import int16, int32, output_field
from edgemnist.compiler.ops.int16_pairs import Int16Pair, lower_int16_pair
from edgemnist.compiler.ops.operands import output_of, require_same_quantisation

_KINDS = ("MAXIMUM", "MINIMUM")


class Maximum(Operator):
    """The larger or the smaller of two elements; what has size 1 along an axis serves for all elements of the other."""

    kinds = MappingProxyType(in_int16_too(dict.fromkeys(_KINDS, Schema("MaximumMinimumOptions", 2, 2))))

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        # TFLM compares the bytes (``MaximumMinimumBroadcastSlow``), so that they have to mean the same.
        return check_pair(node, graph) or require_same_quantisation(node, graph, [*node.inputs, output_of(node)])

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [_chosen(node, *inputs)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        if held_in(node.kind) == "int16":
            return lower_int16_pair(node, graph, f"em_{node.kind.lower()}", Int16Pair())
        table = lower_pair_to_table(node, graph, lambda first, second: _chosen(node, first, second))
        if table is not None:
            return table
        order = constants_first(node, graph)
        operands = tuple(node.inputs[position] for position in order)
        return Step(
            node=node, header="em_pairwise.h", function=f"em_{node.kind.lower()}",
            struct_type="em_pairwise_params",
            parameters=(
                *pair_fields(node, graph, order), *int32(multiplier=0, slope_multiplier=0),
                *int16(a_zero_point=0, b_zero_point=0, shift=0, slope_shift=0),
                output_field(0, (-128, 127)),
            ),
            inputs=graph.activations(operands), outputs=node.outputs,
            arrays=constant_operands(graph, operands), overlaps=pair_overlaps(node, graph),
        )  # fmt: skip


def _chosen(node: Node, first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    return np.maximum(first, second) if node.operator == "MAXIMUM" else np.minimum(first, second)
