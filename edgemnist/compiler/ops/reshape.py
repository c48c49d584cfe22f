"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape, so no kernel at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.operands import input_tensor, output_tensor

ALIAS_KINDS = ("RESHAPE", "SQUEEZE", "EXPAND_DIMS")


class Alias(Operator):
    """Operators whose output shares its input's memory; ``passes.share_storage`` removes them."""

    kinds = ALIAS_KINDS

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        source, target = input_tensor(node, graph), output_tensor(node, graph)
        if source.elements == target.elements and source.dtype == target.dtype:
            return []
        return [
            f"{node.label}: {source.name!r} {list(source.shape)} {source.dtype} can't become "
            f"{list(target.shape)} {target.dtype}; the file is corrupt, convert it again"
        ]

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [inputs[0].reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """Never called: the node is gone before lowering."""
        raise NotImplementedError(f"{node.label} has no kernel")
