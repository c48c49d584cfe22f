"""CONCATENATION of uint8, whose parts may be in other scales than the whole: ``without_uint8`` sees to that."""

from __future__ import annotations

from types import MappingProxyType

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import UINT8, Graph, Node
from edgemnist.compiler.ops.parts import Concatenation

JOINED = f"{UINT8}CONCATENATION"


class UInt8Concatenation(Concatenation):
    """Tensors end to end along one axis, each in the whole's scale."""

    kinds = MappingProxyType({JOINED: Schema("ConcatenationOptions", 1, None, needed=True)})

    def quantisation_problems(self, node: Node, graph: Graph) -> list[str]:
        """Return none: ``without_uint8`` rescales what differs."""
        return []
