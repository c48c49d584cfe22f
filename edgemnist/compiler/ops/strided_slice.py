"""STRIDED_SLICE and SLICE: every so many elements of a part of each axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.moving import WITH_BOOL, moved_kinds, require_moved
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    integers,
    output_tensor,
    require_constants,
)
from edgemnist.compiler.ops.strided_copy import Walk, check_walk, lower_walk, row_major_strides

Range = tuple[int, int, int]
"""Along one axis: first element, how many, step."""


class StridedSlice(Operator):
    """A part of each axis; negative steps walk backward."""

    kinds = moved_kinds(
        (*WITH_BOOL, "int16"),
        {
            "STRIDED_SLICE": Schema("StridedSliceOptions", 4, 4, needed=True, axes=4),
            "SLICE": Schema("SliceOptions", 3, 3, axes=5),
        },
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        operands = {1: "begin", 2: "end", 3: "strides"} if node.operator == "STRIDED_SLICE" else {1: "begin", 2: "size"}
        problems = require_moved(node, graph, ends_of(node))
        problems += require_constants(node, graph, operands)
        problems += [
            f"{node.label}: {option} is not supported; slice and reshape in two steps"
            for option in ("ellipsis_mask", "new_axis_mask", "offset")
            if node.integer(option)
        ]
        if problems:
            return problems
        source = input_tensor(node, graph)
        if any(len(integers(graph, node.inputs[position])) != len(source.shape) for position in operands):
            return [
                f"{node.label}: {', '.join(operands.values())} need one value for each axis of {source.name!r} "
                f"{list(source.shape)}; write the slice out for every axis"
            ]
        return _range_problems(node, graph) or check_walk(node, _walk(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        picked = np.ix_(*(first + step * np.arange(count) for first, count, step in ranges_of(node, graph)))
        return [inputs[0][picked].reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_walk(node, graph, _walk(node, graph))


def _range_problems(node: Node, graph: Graph) -> list[str]:
    source, target = input_tensor(node, graph), output_tensor(node, graph)
    if node.operator == "STRIDED_SLICE" and 0 in integers(graph, node.inputs[3]):
        return [f"{node.label}: a stride is 0; use strides of at least 1, or of at most -1"]
    ranges = ranges_of(node, graph)
    outside = any(
        not (count > 0 and 0 <= first < size and 0 <= first + (count - 1) * step < size)
        for (first, count, step), size in zip(ranges, source.shape, strict=True)
    )
    shrunk = node.integer("shrink_axis_mask")
    shape = tuple(count for axis, (_, count, _) in enumerate(ranges) if not shrunk >> axis & 1)
    if outside or shape != target.shape:
        return [
            f"{node.label}: the slice of {source.name!r} {list(source.shape)} is {list(shape)}, the file says "
            f"{list(target.shape)}; the file is corrupt, convert it again"
        ]
    return []


def ranges_of(node: Node, graph: Graph) -> list[Range]:
    """Return what is taken along each axis."""
    shape = input_tensor(node, graph).shape
    operands = zip(
        *(integers(graph, index) for index in node.inputs[1 : 3 if node.operator == "SLICE" else 4]), strict=True
    )
    if node.operator == "SLICE":
        return [
            (begin, size - begin if count == -1 else count, 1)
            for size, (begin, count) in zip(shape, operands, strict=True)
        ]
    return [
        _strided_range(node, axis, size, *values)
        for axis, (size, values) in enumerate(zip(shape, operands, strict=True))
    ]


def _strided_range(node: Node, axis: int, size: int, begin: int, end: int, step: int) -> Range:
    """Return one axis' range (TFLite ``StridedSliceStartForAxis``, ``StridedSliceEndForAxis``)."""

    def masked(mask: str) -> bool:
        return bool(node.integer(mask) >> axis & 1)

    low, high = (0, size) if step > 0 else (-1, size - 1)
    first = min(max(begin + size if begin < 0 else begin, low), high)
    last = min(max(end + size if end < 0 else end, low), high)
    if masked("begin_mask"):
        first = 0 if step > 0 else size - 1
    if masked("shrink_axis_mask"):
        return first, 1 if step > 0 else 0, step
    if masked("end_mask"):
        last = size if step > 0 else -1
    return first, max(-(-(last - first) // step), 0), step


def _walk(node: Node, graph: Graph) -> Walk:
    ranges = ranges_of(node, graph)
    strides = row_major_strides(input_tensor(node, graph).shape)
    offset = sum(first * stride for (first, _, _), stride in zip(ranges, strides, strict=True))
    return Walk(offset, tuple((count, step * stride) for (_, count, step), stride in zip(ranges, strides, strict=True)))
