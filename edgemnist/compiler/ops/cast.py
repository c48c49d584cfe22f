"""CAST among float32, int32, int8 and bool: the same number as another type."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import TYPED, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step
from edgemnist.compiler.ops.fields import int32
from edgemnist.compiler.ops.moving import WITH_BOOL
from edgemnist.compiler.ops.operands import ends_of, input_tensor, output_tensor, require_same_shape


class Cast(Operator):
    """The same number as another type; what an integer does not hold becomes its nearest, no number becomes 0."""

    kinds = MappingProxyType({f"{TYPED.get(dtype, '')}CAST": Schema("CastOptions") for dtype in WITH_BOOL})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        wrong = [
            tensor for tensor in (input_tensor(node, graph), output_tensor(node, graph)) if not _known(tensor.dtype)
        ]
        return require_same_shape(node, graph) + [
            f"{node.label}: tensor {tensor.name!r} is {tensor.dtype}, allowed are {', '.join(WITH_BOOL)}; "
            "convert the model again"
            for tensor in wrong
        ]

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        dtype = output_tensor(node, graph).dtype
        if inputs[0].dtype == np.float32 and dtype in ("int8", "int32"):
            limits = np.iinfo(dtype)
            whole = np.clip(np.nan_to_num(inputs[0].astype(np.float64), nan=0.0), limits.min, limits.max)
            return [np.trunc(whole).astype(dtype)]
        return [inputs[0].astype(dtype)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        source, target = input_tensor(node, graph), output_tensor(node, graph)
        # Elements are done in order: none may be overwritten before it is read.
        overlap = Overlap(at_most=0) if source.itemsize >= target.itemsize else Overlap()
        return Step(
            node=node, header="em_cast.h", function=f"em_cast_{source.dtype}_to_{target.dtype}",
            struct_type="em_cast_params", parameters=int32(count=source.elements),
            inputs=node.inputs, outputs=node.outputs, overlaps={ends_of(node): overlap},
        )  # fmt: skip


def _known(dtype: str) -> bool:
    return dtype in WITH_BOOL
