"""CUMSUM: running sums along one axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import INT32_MAX, Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.fields import int16, int32, output_field
from edgemnist.compiler.ops.operands import (
    activations_of,
    ends_of,
    input_tensor,
    integers,
    require_constants,
    require_same_shape,
)
from edgemnist.compiler.ops.requantisation import is_fast, kernel_name, shift_field

LEFT_SHIFT = 19
"""Sums are shifted up by so many bits before they are scaled."""


class CumSum(Operator):
    """Running sums along one axis; as in TFLM, minus the zero point is added to each."""

    kinds = MappingProxyType({"CUMSUM": Schema("CumsumOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, ends_of(node)) + require_constants(node, graph, {1: "axis"}, ("int32",))
        problems = problems or require_same_shape(node, graph)
        if problems:
            return problems
        problems = axis_problems(node, graph)
        if problems:
            return problems
        if _multiplier(node, graph).exponent > 0:
            problems.append(
                f"{node.label}: the output's scale is less than the input's / 2^{LEFT_SHIFT}; "
                "convert the model again with representative data"
            )
        if _bound(node, graph) > INT32_MAX:
            problems.append(
                f"{node.label}: a 32-bit sum of {_count(node, graph)} elements can overflow, as in TFLM; sum fewer"
            )
        return problems

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
        axis, reverse = integers(graph, node.inputs[1])[0], bool(node.integer("reverse"))
        centred = inputs[0].astype(np.int64) - source.zero_point
        ordered = np.flip(centred, axis) if reverse else centred
        sums = np.cumsum(ordered, axis=axis) - (ordered if node.integer("exclusive") else 0) - source.zero_point
        scaled = multiply_by_quantised_multiplier(sums << LEFT_SHIFT, _multiplier(node, graph))
        clipped = np.clip(scaled + target.zero_point, -128, 127).astype(np.int8)
        return [np.flip(clipped, axis) if reverse else clipped]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
        shape, multiplier = input_tensor(node, graph).shape, _multiplier(node, graph)
        axis = integers(graph, node.inputs[1])[0] % len(shape)
        fast = is_fast(_bound(node, graph), multiplier, target.zero_point)
        return Step(
            node=node, header="em_cumsum.h", function=kernel_name("em_cumsum", fast=fast),
            struct_type="em_cumsum_params",
            parameters=(
                *int32(
                    rows=prod(shape[:axis]), count=shape[axis], inner=prod(shape[axis + 1 :]),
                    multiplier=multiplier.mantissa,
                ),
                *int16(
                    zero_point=source.zero_point, exclusive=int(bool(node.integer("exclusive"))),
                    reverse=int(bool(node.integer("reverse"))),
                ),
                *shift_field(multiplier, fast=fast), output_field(target.zero_point, (-128, 127)),
            ),
            inputs=(activations_of(node),), outputs=node.outputs,
            overlaps={ends_of(node): Overlap(exactly=0)},
        )  # fmt: skip


def axis_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem where the second operand, a constant, is not one axis of the first."""
    axes, source = integers(graph, node.inputs[1]), input_tensor(node, graph)
    rank = len(source.shape)
    if len(axes) == 1 and -rank <= axes[0] < rank:
        return []
    return [f"{node.label}: axis {list(axes)} of {source.name!r} with {rank} axes; the file is corrupt"]


def _count(node: Node, graph: Graph) -> int:
    """Return the elements along the axis."""
    return input_tensor(node, graph).shape[integers(graph, node.inputs[1])[0]]


def _multiplier(node: Node, graph: Graph) -> Multiplier:
    source, target = (quantisation_of(graph.tensors[index]).scale for index in ends_of(node))
    return quantise_multiplier(source / ((1 << LEFT_SHIFT) * target))


def _bound(node: Node, graph: Graph) -> int:
    """Return the largest magnitude of a sum after the shift."""
    zero_point = quantisation_of(input_tensor(node, graph)).zero_point
    return (abs(zero_point) + _count(node, graph) * max(127 - zero_point, zero_point + 128)) << LEFT_SHIFT
