"""REDUCE_MAX and REDUCE_MIN over any axes."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.fields import stride_fields
from edgemnist.compiler.ops.operands import activations_of, ends_of, output_tensor, require_same_quantisation
from edgemnist.compiler.ops.reduction import axes_of, check_reduction, checked_loops


class ReduceMax(Operator):
    """The largest or the smallest element."""

    kinds = MappingProxyType(dict.fromkeys(("REDUCE_MAX", "REDUCE_MIN"), Schema("ReducerOptions", 2, 2, needed=True)))

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return check_reduction(node, graph) or require_same_quantisation(node, graph, ends_of(node))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        axes = axes_of(node, graph)
        values = inputs[0].max(axis=axes) if node.kind == "REDUCE_MAX" else inputs[0].min(axis=axes)
        return [values.reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        loops = checked_loops(node, graph)
        return Step(
            node=node, header="em_reduce.h", function=f"em_{node.kind.lower()}", struct_type="em_reduce_params",
            parameters=(*stride_fields("kept", loops.kept), *stride_fields("reduced", loops.reduced)),
            inputs=(activations_of(node),), outputs=node.outputs,
            overlaps={ends_of(node): loops.overlap()},
        )  # fmt: skip
