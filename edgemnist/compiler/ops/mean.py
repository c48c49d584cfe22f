"""MEAN and SUM over any axes."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import Graph, Node, held_in
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, in_int16_too, quantisation_of
from edgemnist.compiler.ops.fields import int32, output_field, stride_fields
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor, output_tensor
from edgemnist.compiler.ops.reduction import axes_of, check_reduction, checked_loops
from edgemnist.compiler.ops.requantisation import check_multiplier, is_fast, kernel_name, shift_field
from edgemnist.tflite.kinds import limits_of

LARGEST_COUNT = {"int8": 2**22, "int16": 2**14}
"""The sum of so many differences is below 2**30."""


class Mean(Operator):
    """Arithmetic mean or sum, requantised."""

    kinds = MappingProxyType(in_int16_too(dict.fromkeys(("MEAN", "SUM"), Schema("ReducerOptions", 2, 2, needed=True))))

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = check_reduction(node, graph)
        if problems:
            return problems
        if reduced_count(node, graph) >= LARGEST_COUNT[held_in(node.kind)]:
            problems.append(f"{node.label}: sums {reduced_count(node, graph)} elements; pool the input before")
        return problems + check_multiplier(node, mean_multiplier(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
        sums = inputs[0].astype(np.int64).sum(axis=axes_of(node, graph))
        centred = sums - source.zero_point * reduced_count(node, graph)
        scaled = multiply_by_quantised_multiplier(centred, mean_multiplier(node, graph)) + target.zero_point
        target_type = inputs[0].dtype
        clipped = np.clip(scaled, *limits_of(target_type.name)).astype(target_type)
        return [clipped.reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        loops = checked_loops(node, graph)
        source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
        count, multiplier = reduced_count(node, graph), mean_multiplier(node, graph)
        wide, (low, high) = held_in(node.kind) == "int16", limits_of(held_in(node.kind))
        fast = not wide and is_fast(255 * count, multiplier, target.zero_point)
        nested = loops.kept[0][0] > 1 or loops.reduced[0][0] > 1
        function = "em_int16_mean" if wide else kernel_name("em_mean_nested" if nested else "em_mean", fast=fast)
        return Step(
            node=node, header="em_int16_pool_2d.h" if wide else "em_mean.h", function=function,
            struct_type="em_mean_params",
            parameters=(
                *int32(bias=-source.zero_point * count, multiplier=multiplier.mantissa),
                *stride_fields("kept", loops.kept), *stride_fields("averaged", loops.reduced),
                *shift_field(multiplier, fast=fast),
                output_field(target.zero_point, (low, high)),
            ),
            inputs=(activations_of(node),), outputs=node.outputs,
            overlaps={ends_of(node): loops.overlap(input_tensor(node, graph).itemsize)},
        )  # fmt: skip


def reduced_count(node: Node, graph: Graph) -> int:
    """Return how many elements go into one output."""
    shape = input_tensor(node, graph).shape
    return int(np.prod([shape[axis] for axis in axes_of(node, graph)], dtype=np.int64))


def mean_multiplier(node: Node, graph: Graph) -> Multiplier:
    """Return ``input scale / output scale``, for a MEAN over the count: see :func:`folded_multiplier`."""
    source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
    if node.operator == "SUM":
        return quantise_multiplier(source.scale / target.scale)
    return folded_multiplier(source.scale, target.scale, reduced_count(node, graph))


def folded_multiplier(source: float, target: float, count: int) -> Multiplier:
    """Return ``source / target / count`` as TFLite folds the count in: shifted up, then divided, cut off.

    Source: TFLite ``QuantizedMeanOrSum``.
    """
    whole = quantise_multiplier(source / target)
    shift = min(count.bit_length() - 1, 32, 31 + whole.exponent)
    return Multiplier((whole.mantissa << shift) // count, whole.exponent - shift)
