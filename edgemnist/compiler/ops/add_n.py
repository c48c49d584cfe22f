"""ADD_N of float32: a sum of any number of tensors, which a pass makes of sums of two.

Of int8 TFLM's kernel begins with a value of 0 that it takes the zero point from, too, as if it were one more operand
(``reference_ops::AddN``): what no other interpreter computes, and no converter writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.floats import require_float
from edgemnist.compiler.ops.operands import output_tensor

ADD_N = "ADD_N"
MOST_SUMMED = 32
"""Tensors: each is an operator of its own in the C."""


class AddN(Operator):
    """Sums of tensors of one shape."""

    kinds = MappingProxyType({f"{FLOAT}{ADD_N}": Schema("AddNOptions", 2, None)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if -1 in node.inputs:
            return [f"{node.label}: lacks an operand; the file is corrupt, convert it again"]
        summed = (graph.tensors[index] for index in node.inputs)
        problems = [
            problem
            for one in summed
            for problem in require_shape(node, output_tensor(node, graph), one.shape, f"a sum with {one.name!r}")
        ]
        if len(node.inputs) > MOST_SUMMED:
            problems.append(f"{node.label}: adds {len(node.inputs)} tensors, allowed are {MOST_SUMMED}; do it in steps")
        return problems or require_float(node, graph, [*node.inputs, *node.outputs])

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        total = np.zeros_like(inputs[0])
        for each in inputs:
            total = total + each
        return [total]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """Never called: ``split_up`` makes sums of two of the node."""
        raise NotImplementedError(f"{node.label} has no kernel")
