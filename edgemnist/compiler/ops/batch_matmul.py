"""BATCH_MATMUL: products of matrices, of two activations or of one and a constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.fixedpoint import INT32_MAX, Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.broadcasting import constant_operands, require_two
from edgemnist.compiler.ops.fields import Field, axis_fields, int16, int32, output_field
from edgemnist.compiler.ops.operands import output_of, output_tensor
from edgemnist.compiler.ops.requantisation import check_multiplier, is_fast, kernel_name, shift_field
from edgemnist.compiler.ops.strided_copy import row_major_strides

BATCH_AXES = 3
"""Loops of the kernel around the matrices; TFLM takes tensors of 2 to 5 axes."""

LARGEST_DEPTH = INT32_MAX // 255**2
"""The sum of so many products fits."""


@dataclass(frozen=True)
class Matrix:
    """An operand: its batch axes, sizes and strides along the output's axis and along the one that is summed over."""

    batches: tuple[int, ...]
    size: int
    depth: int
    stride: int
    step: int


class BatchMatMul(Operator):
    """Products of matrices; batches are broadcast."""

    kinds = MappingProxyType({"BATCH_MATMUL": Schema("BatchMatMulOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_two(node, graph) or require_int8(node, graph, [*node.inputs, output_of(node)])
        if problems or any(quantisation_of(graph.tensors[index]).per_channel for index in node.inputs):
            return problems or [f"{node.label}: an operand is quantised per channel; convert per tensor"]
        problems = shape_problems(node, graph)
        if problems:
            return problems
        a, _ = matrices_of(node, graph)
        if a.depth > LARGEST_DEPTH:
            problems.append(f"{node.label}: sums {a.depth} products, allowed are {LARGEST_DEPTH}; use smaller matrices")
        return problems or check_multiplier(node, product_factor(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        operands = [
            values.astype(np.int64) - quantisation_of(graph.tensors[index]).zero_point
            for values, index in zip(inputs, node.inputs, strict=True)
        ]
        a, b = transposed_operands(node, operands)
        scaled = multiply_by_quantised_multiplier(a @ b, product_factor(node, graph))
        zero_point = quantisation_of(output_tensor(node, graph)).zero_point
        return [np.clip(scaled + zero_point, -128, 127).astype(np.int8)]

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return output_tensor(node, graph).elements * matrices_of(node, graph)[0].depth

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        a, _ = matrices_of(node, graph)
        zero_points = [quantisation_of(graph.tensors[index]).zero_point for index in (*node.inputs, output_of(node))]
        multiplier, constant = product_factor(node, graph), graph.is_constant(node.inputs[1])
        fast = is_fast(a.depth * 255 * 255, multiplier, zero_points[2])
        operands = node.inputs[::-1] if constant else node.inputs  # constants come first
        function = "em_batch_matmul_constant" if constant else "em_batch_matmul"
        return Step(
            node=node, header="em_batch_matmul.h", function=kernel_name(function, fast=fast),
            struct_type="em_batch_matmul_params",
            parameters=(
                *matrix_fields(node, graph), *int32(multiplier=multiplier.mantissa),
                *int16(a_zero_point=zero_points[0], b_zero_point=zero_points[1]),
                *shift_field(multiplier, fast=fast), output_field(zero_points[2], (-128, 127)),
            ),
            inputs=graph.activations(operands), outputs=node.outputs, arrays=constant_operands(graph, operands),
            macs=output_tensor(node, graph).elements * a.depth,
        )  # fmt: skip


_OPTIONS = ("adj_x", "adj_y")


def matrices_of(node: Node, graph: Graph) -> tuple[Matrix, Matrix]:
    """Return both operands."""
    first, second = (graph.tensors[index].shape for index in node.inputs)
    a = Matrix(first[:-2], first[-2], first[-1], first[-1], 1)
    b = Matrix(second[:-2], second[-1], second[-2], 1, second[-1])
    if node.integer("adj_x"):
        a = Matrix(a.batches, a.depth, a.size, a.step, a.stride)
    if node.integer("adj_y"):
        b = Matrix(b.batches, b.depth, b.size, b.step, b.stride)
    return a, b


def shape_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem where two operands are no matrices whose product is the output."""
    tensors = [graph.tensors[index] for index in node.inputs]
    if not all(2 <= len(tensor.shape) <= 2 + BATCH_AXES for tensor in tensors):
        return [f"{node.label}: operands of {[len(t.shape) for t in tensors]} axes, allowed are 2 to 5; reshape before"]
    what = f"{list(tensors[0].shape)} times {list(tensors[1].shape)}"
    return require_shape(node, output_tensor(node, graph), _shape(*matrices_of(node, graph)), what)


def matrix_fields(node: Node, graph: Graph) -> tuple[Field, ...]:
    """Return the loops around the matrices, their sizes, and how far apart their elements are."""
    a, b = matrices_of(node, graph)
    return (
        *axis_fields("batch", "em_pair_axis", _batches(node, graph, a, b)),
        *int32(
            rows=a.size, columns=b.size, depth=a.depth, a_outer_step=a.stride, a_inner_step=a.step,
            b_outer_step=b.stride, b_inner_step=b.step,
        ),
    )  # fmt: skip


def transposed_operands(node: Node, operands: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return both operands with their last two axes changed where the options ask for that."""
    a, b = (
        np.swapaxes(values, -1, -2) if node.integer(option) else values
        for values, option in zip(operands, _OPTIONS, strict=True)
    )
    return a, b


def _shape(a: Matrix, b: Matrix) -> tuple[int, ...] | None:
    """Return the output's shape, None where there is none."""
    if a.depth != b.depth:
        return None
    try:
        return (*np.broadcast_shapes(a.batches, b.batches), a.size, b.size)
    except ValueError:
        return None


def _batches(node: Node, graph: Graph, a: Matrix, b: Matrix) -> list[dict[str, int]]:
    """Return the loops around the matrices: how often, and how many elements each operand steps on."""
    counts = output_tensor(node, graph).shape[:-2]
    steps = []
    for matrix in (a, b):
        sizes = (1,) * (len(counts) - len(matrix.batches)) + matrix.batches
        strides = row_major_strides((*sizes, matrix.size, matrix.depth))[:-2]
        steps.append([0 if size == 1 else stride for size, stride in zip(sizes, strides, strict=True)])
    loops = [{"count": count, "a": x, "b": y} for count, x, y in zip(counts, *steps, strict=True)]
    return [{"count": 1, "a": 0, "b": 0}] * (BATCH_AXES - len(loops)) + loops


def product_factor(node: Node, graph: Graph) -> Multiplier:
    """Return the factor from a sum of products to the output."""
    # The operands' scales are multiplied in float32 (TFLite ``GetQuantizedConvolutionMultipler`` without a bias).
    a, b, output = (quantisation_of(graph.tensors[index]).scale for index in (*node.inputs, output_of(node)))
    return quantise_multiplier(float(np.float32(a) * np.float32(b)) / output)
