"""RESIZE_BILINEAR of uint8, which TFLite's reference kernel computes in float32, each product and sum rounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import UINT8, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.fields import CArray, array_problems, field_problems
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor, output_tensor
from edgemnist.compiler.ops.overlaps import traced
from edgemnist.compiler.ops.resize_bilinear import Positions, positions_overlap
from edgemnist.compiler.ops.resizing import check_resize, size_fields

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FloatBetween(Positions):
    """The same, and the parts of the first and of the second."""

    parts: Floats

    def arrays(self, suffix: str) -> tuple[CArray, CArray]:
        """Return what the kernel reads: (lower, upper) each, and their parts."""
        return (
            CArray(suffix, "int16_t", np.stack([self.lower, self.upper], axis=1)),
            CArray(f"{suffix}_parts", "float", self.parts),
        )


class UInt8ResizeBilinear(Operator):
    """Another height and width, each pixel a mean of its four neighbours."""

    kinds = MappingProxyType({f"{UINT8}RESIZE_BILINEAR": Schema("ResizeBilinearOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = check_resize(node, graph) or field_problems(node.label, size_fields(node, graph))
        return problems or [problem for axis in (1, 2) for problem in _axis_problems(node, graph, axis)]

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        rows, columns = (_between(node, graph, axis) for axis in (1, 2))
        image = (inputs[0].astype(np.int16) + 128).astype(np.float32)
        total: Floats = np.zeros((), np.float32)
        for horizontal, across in enumerate((columns.lower, columns.upper)):
            for vertical, down in enumerate((rows.lower, rows.upper)):
                weighted = image[:, down] * rows.parts[:, vertical, None, None]
                total = total + weighted[:, :, across] * columns.parts[:, horizontal, None]
        return [((total + np.float32(0.5)).astype(np.int64) - 128).astype(np.int8)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        rows, columns = (_between(node, graph, axis) for axis in (1, 2))
        _, _, in_width, channels = input_tensor(node, graph).shape
        return Step(
            node=node, header="em_uint8_resize_bilinear.h", function="em_uint8_resize_bilinear",
            struct_type="em_uint8_resize_bilinear_params",
            parameters=size_fields(node, graph), inputs=(activations_of(node),), outputs=node.outputs,
            arrays=(*rows.arrays("rows"), *columns.arrays("columns")),
            overlaps={
                ends_of(node): traced(
                    output_tensor(node, graph).elements, lambda: positions_overlap(rows, columns, in_width, channels)
                )
            },
        )  # fmt: skip


def _between(node: Node, graph: Graph, axis: int) -> FloatBetween:
    """Return the positions along an axis (TFLite ``ResizeBilinear``, ``ComputeInterpolationValues``)."""
    before, after = (graph.tensors[index].shape[axis] for index in ends_of(node))
    shrink = 1 if node.integer("align_corners") and after > 1 else 0
    scale = np.float32(before - shrink) / np.float32(after - shrink)
    places, half = np.arange(after).astype(np.float32), np.float32(0.5)
    scaled = (places + half) * scale - half if node.integer("half_pixel_centers") else places * scale
    lower = np.maximum(np.floor(scaled).astype(np.int64), 0)
    upper = np.minimum(np.ceil(scaled).astype(np.int64), before - 1)
    second = scaled - lower.astype(np.float32)
    return FloatBetween(lower, upper, np.stack([np.float32(1) - second, second], axis=1))


def _axis_problems(node: Node, graph: Graph, axis: int) -> list[str]:
    between, size = _between(node, graph, axis), input_tensor(node, graph).shape[axis]
    if max(between.lower.max(), between.upper.max()) >= size:
        return [f"{node.label}: reads a row or column beyond the last of {size}; resize less, or in several steps"]
    return array_problems(node.label, between.arrays("positions")[:1])
