"""MEAN over any axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.fixedpoint import Multiplier, multiply_by_quantised_multiplier, quantise_multiplier
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step, quantisation_of, require_int8
from edgemnist.compiler.ops.fields import int32, output_field, stride_fields
from edgemnist.compiler.ops.operands import (
    activations_of,
    ends_of,
    input_tensor,
    integers,
    output_tensor,
    require_constants,
)
from edgemnist.compiler.ops.overlaps import forward_overlap, traced
from edgemnist.compiler.ops.requantisation import check_multiplier, is_fast, kernel_name, shift_field
from edgemnist.compiler.ops.strided_copy import row_major_strides

LARGEST_COUNT = 2**22
"""The sum of so many int8 differences is below 2**30."""


@dataclass(frozen=True)
class Loops:
    """A mean as two loops over outputs around two loops over what is averaged: (count, stride in elements) each."""

    kept: tuple[tuple[int, int], tuple[int, int]]
    averaged: tuple[tuple[int, int], tuple[int, int]]


class Mean(Operator):
    """Arithmetic mean, requantised."""

    kinds = MappingProxyType({"MEAN": Schema("ReducerOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_int8(node, graph, ends_of(node))
        problems += require_constants(node, graph, {1: "axes"})
        if problems:
            return problems
        source = input_tensor(node, graph)
        rank = len(source.shape)
        wrong = [axis for axis in integers(graph, _axes_operand(node)) if not -rank <= axis < rank]
        if wrong:
            return [f"{node.label}: axis {wrong[0]} of {source.name!r} with {rank} axes; the file is corrupt"]
        problems = require_shape(node, output_tensor(node, graph), _shape(node, graph), f"the mean of {source.name!r}")
        if problems:
            return problems
        if loops_of(node, graph) is None:
            problems.append(
                f"{node.label}: the axes {list(axes_of(node, graph))} of {source.name!r} {list(source.shape)} lie too "
                "scattered; average neighbouring axes, or in several steps"
            )
        elif reduced_count(node, graph) >= LARGEST_COUNT:
            problems.append(f"{node.label}: averages {reduced_count(node, graph)} elements; pool the input before")
        return problems + check_multiplier(node, mean_multiplier(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
        sums = inputs[0].astype(np.int64).sum(axis=axes_of(node, graph))
        centred = sums - source.zero_point * reduced_count(node, graph)
        scaled = multiply_by_quantised_multiplier(centred, mean_multiplier(node, graph)) + target.zero_point
        return [np.clip(scaled, -128, 127).astype(np.int8).reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        loops = loops_of(node, graph)
        if loops is None:
            raise ValueError(f"{node.label}: not checked")
        source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
        count, multiplier = reduced_count(node, graph), mean_multiplier(node, graph)
        fast = is_fast(255 * count, multiplier, target.zero_point)
        nested = loops.kept[0][0] > 1 or loops.averaged[0][0] > 1
        function = kernel_name("em_mean_nested" if nested else "em_mean", fast=fast)
        return Step(
            node=node, header="em_mean.h", function=function, struct_type="em_mean_params",
            parameters=(
                *int32(bias=-source.zero_point * count, multiplier=multiplier.mantissa),
                *stride_fields("kept", loops.kept), *stride_fields("averaged", loops.averaged),
                *shift_field(multiplier, fast=fast),
                output_field(target.zero_point, (-128, 127)),
            ),
            inputs=(activations_of(node),), outputs=node.outputs,
            overlaps={ends_of(node): _overlap(loops)},
        )  # fmt: skip


def _axes_operand(node: Node) -> int:
    return node.inputs[1]


def axes_of(node: Node, graph: Graph) -> tuple[int, ...]:
    """Return the averaged axes, ascending, none twice or negative."""
    rank = len(input_tensor(node, graph).shape)
    return tuple(sorted({axis % rank for axis in integers(graph, _axes_operand(node))}))


def _shape(node: Node, graph: Graph) -> tuple[int, ...]:
    averaged, keep = axes_of(node, graph), bool(node.integer("keep_dims"))
    sizes = enumerate(input_tensor(node, graph).shape)
    return tuple(1 if axis in averaged else size for axis, size in sizes if keep or axis not in averaged)


def reduced_count(node: Node, graph: Graph) -> int:
    """Return how many elements go into one mean."""
    shape = input_tensor(node, graph).shape
    return int(np.prod([shape[axis] for axis in axes_of(node, graph)], dtype=np.int64))


def mean_multiplier(node: Node, graph: Graph) -> Multiplier:
    """Return ``input scale / output scale / count``, see :func:`folded_multiplier`."""
    source, target = (quantisation_of(graph.tensors[index]) for index in ends_of(node))
    return folded_multiplier(source.scale, target.scale, reduced_count(node, graph))


def folded_multiplier(source: float, target: float, count: int) -> Multiplier:
    """Return ``source / target / count`` as TFLite folds the count in: shifted up, then divided, cut off.

    Source: TFLite ``QuantizedMeanOrSum``.
    """
    whole = quantise_multiplier(source / target)
    shift = min(count.bit_length() - 1, 32, 31 + whole.exponent)
    return Multiplier((whole.mantissa << shift) // count, whole.exponent - shift)


def loops_of(node: Node, graph: Graph) -> Loops | None:
    """Return the loops, neighbouring axes of one kind merged; None when they are more than two of a kind."""
    shape, axes = input_tensor(node, graph).shape, axes_of(node, graph)
    strides = row_major_strides(shape)
    found: dict[bool, list[tuple[int, int]]] = {False: [(1, 0), (1, 0)], True: [(1, 0), (1, 0)]}
    relevant = [axis for axis in range(len(shape)) if shape[axis] > 1]
    for averaged, group in groupby(relevant, key=lambda axis: axis in axes):
        members = list(group)
        found[averaged].append((int(np.prod([shape[axis] for axis in members])), strides[members[-1]]))
    if any(len(loops) > 4 for loops in found.values()):
        return None
    kept, averaged_loops = ((loops[-2], loops[-1]) for loops in (found[False], found[True]))
    return Loops(kept, averaged_loops)


def _overlap(loops: Loops) -> Overlap:
    (rows, row_stride), (columns, column_stride) = loops.kept
    return traced(
        rows * columns,
        lambda: forward_overlap(np.arange(rows)[:, None] * row_stride + np.arange(columns)[None, :] * column_stride),
    )
