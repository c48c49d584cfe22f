"""SOFTMAX over the last axis, in fixed point."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import (
    IntArray,
    quantise_multiplier,
    rounding_divide_by_power_of_two,
    saturating_rounding_doubling_high_multiply,
)
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Overlap,
    Step,
    quantisation_of,
    require_int8,
    require_quantised,
)
from edgemnist.compiler.ops.exponential import exp_of_minus, one_over_one_plus
from edgemnist.compiler.ops.fields import Field, int16, int32
from edgemnist.compiler.ops.operands import ends_of, input_tensor, output_tensor, require_same_shape
from edgemnist.tflite.kinds import limits_of

INTEGER_BITS = 5
"""Differences from the maximum are scaled to 5 integer and 26 fractional bits: exp(-32) is nothing beside 1."""

SUM_FRACTION_BITS = 19
"""The sum of exponentials has 12 integer bits."""

LARGEST_DEPTH = 4095

_STEPS = {"int8": (256, 0.0), "int16": (65536, 0.001)}
"""By the output's type how many steps it has from 0 to 1, and how much its scale may differ from that."""


@dataclass(frozen=True)
class Scaling:
    """``difference * 2**shift * multiplier / 2**31`` is in Q26; differences beyond ``furthest`` count as nothing."""

    multiplier: int
    shift: int
    furthest: int


class Softmax(Operator):
    """exp of each element over the sum of the row's: int8 to int8, or to int16."""

    kinds = MappingProxyType({"SOFTMAX": Schema("SoftmaxOptions", needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, node.inputs[:1]) + require_same_shape(node, graph)
        wide = output_tensor(node, graph).dtype == "int16"
        problems = problems or require_quantised(node, graph, node.outputs, "int16" if wide else "int8")
        if problems:
            return problems
        if not 0 < node.number("beta") < math.inf:
            problems.append(
                f"{node.label}: beta is {node.number('beta')}, needed is a number above 0; convert it again"
            )
        return problems + _output_problems(node, graph) + row_problems(node, graph, node.number("beta", 0.0))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        values = inputs[0].astype(np.int64)
        differences = values.max(axis=-1, keepdims=True) - values
        exponentials = _exponentials(differences, scaling_of(node, graph, node.number("beta")))
        sums = _sum_of(exponentials)
        dtype = output_tensor(node, graph).dtype
        low, high = limits_of(dtype)
        # The sum's highest bit goes to bit 31; the shift that undoes it ends in steps of the output.
        headroom = 32 - np.frexp(sums.astype(np.float64))[1].astype(np.int64)
        scales = one_over_one_plus((sums << headroom) - (1 << 31))
        exponents = 43 - np.iinfo(dtype).bits - headroom
        products = saturating_rounding_doubling_high_multiply(exponentials, scales)
        # Products are not negative, so rounding ties away from zero is rounding up.
        rounded = (products + (1 << (exponents - 1))) >> exponents
        return [np.minimum(rounded + low, high).astype(dtype)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        wide = output_tensor(node, graph).dtype == "int16"
        return Step(
            node=node, header="em_softmax.h", function="em_softmax_to_int16" if wide else "em_softmax",
            struct_type="em_softmax_params", parameters=softmax_fields(node, graph, node.number("beta")),
            inputs=node.inputs, outputs=node.outputs, scratch=4 * input_tensor(node, graph).shape[-1],
            overlaps={} if wide else {ends_of(node): Overlap(at_most=0)},
        )  # fmt: skip


def _output_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem where the output is not 0 to 1 in all steps of its type, as TFLM's ``SoftmaxPrepare`` asks."""
    target = output_tensor(node, graph)
    output, (steps, tolerance) = quantisation_of(target), _STEPS[target.dtype]
    low, _ = limits_of(target.dtype)
    if abs(output.scale - 1 / steps) <= tolerance / steps and output.zero_point == low:
        return []
    return [
        f"{node.label}: output {target.name!r} has scale {output.scale:g} and zero point {output.zero_point}, "
        f"needed are 1/{steps} and {low}; convert the model again"
    ]


def row_problems(node: Node, graph: Graph, beta: float) -> list[str]:
    """Return problems with the number of classes, and with a scale that is too small for ``beta``."""
    problems, source = [], input_tensor(node, graph)
    if source.shape[-1] > LARGEST_DEPTH:
        problems.append(
            f"{node.label}: {source.shape[-1]} classes in {source.name!r}, allowed are {LARGEST_DEPTH}; "
            "leave the softmax out of the model"
        )
    if beta * quantisation_of(source).scale * 2 ** (31 - INTEGER_BITS) <= 1:
        problems.append(
            f"{node.label}: beta {beta:g} times the scale of {source.name!r} is too small for fixed point; "
            "scale the logits up, or leave the softmax out of the model"
        )
    return problems


def scaling_of(node: Node, graph: Graph, beta: float) -> Scaling:
    """Return how input differences become exponents (TFLite ``PreprocessSoftmaxScaling``, ``CalculateInputRadius``)."""
    scale = quantisation_of(input_tensor(node, graph)).scale
    real = min(beta * scale * 2 ** (31 - INTEGER_BITS), 2.0**31 - 1.0)
    multiplier = quantise_multiplier(real)
    radius = (2**INTEGER_BITS - 1) * 2 ** (31 - INTEGER_BITS) >> multiplier.exponent
    return Scaling(multiplier.mantissa, multiplier.exponent, min(radius, 255))


def softmax_fields(node: Node, graph: Graph, beta: float) -> tuple[Field, ...]:
    """Return the struct ``em_softmax_params``."""
    scaling, shape = scaling_of(node, graph, beta), input_tensor(node, graph).shape
    return (
        *int32(multiplier=scaling.multiplier, rows=int(np.prod(shape[:-1], dtype=np.int64))),
        *int16(depth=shape[-1], shift=scaling.shift, furthest=scaling.furthest),
    )


def scaled(differences: IntArray, scaling: Scaling) -> IntArray:
    """Return differences from the maximum in Q26; those beyond ``scaling.furthest`` as that one."""
    near = np.minimum(differences, scaling.furthest)
    # The product of a negative difference is rounded with ties up.
    return -saturating_rounding_doubling_high_multiply(-(near << scaling.shift), scaling.multiplier)


def sum_of_exponentials(differences: IntArray, scaling: Scaling) -> IntArray:
    """Return the sum of exp of minus each difference along the last axis, which is kept, in Q19."""
    return _sum_of(_exponentials(differences, scaling))


def _exponentials(differences: IntArray, scaling: Scaling) -> IntArray:
    """Return exp of minus each difference in Q31, 0 where it is too far from the maximum."""
    return np.where(
        differences <= scaling.furthest, exp_of_minus(scaled(differences, scaling), INTEGER_BITS), 0
    )  # fmt: skip


def _sum_of(exponentials: IntArray) -> IntArray:
    rounded = rounding_divide_by_power_of_two(exponentials, 31 - SUM_FRACTION_BITS)
    result: IntArray = rounded.sum(axis=-1, keepdims=True)
    return result
