"""TRANSPOSE: any permutation of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import BOOL, INT32, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.moving import WITH_BOOL, moved_kinds, require_moved
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    integers,
    output_tensor,
    require_constants,
)
from edgemnist.compiler.ops.strided_copy import Walk, check_walk, lower_walk, row_major_strides


class Transpose(Operator):
    """Axes in another order."""

    kinds = moved_kinds((*WITH_BOOL, "int16"), {"TRANSPOSE": Schema("TransposeOptions", 2, 2, axes=5)})
    without_tflm = (f"{INT32}TRANSPOSE", f"{BOOL}TRANSPOSE")

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_moved(node, graph, ends_of(node))
        problems += require_constants(node, graph, {1: "permutation"})
        if problems:
            return problems
        source, target = input_tensor(node, graph), output_tensor(node, graph)
        order = permutation_of(node, graph)
        legal = sorted(order) == list(range(len(source.shape)))
        if not legal or tuple(source.shape[axis] for axis in order) != target.shape:
            return [
                f"{node.label}: {list(order)} doesn't permute the axes of {source.name!r} {list(source.shape)} into "
                f"{list(target.shape)}; the file is corrupt, convert it again"
            ]
        return check_walk(node, _walk(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [np.transpose(inputs[0], permutation_of(node, graph))]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_walk(node, graph, _walk(node, graph))


def permutation_of(node: Node, graph: Graph) -> tuple[int, ...]:
    """Return for each axis of the output the axis of the input."""
    return integers(graph, node.inputs[1])


def _walk(node: Node, graph: Graph) -> Walk:
    shape = input_tensor(node, graph).shape
    strides = row_major_strides(shape)
    return Walk(0, tuple((shape[axis], strides[axis]) for axis in permutation_of(node, graph)))
