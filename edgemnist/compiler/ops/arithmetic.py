"""ADD, SUB and MUL of two activations, or of one and a constant, with broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import IntArray, Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import Graph, Node, held_in
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Step,
    activation_range,
    check_activation,
    in_int16_too,
    quantisation_of,
)
from edgemnist.compiler.ops.broadcasting import (
    check_pair,
    constant_operands,
    lower_pair_to_table,
    pair_fields,
    pair_overlaps,
)
from edgemnist.compiler.ops.fields import int16, int32, output_field
from edgemnist.compiler.ops.int16_pairs import Int16Pair, lower_int16_pair
from edgemnist.compiler.ops.operands import output_of, output_tensor
from edgemnist.compiler.ops.requantisation import check_multiplier, is_fast, kernel_name, shift_field

LEFT_SHIFT, INT16_LEFT_SHIFT = 20, 15
"""ADD and SUB shift both operands up by so many bits before they scale them (TFLM ``CalculateOpDataAdd``)."""

SQUARED_LEFT_SHIFT = 7
"""The same for SQUARED_DIFFERENCE; of int16 it is 0."""

LARGEST_SUM = 2 * 255 << (LEFT_SHIFT - 1)
LARGEST_SQUARE = (2 * 255 << (SQUARED_LEFT_SHIFT - 1)) ** 2
LARGEST_PRODUCT = 255 * 255


@dataclass(frozen=True)
class SumScaling:
    """Factors of ADD and SUB: of the first and second operand after the left shift, and of their sum.

    For SQUARED_DIFFERENCE the last one is that of the square.
    """

    operands: tuple[Multiplier, Multiplier]
    sum: Multiplier
    left_shift: int = LEFT_SHIFT


@dataclass(frozen=True)
class OperandScaling:
    """How ``em_add`` scales its operands, see ``em_arithmetic_params``; ``em_mul`` does not."""

    a_factor: int = 0
    b_factor: int = 0
    b_multiplier: int = 0
    b_shift: int = 0
    b_sign: int = 0


class Arithmetic(Operator):
    """Element by element; what has size 1 along an axis serves for all elements of the other."""

    kinds = MappingProxyType(
        in_int16_too({name.upper(): Schema(f"{name}Options", 2, 2, needed=True) for name in ("Add", "Sub", "Mul")})
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = check_pair(node, graph) + check_activation(node)
        return problems or _scale_problems(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [
            compute_pair(node, graph, inputs[0].astype(np.int64), inputs[1].astype(np.int64)).astype(inputs[0].dtype)
        ]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        if held_in(node.kind) == "int16":
            return _lower_int16(node, graph)
        table = lower_pair_to_table(node, graph, lambda first, second: compute_pair(node, graph, first, second))
        if table is not None:
            return table
        return _lower_product(node, graph) if node.kind == "MUL" else lower_sum(node, graph)


def _lower_int16(node: Node, graph: Graph) -> Step:
    if node.operator == "MUL":
        return lower_int16_pair(node, graph, "em_int16_mul", Int16Pair(product_multiplier(node, graph)))
    scaling, signs = sum_scaling(node, graph), (1, -1 if node.operator == "SUB" else 1)
    return lower_int16_pair(node, graph, "em_int16_add", Int16Pair(scaling.sum, scaling.operands, signs))


def _scale_problems(node: Node, graph: Graph) -> list[str]:
    if node.operator == "MUL":
        return check_multiplier(node, product_multiplier(node, graph))
    if sum_scaling(node, graph).sum.exponent <= 0:
        return []
    return [
        f"{node.label}: the output's scale is less than the operands' / 2^{_left_shift(node) - 1}; "
        "convert the model again with representative data"
    ]


def sum_scaling(node: Node, graph: Graph) -> SumScaling:
    """Return the factors of ADD and SUB (TFLM ``CalculateOpDataAdd``) or SQUARED_DIFFERENCE (``PrepareQuantized``)."""
    first, second, output = (quantisation_of(graph.tensors[index]).scale for index in (*node.inputs, output_of(node)))
    twice = 2 * max(first, second)
    operands = quantise_multiplier(first / twice), quantise_multiplier(second / twice)
    if node.operator == "SQUARED_DIFFERENCE":
        left_shift = 0 if held_in(node.kind) == "int16" else SQUARED_LEFT_SHIFT
        square = quantise_multiplier(twice * twice / ((1 << 2 * left_shift) * output))
        return SumScaling(operands, square, left_shift)
    left_shift = _left_shift(node)
    return SumScaling(operands, quantise_multiplier(twice / ((1 << left_shift) * output)), left_shift)


def _left_shift(node: Node) -> int:
    return INT16_LEFT_SHIFT if held_in(node.kind) == "int16" else LEFT_SHIFT


def product_multiplier(node: Node, graph: Graph) -> Multiplier:
    """Return the factor of MUL: product of the operands' scales over the output's; of uint8 in float32, like TFLite."""
    first, second, output = (quantisation_of(graph.tensors[index]).scale for index in (*node.inputs, output_of(node)))
    if output_of(node) in graph.shifted:
        return quantise_multiplier(float(np.float32(first) * np.float32(second) / np.float32(output)))
    return quantise_multiplier(first * second / output)


def compute_pair(node: Node, graph: Graph, first: IntArray, second: IntArray) -> IntArray:
    """Return the result of ADD, SUB, MUL or SQUARED_DIFFERENCE for raw operands, int64."""
    zero_points = [quantisation_of(graph.tensors[index]).zero_point for index in node.inputs]
    centred = (first - zero_points[0], second - zero_points[1])
    kind = node.operator
    if kind == "MUL":
        scaled = multiply_by_quantised_multiplier(centred[0] * centred[1], product_multiplier(node, graph))
    else:
        scaling = sum_scaling(node, graph)
        a, b = (
            multiply_by_quantised_multiplier(value << scaling.left_shift, factor)
            for value, factor in zip(centred, scaling.operands, strict=True)
        )
        total = a + b if kind == "ADD" else a - b
        scaled = multiply_by_quantised_multiplier(total * total if kind == "SQUARED_DIFFERENCE" else total, scaling.sum)
    output = output_tensor(node, graph)
    low, high = activation_range(node.integer("fused_activation_function"), output)
    return np.clip(scaled + quantisation_of(output).zero_point, low, high)


def lower_sum(node: Node, graph: Graph) -> Step:
    """All but MUL: the kernel's ``a`` is the operand with the larger scale, whose factor is exactly one half."""
    scaling = sum_scaling(node, graph)
    half = Multiplier(1 << 30, 0)
    exact = 0 if scaling.operands[0] == half else 1
    rounded = 1 - exact
    signs = (1, 1 if node.kind == "ADD" else -1)
    factor, left_shift = scaling.operands[rounded], scaling.left_shift
    if factor == half:  # em_requantise shifts right by one at least
        left_shift += 1
    shift = max(-factor.exponent, 1)
    mantissa = factor.mantissa
    if shift > 30:  # what is below 2**30 rounds to nothing
        mantissa, shift = 0, 1
    operand = OperandScaling(signs[exact] << (scaling.left_shift - 1), 1 << left_shift, mantissa, shift, signs[rounded])
    body, largest = (
        ("em_squared_difference", LARGEST_SQUARE) if node.kind == "SQUARED_DIFFERENCE" else ("em_add", LARGEST_SUM)
    )
    function = f"{body}_constant" if graph.is_constant(node.inputs[rounded]) else body
    return _step(node, graph, function, (exact, rounded), scaling.sum, largest, operand)


def sum_is_fast(node: Node, graph: Graph) -> bool:
    """Return whether the usual requantisation is exact for every sum of an ADD or SUB."""
    zero_point = quantisation_of(output_tensor(node, graph)).zero_point
    return is_fast(LARGEST_SUM, sum_scaling(node, graph).sum, zero_point)


def _lower_product(node: Node, graph: Graph) -> Step:
    order = (1, 0) if graph.is_constant(node.inputs[1]) else (0, 1)
    return _step(node, graph, "em_mul", order, product_multiplier(node, graph), LARGEST_PRODUCT, OperandScaling())


def _step(
    node: Node, graph: Graph, function: str, order: tuple[int, int], multiplier: Multiplier, bound: int,
    operand: OperandScaling,
) -> Step:  # fmt: skip
    """Return the kernel call with ``node.inputs`` in ``order`` as the kernel's a and b; ``bound`` limits |combined|."""
    operands = tuple(node.inputs[position] for position in order)
    output = output_tensor(node, graph)
    zero_points = [quantisation_of(graph.tensors[index]).zero_point for index in (*operands, output_of(node))]
    fast = is_fast(bound, multiplier, zero_points[2])
    parameters = (
        *pair_fields(node, graph, order),
        *int32(a_factor=operand.a_factor, b_factor=operand.b_factor, b_multiplier=operand.b_multiplier),
        *int32(multiplier=multiplier.mantissa),
        *int16(
            a_zero_point=zero_points[0], b_zero_point=zero_points[1], b_shift=operand.b_shift, b_sign=operand.b_sign
        ),
        *shift_field(multiplier, fast=fast),
        output_field(zero_points[2], activation_range(node.integer("fused_activation_function"), output)),
    )
    return Step(
        node=node, header="em_arithmetic.h", function=kernel_name(function, fast=fast),
        struct_type="em_arithmetic_params", parameters=parameters,
        inputs=graph.activations(operands), outputs=node.outputs,
        arrays=constant_operands(graph, operands), overlaps=pair_overlaps(node, graph),
    )  # fmt: skip
