"""PRELU: what is negative times a slope of its own channel, or of its own element."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import IntArray, Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.arithmetic import LARGEST_PRODUCT
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, quantisation_of
from edgemnist.compiler.ops.broadcasting import (
    check_pair,
    constant_operands,
    lower_pair_to_table,
    pair_fields,
    pair_overlaps,
)
from edgemnist.compiler.ops.fields import int16, int32, output_field
from edgemnist.compiler.ops.operands import input_tensor, output_of, output_tensor
from edgemnist.compiler.ops.requantisation import check_multiplier, is_fast, kernel_name


class Prelu(Operator):
    """What is negative times a slope; the slopes are broadcast over the activations."""

    kinds = MappingProxyType({"PRELU": Schema("", 2, 2)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = check_pair(node, graph)
        if problems:
            return problems
        if input_tensor(node, graph).shape != output_tensor(node, graph).shape:
            problems.append(
                f"{node.label}: the slopes have more elements than the input; repeat the input in the model"
            )
        return problems + [p for multiplier in _multipliers(node, graph) for p in check_multiplier(node, multiplier)]

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [_compute(node, graph, inputs[0].astype(np.int64), inputs[1].astype(np.int64)).astype(np.int8)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        table = lower_pair_to_table(node, graph, lambda values, slopes: _compute(node, graph, values, slopes))
        if table is not None:
            return table
        slopes_first = node.inputs[::-1]
        zero_points = [quantisation_of(graph.tensors[index]).zero_point for index in (*slopes_first, output_of(node))]
        multipliers = _multipliers(node, graph)
        fast = all(
            is_fast(bound, multiplier, zero_points[2])
            for bound, multiplier in zip((255, LARGEST_PRODUCT), multipliers, strict=True)
        )
        shifts = [-multiplier.exponent if fast else multiplier.exponent for multiplier in multipliers]
        return Step(
            node=node, header="em_pairwise.h", function=kernel_name("em_prelu", fast=fast),
            struct_type="em_pairwise_params",
            parameters=(
                *pair_fields(node, graph, (1, 0)),
                *int32(multiplier=multipliers[0].mantissa, slope_multiplier=multipliers[1].mantissa),
                *int16(
                    a_zero_point=zero_points[0], b_zero_point=zero_points[1], shift=shifts[0], slope_shift=shifts[1]
                ),
                output_field(zero_points[2], (-128, 127)),
            ),
            inputs=graph.activations(slopes_first), outputs=node.outputs,
            arrays=constant_operands(graph, slopes_first), overlaps=pair_overlaps(node, graph),
        )  # fmt: skip


def _multipliers(node: Node, graph: Graph) -> tuple[Multiplier, Multiplier]:
    """Return the factors of what is not negative, and of products with a slope (TFLM ``CalculatePreluParams``)."""
    values, slopes, output = (
        quantisation_of(graph.tensors[index]).scale for index in (*node.inputs, output_of(node))
    )  # fmt: skip
    return quantise_multiplier(values / output), quantise_multiplier(values * slopes / output)


def _compute(node: Node, graph: Graph, values: IntArray, slopes: IntArray) -> IntArray:
    """Return the operator's result for raw operands, int64."""
    zero_points = [quantisation_of(graph.tensors[index]).zero_point for index in (*node.inputs, output_of(node))]
    identity, slope = _multipliers(node, graph)
    centred = values - zero_points[0]
    negative = multiply_by_quantised_multiplier(centred * (slopes - zero_points[1]), slope)
    scaled = np.where(centred >= 0, multiply_by_quantised_multiplier(centred, identity), negative)
    return np.clip(scaled + zero_points[2], -128, 127)
