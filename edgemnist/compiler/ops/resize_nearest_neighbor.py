"""RESIZE_NEAREST_NEIGHBOR: which input row and column each output pixel copies is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step
from edgemnist.compiler.ops.fields import CArray, Field, array_problems, field_problems
from edgemnist.compiler.ops.moving import NUMBERS, moved_kinds
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor
from edgemnist.compiler.ops.overlaps import Moves, traced
from edgemnist.compiler.ops.resizing import check_resize, size_fields


class ResizeNearestNeighbor(Operator):
    """Another height and width, each pixel a copy of the nearest."""

    kinds = moved_kinds(
        (*NUMBERS, "int16"), {"RESIZE_NEAREST_NEIGHBOR": Schema("ResizeNearestNeighborOptions", 2, 2, needed=True)}
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return check_resize(node, graph) or [
            *field_problems(node.label, _size_fields(node, graph)), *_position_problems(node, graph)
        ]  # fmt: skip

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        rows, columns = (nearest(node, graph, axis) for axis in (1, 2))
        return [inputs[0][:, rows][:, :, columns]]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        rows, columns = _positions(node, graph)
        _, _, in_width, channels = input_tensor(node, graph).shape
        pixel = channels * input_tensor(node, graph).itemsize
        return Step(
            node=node, header="em_resize_nearest_neighbor.h", function="em_resize_nearest_neighbor",
            struct_type="em_resize_nearest_neighbor_params",
            parameters=_size_fields(node, graph), inputs=(activations_of(node),), outputs=node.outputs,
            arrays=(rows, columns), as_bytes=True,
            overlaps={
                ends_of(node): traced(
                    rows.values.size * columns.values.size,
                    lambda: _overlap(rows.values, columns.values, in_width, pixel),
                )
            },
        )  # fmt: skip


def _size_fields(node: Node, graph: Graph) -> tuple[Field, ...]:
    return size_fields(node, graph, input_tensor(node, graph).itemsize)


def _positions(node: Node, graph: Graph) -> tuple[CArray, CArray]:
    """Return the input row of every output row and the input column of every output column."""
    rows, columns = (nearest(node, graph, axis) for axis in (1, 2))
    return CArray("rows", "int16_t", rows), CArray("columns", "int16_t", columns)


def _position_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem when the image is higher than rows can be counted; its width is a field."""
    return array_problems(node.label, _positions(node, graph))


def nearest(node: Node, graph: Graph, axis: int) -> NDArray[np.int64]:
    """Return the input position of every output position along an axis, in float32 as TFLite ``GetNearestNeighbor``."""
    before, after = (graph.tensors[index].shape[axis] for index in ends_of(node))
    align, half = node.integer("align_corners"), node.integer("half_pixel_centers")
    shrink = 1 if align and after > 1 else 0
    scale = np.float32(before - shrink) / np.float32(after - shrink)
    positions = (np.arange(after, dtype=np.float32) + np.float32(0.5 if half else 0.0)) * scale
    # Positions are not negative: adding a half in float64 is exact, so this rounds halves up as roundf does.
    rounded = np.floor(positions.astype(np.float64) + (0.5 if align else 0.0))
    result: NDArray[np.int64] = np.minimum(rounded.astype(np.int64), before - 1)
    return result


def _overlap(rows: NDArray[np.int64], columns: NDArray[np.int64], in_width: int, pixel: int) -> Overlap:
    """Return the overlap of the kernel, which copies pixels of so many bytes from the last to the first."""
    read = ((rows[:, None] * in_width + columns[None, :]) * pixel).reshape(-1)[::-1]
    written = (np.arange(read.size) * pixel)[::-1]
    return Moves(
        np.stack([read, read + pixel], axis=1), np.stack([written, written + pixel], axis=1)
    ).backward()  # fmt: skip
