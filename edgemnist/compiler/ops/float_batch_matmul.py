"""BATCH_MATMUL on float32, each product summed in the order of TFLite's reference."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.batch_matmul import matrices_of, matrix_fields, shape_problems, transposed_operands
from edgemnist.compiler.ops.broadcasting import constant_operands, constants_first, require_two
from edgemnist.compiler.ops.fields import int32
from edgemnist.compiler.ops.floats import check_constant, in_order, require_float
from edgemnist.compiler.ops.operands import output_of, output_tensor


class FloatBatchMatMul(Operator):
    """Products of matrices; batches are broadcast."""

    kinds = MappingProxyType({f"{FLOAT}BATCH_MATMUL": Schema("BatchMatMulOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_two(node, graph) or require_float(node, graph, [*node.inputs, output_of(node)])
        constants = [] if problems else [index for index in node.inputs if graph.is_constant(index)]
        problems += [problem for index in constants for problem in check_constant(node, graph, index)]
        return problems or shape_problems(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        a, b = transposed_operands(node, [np.asarray(one, np.float32) for one in inputs])
        return [in_order(np.stack([a[..., :, i, None] * b[..., i, None, :] for i in range(a.shape[-1])]))]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return output_tensor(node, graph).elements * matrices_of(node, graph)[0].depth

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        order = constants_first(node, graph)
        operands = [node.inputs[position] for position in order]
        return Step(
            node=node, header="em_float_batch_matmul.h", function="em_float_batch_matmul",
            struct_type="em_float_batch_matmul_params",
            parameters=(*matrix_fields(node, graph), *int32(turned=order[0])),
            inputs=graph.activations(operands), outputs=node.outputs, arrays=constant_operands(graph, operands),
            macs=output_tensor(node, graph).elements * matrices_of(node, graph)[0].depth,
        )  # fmt: skip
