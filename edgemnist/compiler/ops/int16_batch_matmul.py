"""BATCH_MATMUL on int16: sums of 64 bits, multiplied by 15 bits of the factor as those of layers are."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import INT32_MAX, multiply_short, shortened
from edgemnist.compiler.graph import INT16, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, quantisation_of, require_own_type
from edgemnist.compiler.ops.batch_matmul import (
    matrices_of,
    matrix_fields,
    product_factor,
    shape_problems,
    transposed_operands,
)
from edgemnist.compiler.ops.broadcasting import constant_operands, require_two
from edgemnist.compiler.ops.fields import int16
from edgemnist.compiler.ops.int16_sums import (
    LARGEST_ACTIVATION,
    LARGEST_EXPONENT,
    LARGEST_SUM,
    SMALLEST_EXPONENT,
)
from edgemnist.compiler.ops.operands import output_of, output_tensor
from edgemnist.tflite.kinds import limits_of


class Int16BatchMatMul(Operator):
    """Products of matrices; batches are broadcast."""

    kinds = MappingProxyType({f"{INT16}BATCH_MATMUL": Schema("BatchMatMulOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_two(node, graph) or require_own_type(node, graph, [*node.inputs, output_of(node)])
        if problems or any(quantisation_of(graph.tensors[index]).per_channel for index in node.inputs):
            return problems or [f"{node.label}: an operand is quantised per channel; convert per tensor"]
        return shape_problems(node, graph) or _sum_problems(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        a, b = transposed_operands(node, [values.astype(np.int64) for values in inputs])
        scaled = multiply_short(a @ b, shortened(product_factor(node, graph)))
        return [np.clip(scaled, *limits_of("int16")).astype(np.int16)]

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return output_tensor(node, graph).elements * matrices_of(node, graph)[0].depth

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        constant, factor = graph.is_constant(node.inputs[1]), shortened(product_factor(node, graph))
        operands = node.inputs[::-1] if constant else node.inputs  # constants come first
        return Step(
            node=node, header="em_int16_batch_matmul.h",
            function="em_int16_batch_matmul_constant" if constant else "em_int16_batch_matmul",
            struct_type="em_int16_batch_matmul_params",
            parameters=(*matrix_fields(node, graph), *int16(factor=factor.mantissa, shift=factor.shift)),
            inputs=graph.activations(operands), outputs=node.outputs, arrays=constant_operands(graph, operands),
            macs=self.products(node, graph),
        )  # fmt: skip


def _sum_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem when a sum leaves what the oracle multiplies, or the factor or a result does."""
    largest = matrices_of(node, graph)[0].depth * LARGEST_ACTIVATION**2
    if largest > LARGEST_SUM:
        return [f"{node.label}: sums reach {largest}, allowed are {LARGEST_SUM}; use smaller matrices"]
    factor = product_factor(node, graph)
    if SMALLEST_EXPONENT <= factor.exponent <= LARGEST_EXPONENT:
        short = shortened(factor)
        if largest * short.mantissa >> short.shift < INT32_MAX:
            return []
    return [
        f"{node.label}: the scales of operands and output don't fit, its results leave 32 bits; convert the model "
        "again with representative data"
    ]
