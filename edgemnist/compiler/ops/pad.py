"""PAD and PADV2: a tensor surrounded by its zero point or by a given value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import Graph, Node, held_in
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Overlap,
    Step,
    quantisation_of,
)
from edgemnist.compiler.ops.fields import CArray, axis_fields, int32
from edgemnist.compiler.ops.moving import QUANTISED, WITH_INT32, moved_kinds, require_moved
from edgemnist.compiler.ops.operands import (
    activations_of,
    ends_of,
    input_tensor,
    integers,
    output_of,
    output_tensor,
    require_constants,
)
from edgemnist.compiler.ops.overlaps import Moves, traced

AXES = 4
"""Loops of the kernel."""


@dataclass(frozen=True)
class PadAxis:
    """Elements of the input along one axis, and of the padding on either side."""

    before: int
    size: int
    after: int

    @property
    def total(self) -> int:
        """Elements of the output."""
        return self.before + self.size + self.after


class Pad(Operator):
    """Constant padding."""

    kinds = moved_kinds(
        (*WITH_INT32, "int16"),
        {"PAD": Schema("PadOptions", 2, 2, axes=5), "PADV2": Schema("PadV2Options", 3, 3, axes=5)},
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if -1 in _value_operand(node):
            return [f"{node.label}: lacks its padding value; the file is corrupt, convert it again"]
        tensors = [activations_of(node), output_of(node), *_value_operand(node)]
        problems = require_moved(node, graph, tensors) + require_constants(node, graph, {1: "paddings"}, axes=2)
        if problems:
            return problems
        if not all(_is_one_constant(graph, index) for index in _value_operand(node)):
            return [f"{node.label}: the padding value must be one constant; convert the model again"]
        return _amount_problems(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        amounts = [(axis.before, axis.after) for axis in axes_of(node, graph)]
        return [np.pad(inputs[0], amounts, constant_values=padding_value(node, graph))]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        merged = _byte_axes(node, graph)
        axes = [PadAxis(0, 1, 0)] * (AXES - len(merged)) + merged
        value = np.array([padding_value(node, graph)], input_tensor(node, graph).dtype).view(np.int8)
        value = value[:1] if (value == value[0]).all() else value
        amounts = [{"before": axis.before, "size": axis.size, "after": axis.after} for axis in axes]
        return Step(
            node=node, header="em_pad.h", function="em_pad", struct_type="em_pad_params",
            parameters=(*axis_fields("axis", "em_pad_axis", amounts), *int32(last=len(value) - 1)),
            inputs=(activations_of(node),), outputs=node.outputs, arrays=(CArray("value", "int8_t", value),),
            as_bytes=True,
            overlaps={ends_of(node): traced(prod(axis.total for axis in axes[:-1]), lambda: _overlap(axes))},
        )  # fmt: skip


def paddings_of(node: Node) -> int:
    """Return the tensor of amounts before and after each axis."""
    return node.inputs[1]


def _value_operand(node: Node) -> tuple[int, ...]:
    """Return the tensor of the value around the input, which PAD has none of."""
    return node.inputs[2:3]


def _is_one_constant(graph: Graph, index: int) -> bool:
    return graph.is_constant(index) and graph.tensors[index].elements == 1


def _amount_problems(node: Node, graph: Graph) -> list[str]:
    source, target = (graph.tensors[index] for index in ends_of(node))
    amounts = list(integers(graph, paddings_of(node)))
    if len(amounts) != 2 * len(source.shape) or min(amounts) < 0:
        return [f"{node.label}: paddings {amounts} don't fit {source.name!r} {list(source.shape)}; crop instead"]
    axes = axes_of(node, graph)
    if tuple(axis.total for axis in axes) != target.shape:
        return [
            f"{node.label}: {list(source.shape)} padded by {amounts} is not {list(target.shape)}; "
            "the file is corrupt, convert it again"
        ]
    if len(_byte_axes(node, graph)) > AXES:
        return [f"{node.label}: pads along more than {AXES} axes; reshape before"]
    return []


def axes_of(node: Node, graph: Graph) -> list[PadAxis]:
    """Return the padding along each axis."""
    amounts = integers(graph, paddings_of(node))
    shape = input_tensor(node, graph).shape
    return [PadAxis(amounts[2 * axis], size, amounts[2 * axis + 1]) for axis, size in enumerate(shape)]


def padding_value(node: Node, graph: Graph) -> int | float:
    """Return the value around the input, of int8 the raw one."""
    for operand in _value_operand(node):
        value: int | float = np.asarray(graph.tensors[operand].data).reshape(-1)[0].item()
        return value
    return quantisation_of(output_tensor(node, graph)).zero_point if held_in(node.kind) in QUANTISED else 0


def _byte_axes(node: Node, graph: Graph) -> list[PadAxis]:
    """Return the padding along as few axes as possible, of bytes."""
    size = output_tensor(node, graph).itemsize
    return _merged([*axes_of(node, graph), PadAxis(0, size, 0)])


def _merged(axes: Sequence[PadAxis]) -> list[PadAxis]:
    """Return the same padding along fewer axes: an axis without padding is one with the axis before it."""
    merged: list[PadAxis] = []
    for axis in axes:
        if axis == PadAxis(0, 1, 0):
            continue
        if merged and axis.before == axis.after == 0:
            last = merged.pop()
            axis = PadAxis(last.before * axis.size, last.size * axis.size, last.after * axis.size)
        merged.append(axis)
    return merged


def _overlap(axes: Sequence[PadAxis]) -> Overlap:
    """Return the overlap of the kernel, which moves rows along the last axis, the last row first."""
    inner = axes[-1]
    inside = np.ones((1,), bool)
    for axis in axes[:-1]:
        index = np.arange(axis.total)
        inside = (inside[:, None] & (index >= axis.before) & (index < axis.before + axis.size)).reshape(-1)
    first = (np.cumsum(inside) - inside) * inner.size
    read = np.stack([first, first + inside * inner.size], axis=1)
    start = np.arange(inside.size) * inner.total
    return Moves(read[::-1], np.stack([start, start + inner.total], axis=1)[::-1]).backward()
