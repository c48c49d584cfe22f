"""CONCATENATION, PACK, SPLIT, SPLIT_V and UNPACK: a whole along one axis, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import ACTIVATION_NONE, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step
from edgemnist.compiler.ops.fields import CArray, int32
from edgemnist.compiler.ops.moving import (
    WITH_INT32,
    moved_kinds,
    raw_bytes,
    require_moved,
    require_moved_type,
    same_bytes_problems,
)
from edgemnist.compiler.ops.operands import (
    activations_of,
    integers,
    output_of,
    require_constants,
)
from edgemnist.compiler.ops.overlaps import Moves, traced

KERNEL_SIZES = (2, 4, 10)
"""For how many parts there are kernel functions; more are an array's, each of which takes a word of stack."""

MOST_PARTS = 128

MOST_JOINED = 10
"""Parts of a CONCATENATION in TFLM; the other operators have any number there."""


@dataclass(frozen=True)
class Layout:
    """The whole as ``rows`` rows of ``row`` bytes; ``parts`` has each part's (offset, length) in a row."""

    rows: int
    row: int
    parts: tuple[tuple[int, int], ...]


class Concatenation(Operator):
    """Tensors end to end along one axis, which PACK makes anew."""

    kinds = moved_kinds(
        (*WITH_INT32, "int16"),
        {
            "CONCATENATION": Schema("ConcatenationOptions", 1, None, needed=True),
            "PACK": Schema("PackOptions", 1, None, needed=True),
        },
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if -1 in node.inputs or not graph.activations(node.inputs):
            return [f"{node.label}: needs at least one operand that is computed; fold constants before converting"]
        problems = require_moved_type(node, graph, [output_of(node), *node.inputs])
        if node.integer("fused_activation_function") != ACTIVATION_NONE:
            problems.append(f"{node.label}: has a fused activation; put the activation into a layer of its own")
        if node.operator == "PACK" and node.integer("values_count") != len(node.inputs):
            problems.append(_other_number(node, "values_count", len(node.inputs)))
        problems = problems or self.quantisation_problems(node, graph)
        return problems or _layout_problems(node, graph, output_of(node), node.inputs, node.integer("axis"))

    def quantisation_problems(self, node: Node, graph: Graph) -> list[str]:
        """Return a problem where the parts' bytes mean something else in the whole."""
        return same_bytes_problems(node, graph, [output_of(node), *node.inputs])

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        axis = node.integer("axis")
        return [np.stack(inputs, axis=axis) if node.operator == "PACK" else np.concatenate(inputs, axis=axis)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        layout = layout_of(node, graph, output_of(node), node.inputs, node.integer("axis"))
        # Constants come before tensors among a kernel's arguments.
        order = sorted(range(len(node.inputs)), key=lambda position: not graph.is_constant(node.inputs[position]))
        parts = [layout.parts[position] for position in order]
        tensors = [node.inputs[position] for position in order]
        function, filler = _kernel("em_concatenate", len(parts))
        constants = tuple(
            raw_bytes(f"operand_{number}", graph.tensors[index])
            for number, index in enumerate(tensors)
            if graph.is_constant(index)
        )
        return Step(
            node=node, header="em_parts.h", function=function, struct_type="em_parts_params",
            parameters=int32(rows=layout.rows, row=layout.row),
            in_array="inputs" if function == "em_concatenate" else "",
            inputs=graph.activations(tensors) + (tensors[-1],) * filler, outputs=node.outputs, as_bytes=True,
            arrays=(_parts_array(parts, filler), *constants),
            overlaps={
                (tensor, output_of(node)): _joined_overlap(layout, parts, [other == tensor for other in tensors])
                for tensor in graph.activations(tensors)
            },
        )  # fmt: skip


class Split(Operator):
    """A tensor cut into parts along one axis, which UNPACK drops."""

    kinds = moved_kinds(
        (*WITH_INT32, "int16"),
        {
            "SPLIT": Schema("SplitOptions", 2, 2, needed=True),
            "SPLIT_V": Schema("SplitVOptions", 3, 3, needed=True),
            "UNPACK": Schema("UnpackOptions", needed=True),
        },
    )
    several_outputs = True

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if -1 in node.inputs or len(node.inputs) < self.kinds[node.kind].least:
            return [f"{node.label}: lacks an operand; the file is corrupt, convert it again"]
        problems = require_moved(node, graph, [whole_of(node), *node.outputs])
        problems += require_constants(node, graph, _CONSTANTS[node.operator])
        number = "num" if node.operator == "UNPACK" else "num_splits"
        if node.integer(number) != len(node.outputs):
            problems.append(_other_number(node, number, len(node.outputs)))
        problems = problems or _layout_problems(node, graph, whole_of(node), node.outputs, split_axis(node, graph))
        return problems or _length_problems(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        whole, axis = inputs[node.inputs.index(whole_of(node))], split_axis(node, graph)
        sizes = [1 if node.operator == "UNPACK" else graph.tensors[index].shape[axis] for index in node.outputs]
        pieces = np.split(whole, np.cumsum(sizes)[:-1], axis=axis)
        return [piece.reshape(graph.tensors[index].shape) for piece, index in zip(pieces, node.outputs, strict=True)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        source = whole_of(node)
        layout = layout_of(node, graph, source, node.outputs, split_axis(node, graph))
        function, filler = _kernel("em_split", len(node.outputs))
        return Step(
            node=node, header="em_parts.h", function=function, struct_type="em_parts_params",
            parameters=int32(rows=layout.rows, row=layout.row),
            in_array="outputs" if function == "em_split" else "",
            inputs=(source,), outputs=node.outputs + node.outputs[-1:] * filler, as_bytes=True,
            arrays=(_parts_array(layout.parts, filler),),
            overlaps={
                (source, output): _split_overlap(layout, number) for number, output in enumerate(node.outputs)
            },
        )  # fmt: skip


_CONSTANTS = MappingProxyType({"SPLIT": {0: "axis"}, "SPLIT_V": {1: "sizes", 2: "axis"}, "UNPACK": {}})
_WITH_NEW_AXIS = ("PACK", "UNPACK")
"""Parts have an axis less than the whole."""


def whole_of(node: Node) -> int:
    """Return what is cut; a SPLIT's axis comes first."""
    return node.inputs[1] if node.operator == "SPLIT" else activations_of(node)


def split_axis(node: Node, graph: Graph) -> int:
    """Return the axis along which is cut, as it is in the file."""
    if node.operator == "UNPACK":
        return node.integer("axis")
    return integers(graph, node.inputs[0 if node.operator == "SPLIT" else 2])[0]


def _other_number(node: Node, option: str, parts: int) -> str:
    return (
        f"{node.label}: {option} is {node.integer(option)} and there are {parts} parts; "
        "the file is corrupt, convert it again"
    )


def _length_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem when a SPLIT's parts are not equal, or a SPLIT_V's not as the file asks."""
    lengths = [
        length for _, length in layout_of(node, graph, whole_of(node), node.outputs, split_axis(node, graph)).parts
    ]
    wanted: Sequence[int] = lengths[:1] * len(lengths)
    if node.operator == "SPLIT_V":
        axis, asked = split_axis(node, graph), integers(graph, node.inputs[1])
        lengths = [graph.tensors[index].shape[axis] for index in node.outputs]
        wanted = [length if size == -1 else size for size, length in zip(asked, lengths, strict=False)]
        wanted = wanted if len(asked) == len(lengths) and asked.count(-1) <= 1 else asked
    if list(wanted) == lengths:
        return []
    return [f"{node.label}: cuts into {lengths}, asked are {list(wanted)}; the file is corrupt, convert it again"]


def _kernel(name: str, parts: int) -> tuple[str, int]:
    """Return the function for so many parts, and how many more it has; none where it takes an array of them."""
    size = next((size for size in KERNEL_SIZES if parts <= size), None)
    return (name, 0) if size is None else (f"{name}_{size}", size - parts)


def _parts_array(parts: Sequence[tuple[int, int]], filler: int) -> CArray:
    return CArray("parts", "int32_t", np.array([*parts, *[(0, 0)] * filler], np.int32))


def _layout_problems(node: Node, graph: Graph, whole: int, parts: Sequence[int], axis: int) -> list[str]:
    """Return problems with the number of parts, the axis or the shapes."""
    shape = list(graph.tensors[whole].shape)
    most = MOST_JOINED if node.operator == "CONCATENATION" else MOST_PARTS
    if len(parts) > most:
        return [f"{node.label}: has {len(parts)} parts, allowed are {most}; do it in several steps"]
    if not -len(shape) <= axis < len(shape):
        return [f"{node.label}: axis {axis} of {len(shape)} axes; the file is corrupt, convert it again"]
    position = axis % len(shape)
    shapes = [_with_axis(node, graph, index, position) for index in parts]
    joined = [sum(sizes[position] for sizes in shapes) if all(len(s) == len(shape) for s in shapes) else -1]
    expected = [[*shape[:position], *sizes[position : position + 1], *shape[position + 1 :]] for sizes in shapes]
    if joined != [shape[position]] or shapes != expected:
        return [
            f"{node.label}: parts {shapes} don't make {shape} along axis {axis}; the file is corrupt, convert it again"
        ]
    return []


def _with_axis(node: Node, graph: Graph, part: int, position: int) -> list[int]:
    """Return a part's shape with the whole's number of axes."""
    shape = list(graph.tensors[part].shape)
    return [*shape[:position], 1, *shape[position:]] if node.operator in _WITH_NEW_AXIS else shape


def layout_of(node: Node, graph: Graph, whole: int, parts: Sequence[int], axis: int) -> Layout:
    """Return how ``parts`` lie in ``whole``."""
    shape = graph.tensors[whole].shape
    position = axis % len(shape)
    inner = int(np.prod(shape[position + 1 :], dtype=np.int64)) * graph.tensors[whole].itemsize
    lengths = [_with_axis(node, graph, index, position)[position] * inner for index in parts]
    offsets = [0, *accumulate(lengths)][: len(lengths)]
    rows = int(np.prod(shape[:position], dtype=np.int64))
    return Layout(rows, shape[position] * inner, tuple(zip(offsets, lengths, strict=True)))


def _joined_overlap(layout: Layout, parts: Sequence[tuple[int, int]], chosen: Sequence[bool]) -> Overlap:
    """Return the overlap of the ``chosen`` parts' tensor with the whole: the last piece of the last row comes first."""

    def work_out() -> Overlap:
        rows = np.arange(layout.rows)[::-1, None]
        offsets, lengths = (np.array(column)[::-1] for column in zip(*parts, strict=True))
        read = _pieces(rows * lengths, np.where(np.array(chosen)[::-1], lengths, 0))
        return Moves(read, _pieces(rows * layout.row + offsets, lengths)).backward()

    return traced(layout.rows * len(parts) ** 2, work_out)


def _split_overlap(layout: Layout, number: int) -> Overlap:
    """Return the overlap of the whole with part ``number``: the first piece of the first row comes first."""

    def work_out() -> Overlap:
        rows = np.arange(layout.rows)[:, None]
        offsets, lengths = (np.array(column) for column in zip(*layout.parts, strict=True))
        written = np.where(np.arange(len(lengths)) == number, lengths, 0)
        return Moves(_pieces(rows * layout.row + offsets, lengths), _pieces(rows * lengths, written)).forward()

    return traced(layout.rows * len(layout.parts) ** 2, work_out)


def _pieces(starts: NDArray[Any], lengths: NDArray[Any]) -> NDArray[Any]:
    result: NDArray[Any] = np.stack([starts, starts + lengths], axis=-1).reshape(-1, 2)
    return result
