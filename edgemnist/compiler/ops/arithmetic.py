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
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Overlap,
    Step,
    activation_range,
    check_activation,
    quantisation_of,
    require_int8,
)
from edgemnist.compiler.ops.fields import CArray, axis_fields, int16, int32, output_field
from edgemnist.compiler.ops.operands import output_of, output_tensor
from edgemnist.compiler.ops.overlaps import forward_overlap, traced
from edgemnist.compiler.ops.requantisation import check_multiplier, is_fast, kernel_name, shift_field
from edgemnist.compiler.ops.strided_copy import row_major_strides
from edgemnist.compiler.ops.tables import lower_to_table
from edgemnist.tflite.file import TensorInfo

LEFT_SHIFT = 20
"""ADD and SUB shift both operands up by so many bits before they scale them."""

LARGEST_SUM = 2 * 255 << (LEFT_SHIFT - 1)
LARGEST_PRODUCT = 255 * 255

AXES = 4
"""Loops of the kernel."""


@dataclass(frozen=True)
class SumScaling:
    """Factors of ADD and SUB: of the first and second operand after the left shift, and of their sum."""

    operands: tuple[Multiplier, Multiplier]
    sum: Multiplier


@dataclass(frozen=True)
class OperandScaling:
    """How ``em_add`` scales its operands, see ``em_arithmetic_params``; ``em_mul`` does not."""

    a_factor: int = 0
    b_factor: int = 0
    b_multiplier: int = 0
    b_shift: int = 0
    b_sign: int = 0


@dataclass(frozen=True)
class PairAxis:
    """A loop over both operands: how often, and how many elements each steps on."""

    count: int
    steps: tuple[int, int]


class Arithmetic(Operator):
    """Element by element; what has size 1 along an axis serves for all elements of the other."""

    kinds = MappingProxyType(
        {name.upper(): Schema(f"{name}Options", 2, 2, needed=True) for name in ("Add", "Sub", "Mul")}
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if len(node.inputs) != 2 or -1 in node.inputs:
            return [f"{node.label}: needs two operands; the file is corrupt, convert it again"]
        problems = require_int8(node, graph, [*node.inputs, output_of(node)]) + check_activation(node)
        if problems:
            return problems
        if not graph.activations(node.inputs):
            problems.append(f"{node.label}: both operands are constants; fold them into one before converting")
        problems += [
            f"{node.label}: constant {graph.tensors[index].name!r} is quantised per channel; convert per tensor"
            for index in node.inputs
            if quantisation_of(graph.tensors[index]).per_channel
        ]
        return problems + _shape_problems(node, graph) + _scale_problems(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [_compute(node, graph, inputs[0].astype(np.int64), inputs[1].astype(np.int64)).astype(np.int8)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        if node.inputs[0] == node.inputs[1]:
            return lower_to_table(node, graph, node.inputs[0], lambda values: _compute(node, graph, values, values))
        for position, index in enumerate(node.inputs):
            data = graph.tensors[index].data
            if data is not None and data.size == 1:
                return _lower_with_scalar(node, graph, position, data.astype(np.int64).reshape(1))
        return _lower_product(node, graph) if node.kind == "MUL" else lower_sum(node, graph)


def _shape_problems(node: Node, graph: Graph) -> list[str]:
    first, second = (graph.tensors[index].shape for index in node.inputs)
    target = output_tensor(node, graph).shape
    if _broadcast_shape(first, second) != target:
        return [
            f"{node.label}: shapes {list(first)} and {list(second)} don't broadcast to {list(target)}; "
            "the file is corrupt, convert it again"
        ]
    if len(axes_of(node, graph)) > AXES:
        return [
            f"{node.label}: broadcasts {list(first)} with {list(second)} along too many axes in turn; "
            "repeat one of them in the model"
        ]
    return []


def _scale_problems(node: Node, graph: Graph) -> list[str]:
    if node.kind == "MUL":
        return check_multiplier(node, product_multiplier(node, graph))
    if sum_scaling(node, graph).sum.exponent <= 0:
        return []
    return [
        f"{node.label}: the output's scale is less than the operands' / 2^{LEFT_SHIFT - 1}; "
        "convert the model again with representative data"
    ]


def _broadcast_shape(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(tuple(first), tuple(second))
    except ValueError:
        return None


def sum_scaling(node: Node, graph: Graph) -> SumScaling:
    """Return the factors of ADD and SUB (TFLM ``CalculateOpDataAdd``)."""
    first, second, output = (quantisation_of(graph.tensors[index]).scale for index in (*node.inputs, output_of(node)))
    twice = 2 * max(first, second)
    operands = quantise_multiplier(first / twice), quantise_multiplier(second / twice)
    return SumScaling(operands, quantise_multiplier(twice / ((1 << LEFT_SHIFT) * output)))


def product_multiplier(node: Node, graph: Graph) -> Multiplier:
    """Return the factor of MUL: product of the operands' scales over the output's."""
    first, second, output = (quantisation_of(graph.tensors[index]).scale for index in (*node.inputs, output_of(node)))
    return quantise_multiplier(first * second / output)


def _compute(node: Node, graph: Graph, first: IntArray, second: IntArray) -> IntArray:
    """Return the operator's result for raw operands, int64."""
    zero_points = [quantisation_of(graph.tensors[index]).zero_point for index in node.inputs]
    centred = (first - zero_points[0], second - zero_points[1])
    if node.kind == "MUL":
        scaled = multiply_by_quantised_multiplier(centred[0] * centred[1], product_multiplier(node, graph))
    else:
        scaling = sum_scaling(node, graph)
        a, b = (
            multiply_by_quantised_multiplier(value << LEFT_SHIFT, factor)
            for value, factor in zip(centred, scaling.operands, strict=True)
        )
        scaled = multiply_by_quantised_multiplier(a + b if node.kind == "ADD" else a - b, scaling.sum)
    output = output_tensor(node, graph)
    low, high = activation_range(node.integer("fused_activation_function"), output)
    return np.clip(scaled + quantisation_of(output).zero_point, low, high)


def axes_of(node: Node, graph: Graph) -> tuple[PairAxis, ...]:
    """Return the loops over the output, outermost first; neighbours that walk on evenly are one loop."""
    shape = output_tensor(node, graph).shape
    steps = [_steps(graph.tensors[index].shape, shape) for index in node.inputs]
    axes: list[PairAxis] = []
    for count, a, b in zip(shape, *steps, strict=True):
        if count == 1:
            continue
        if axes and axes[-1].steps == (a * count, b * count):
            axes[-1] = PairAxis(axes[-1].count * count, (a, b))
        else:
            axes.append(PairAxis(count, (a, b)))
    return tuple(axes)


def _steps(shape: Sequence[int], target: Sequence[int]) -> list[int]:
    """Return how many elements one step along each axis of ``target`` goes through a tensor of ``shape``."""
    padded = (1,) * (len(target) - len(shape)) + tuple(shape)
    return [0 if size == 1 else stride for size, stride in zip(padded, row_major_strides(padded), strict=True)]


def _lower_with_scalar(node: Node, graph: Graph, position: int, scalar: IntArray) -> Step:
    """Return the table for an operand and the constant ``scalar`` at ``position``."""

    def function(values: IntArray) -> IntArray:
        operands = [values, values]
        operands[position] = scalar
        return _compute(node, graph, *operands)

    return lower_to_table(node, graph, node.inputs[1 - position], function)


def lower_sum(node: Node, graph: Graph) -> Step:
    """ADD and SUB: the kernel's ``a`` is the operand with the larger scale, whose factor is exactly one half."""
    scaling = sum_scaling(node, graph)
    half = Multiplier(1 << 30, 0)
    exact = 0 if scaling.operands[0] == half else 1
    rounded = 1 - exact
    signs = (1, -1 if node.kind == "SUB" else 1)
    factor, left_shift = scaling.operands[rounded], LEFT_SHIFT
    if factor == half:  # em_requantise shifts right by one at least
        left_shift += 1
    shift = max(-factor.exponent, 1)
    mantissa = factor.mantissa
    if shift > 30:  # what is below 2**30 rounds to nothing
        mantissa, shift = 0, 1
    operand = OperandScaling(signs[exact] << (LEFT_SHIFT - 1), 1 << left_shift, mantissa, shift, signs[rounded])
    constant_last = graph.is_constant(node.inputs[rounded])
    function = "em_add_constant" if constant_last else "em_add"
    return _step(node, graph, function, (exact, rounded), scaling.sum, LARGEST_SUM, operand)


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
    axes = axes_of(node, graph)
    loops = [PairAxis(1, (0, 0))] * (AXES - len(axes)) + list(axes)
    walks = [{"count": loop.count, "a": loop.steps[order[0]], "b": loop.steps[order[1]]} for loop in loops]
    parameters = (
        *axis_fields("axis", "em_pair_axis", walks),
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
        arrays=tuple(
            CArray("operand", "int8_t", np.asarray(graph.tensors[index].data))
            for index in operands
            if graph.is_constant(index)
        ),
        overlaps={
            (index, output_of(node)): _overlap(graph.tensors[index], output) for index in graph.activations(operands)
        },
    )  # fmt: skip


def _overlap(operand: TensorInfo, output: TensorInfo) -> Overlap:
    if operand.shape == output.shape:
        return Overlap(at_most=0)
    return traced(
        output.elements,
        lambda: forward_overlap(np.broadcast_to(np.arange(operand.elements).reshape(operand.shape), output.shape)),
    )
