"""RESIZE_BILINEAR: which input rows and columns each output pixel is made of, and in which parts, is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.fixedpoint import IntArray
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step
from edgemnist.compiler.ops.fields import CArray, array_problems, field_problems
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor, output_tensor
from edgemnist.compiler.ops.overlaps import forward_overlap, traced
from edgemnist.compiler.ops.resizing import check_resize, size_fields

UNIT = 1 << 10
"""Positions have so many fractions."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Along one axis, for each output position: the two input positions that it lies between."""

    lower: IntArray
    upper: IntArray


@dataclass(frozen=True, eq=False)
class Between(Positions):
    """The same, and how much of the second in 1/1024."""

    fraction: IntArray

    def array(self, suffix: str) -> CArray:
        """Return what the kernel reads: (lower, upper, fraction) each."""
        return CArray(suffix, "int16_t", np.stack([self.lower, self.upper, self.fraction], axis=1))


class ResizeBilinear(Operator):
    """Another height and width, each pixel a mean of its four neighbours."""

    kinds = MappingProxyType({"RESIZE_BILINEAR": Schema("ResizeBilinearOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = check_resize(node, graph) or field_problems(node.label, size_fields(node, graph))
        return problems or _position_problems(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        rows, columns = (between(node, graph, axis) for axis in (1, 2))
        image = inputs[0].astype(np.int64)
        down, right = rows.fraction[:, None, None], columns.fraction[:, None]
        above, below = image[:, rows.lower], image[:, rows.upper]
        left = above[:, :, columns.lower] * (UNIT - down) + below[:, :, columns.lower] * down
        other = above[:, :, columns.upper] * (UNIT - down) + below[:, :, columns.upper] * down
        total = left * (UNIT - right) + other * right
        return [(np.sign(total) * ((np.abs(total) + UNIT * UNIT // 2) // (UNIT * UNIT))).astype(np.int8)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        rows, columns = (between(node, graph, axis) for axis in (1, 2))
        _, _, in_width, channels = input_tensor(node, graph).shape
        return Step(
            node=node, header="em_resize_bilinear.h", function="em_resize_bilinear",
            struct_type="em_resize_bilinear_params",
            parameters=size_fields(node, graph), inputs=(activations_of(node),), outputs=node.outputs,
            arrays=(rows.array("rows"), columns.array("columns")),
            overlaps={
                ends_of(node): traced(
                    output_tensor(node, graph).elements, lambda: positions_overlap(rows, columns, in_width, channels)
                )
            },
        )  # fmt: skip


def between(node: Node, graph: Graph, axis: int) -> Between:
    """Return the positions along an axis (TFLite ``ResizeBilinearInteger``, ``ComputeInterpolationValuesInteger``)."""
    before, after = (graph.tensors[index].shape[axis] for index in ends_of(node))
    shrink = 1 if node.integer("align_corners") and after > 1 else 0
    scale = (UNIT * (before - shrink) + (after - shrink) // 2) // (after - shrink)
    scaled = np.arange(after, dtype=np.int64) * scale
    if node.integer("half_pixel_centers"):
        scaled += scale // 2 - UNIT // 2
    # Divisions cut off; only the first positions can be negative, and less than one pixel.
    lower = np.maximum(scaled, 0) // UNIT
    upper = np.minimum(np.maximum(scaled + UNIT - 1, 0) // UNIT, before - 1)
    # Of two positions that are one, the parts do not matter.
    return Between(lower, upper, np.where(lower == upper, 0, scaled - UNIT * lower))


def _position_problems(node: Node, graph: Graph) -> list[str]:
    """Return a problem where rounded positions leave the image, or are more than can be counted."""
    for axis in (1, 2):
        size, last = input_tensor(node, graph).shape[axis], int(between(node, graph, axis).lower.max())
        if last >= size:
            return [
                f"{node.label}: reads row or column {last} of {size}, since TFLM rounds its steps to 1/{UNIT}; "
                "resize less, or in several steps"
            ]
    return array_problems(node.label, [between(node, graph, axis).array("positions") for axis in (1, 2)])


def positions_overlap(rows: Positions, columns: Positions, in_width: int, channels: int) -> Overlap:
    """Return the overlap of the kernel, which does the output's elements in order."""
    pixels = np.minimum(rows.lower, rows.upper)[:, None] * in_width + np.minimum(columns.lower, columns.upper)[None, :]
    return forward_overlap(pixels[:, :, None] * channels + np.arange(channels))
