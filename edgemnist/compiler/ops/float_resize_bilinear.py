"""RESIZE_BILINEAR on float32: which rows and columns each pixel is made of, and in which parts, is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.fields import CArray, field_problems
from edgemnist.compiler.ops.floats import Floats
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor, output_tensor
from edgemnist.compiler.ops.overlaps import forward_overlap, traced
from edgemnist.compiler.ops.resizing import check_resize, size_fields


@dataclass(frozen=True, eq=False)
class Between:
    """Along one axis, for each output position: two input positions, and how much of the second."""

    lower: NDArray[np.int64]
    upper: NDArray[np.int64]
    fraction: Floats

    def arrays(self, name: str) -> tuple[CArray, CArray]:
        """Return what the kernel reads: (lower, upper) each, and the fractions."""
        places = np.stack([self.lower, self.upper], axis=1)
        return CArray(name, "int32_t", places), CArray(f"{name}_fractions", "float", self.fraction)


class FloatResizeBilinear(Operator):
    """Another height and width, each pixel a mean of its four neighbours."""

    kinds = MappingProxyType({f"{FLOAT}RESIZE_BILINEAR": Schema("ResizeBilinearOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return check_resize(node, graph) or field_problems(node.label, size_fields(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        rows, columns = (between(node, graph, axis) for axis in (1, 2))
        image, one = np.asarray(inputs[0], np.float32), np.float32(1)
        down, right = rows.fraction[:, None, None], columns.fraction[:, None]
        above, below = image[:, rows.lower], image[:, rows.upper]
        total = above[:, :, columns.lower] * (one - down) * (one - right)
        total = total + below[:, :, columns.lower] * down * (one - right)
        total = total + above[:, :, columns.upper] * (one - down) * right
        return [total + below[:, :, columns.upper] * down * right]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        rows, columns = (between(node, graph, axis) for axis in (1, 2))
        _, _, in_width, channels = input_tensor(node, graph).shape
        first = np.minimum(rows.lower, rows.upper)[:, None] * in_width + np.minimum(columns.lower, columns.upper)
        elements = output_tensor(node, graph).elements
        return Step(
            node=node, header="em_float_resize_bilinear.h", function="em_float_resize_bilinear",
            struct_type="em_resize_bilinear_params",
            parameters=size_fields(node, graph), inputs=(activations_of(node),), outputs=node.outputs,
            arrays=(*rows.arrays("rows"), *columns.arrays("columns")),
            overlaps={
                ends_of(node): traced(
                    elements, lambda: forward_overlap(first[:, :, None] * channels + np.arange(channels), 4, 4)
                )
            },
        )  # fmt: skip


def between(node: Node, graph: Graph, axis: int) -> Between:
    """Return the positions along an axis, in float32 (TFLite ``ComputeInterpolationValues``)."""
    before, after = (graph.tensors[index].shape[axis] for index in ends_of(node))
    shrink = 1 if node.integer("align_corners") and after > 1 else 0
    scale = np.float32(before - shrink) / np.float32(after - shrink)
    places = np.arange(after, dtype=np.float32)
    half = np.float32(0.5)
    scaled = (places + half) * scale - half if node.integer("half_pixel_centers") else places * scale
    lower = np.maximum(np.floor(scaled).astype(np.int64), 0)
    upper = np.minimum(np.ceil(scaled).astype(np.int64), before - 1)
    return Between(np.minimum(lower, before - 1), upper, scaled - lower.astype(np.float32))
