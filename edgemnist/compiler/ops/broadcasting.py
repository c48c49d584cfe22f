"""Operators of two tensors, either of them broadcast: their loops, checks and overlaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgemnist.compiler.fixedpoint import IntArray
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import Overlap, Step, quantisation_of, require_own_type
from edgemnist.compiler.ops.fields import CArray, Field, axis_fields
from edgemnist.compiler.ops.operands import output_of, output_tensor
from edgemnist.compiler.ops.overlaps import forward_overlap, traced
from edgemnist.compiler.ops.strided_copy import row_major_strides
from edgemnist.compiler.ops.tables import lower_to_table
from edgemnist.csource.pixels import C_TYPES
from edgemnist.tflite.file import TensorInfo

AXES = 4
"""Loops of the kernels."""


@dataclass(frozen=True)
class PairAxis:
    """A loop over both operands: how often, and how many elements each steps on."""

    count: int
    steps: tuple[int, int]


def check_pair(node: Node, graph: Graph) -> list[str]:
    """Return problems with the types, quantisation and shapes of two operands and an output of the node's type."""
    problems = require_two(node, graph) or require_own_type(node, graph, [*node.inputs, output_of(node)])
    if problems:
        return problems
    problems += [
        f"{node.label}: constant {graph.tensors[index].name!r} is quantised per channel; convert per tensor"
        for index in node.inputs
        if quantisation_of(graph.tensors[index]).per_channel
    ]
    return problems + check_broadcast(node, graph)


def require_two(node: Node, graph: Graph) -> list[str]:
    """Return a problem where there are not two operands, of which one is computed."""
    if len(node.inputs) != 2 or -1 in node.inputs:
        return [f"{node.label}: needs two operands; the file is corrupt, convert it again"]
    if not graph.activations(node.inputs):
        return [f"{node.label}: both operands are constants; fold them into one before converting"]
    return []


def check_broadcast(node: Node, graph: Graph) -> list[str]:
    """Return a problem where two operands don't make the output's shape, or along too many axes in turn."""
    first, second = (graph.tensors[index].shape for index in node.inputs)
    target = output_tensor(node, graph).shape
    if _broadcast_shape(first, second) != target:
        return [
            f"{node.label}: shapes {list(first)} and {list(second)} don't broadcast to {list(target)}; "
            "the file is corrupt, convert it again"
        ]
    if len(_axes_of(node, graph)) > AXES:
        return [
            f"{node.label}: broadcasts {list(first)} with {list(second)} along too many axes in turn; "
            "repeat one of them in the model"
        ]
    return []


def _broadcast_shape(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...] | None:
    try:
        return np.broadcast_shapes(tuple(first), tuple(second))
    except ValueError:
        return None


def _axes_of(node: Node, graph: Graph) -> tuple[PairAxis, ...]:
    """Return the loops over the output, outermost first; neighbours that walk on evenly are one loop."""
    shape = output_tensor(node, graph).shape
    steps = [steps_of(graph.tensors[index].shape, shape) for index in node.inputs]
    axes: list[PairAxis] = []
    for count, a, b in zip(shape, *steps, strict=True):
        if count == 1:
            continue
        if axes and axes[-1].steps == (a * count, b * count):
            axes[-1] = PairAxis(axes[-1].count * count, (a, b))
        else:
            axes.append(PairAxis(count, (a, b)))
    return tuple(axes)


def steps_of(shape: Sequence[int], target: Sequence[int]) -> list[int]:
    """Return how many elements one step along each axis of ``target`` goes through a tensor of ``shape``."""
    padded = (1,) * (len(target) - len(shape)) + tuple(shape)
    return [0 if size == 1 else stride for size, stride in zip(padded, row_major_strides(padded), strict=True)]


def pair_fields(node: Node, graph: Graph, order: tuple[int, int]) -> tuple[Field, ...]:
    """Return the loops as fields ``axis_0`` to ``axis_3``, ``node.inputs`` in ``order`` being the kernel's a and b."""
    axes = _axes_of(node, graph)
    loops = [PairAxis(1, (0, 0))] * (AXES - len(axes)) + list(axes)
    walks = [{"count": loop.count, "a": loop.steps[order[0]], "b": loop.steps[order[1]]} for loop in loops]
    return axis_fields("axis", "em_pair_axis", walks)


def constants_first(node: Node, graph: Graph) -> tuple[int, int]:
    """Return the positions of both operands, a constant's first, as kernels take them."""
    return (1, 0) if graph.is_constant(node.inputs[1]) else (0, 1)


def constant_operands(graph: Graph, operands: Sequence[int]) -> tuple[CArray, ...]:
    """Return the constants among ``operands`` as arrays."""
    return tuple(
        CArray("operand", C_TYPES[graph.tensors[index].dtype], np.asarray(graph.tensors[index].data))
        for index in operands
        if graph.is_constant(index)
    )


def pair_overlaps(node: Node, graph: Graph) -> dict[tuple[int, int], Overlap]:
    """Return how the output may lie over each operand, for kernels that do the output's elements in order."""
    output = output_tensor(node, graph)
    return {
        (index, output_of(node)): _overlap(graph.tensors[index], output) for index in graph.activations(node.inputs)
    }


def _overlap(operand: TensorInfo, output: TensorInfo) -> Overlap:
    read, written = operand.itemsize, output.itemsize
    if operand.shape == output.shape and read >= written:
        return Overlap(at_most=0)
    places = np.arange(operand.elements).reshape(operand.shape)
    return traced(output.elements, lambda: forward_overlap(np.broadcast_to(places, output.shape), read, written))


def lower_pair_to_table(
    node: Node, graph: Graph, function: Callable[[IntArray, IntArray], IntArray]
) -> Step | None:  # fmt: skip
    """Return the table of ``function`` where one operand decides: both are one tensor, or one is a single constant."""
    if node.inputs[0] == node.inputs[1]:
        return lower_to_table(node, graph, node.inputs[0], lambda values: function(values, values))
    first, second = (graph.tensors[index].data for index in node.inputs)
    if second is not None and second.size == 1:
        right = second.astype(np.int64).reshape(1)
        return lower_to_table(node, graph, node.inputs[0], lambda values: function(values, right))
    if first is not None and first.size == 1:
        left = first.astype(np.int64).reshape(1)
        return lower_to_table(node, graph, node.inputs[1], lambda values: function(left, values))
    return None
