"""REVERSE_V2: the elements along some axes, the last first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.moving import WITH_BOOL, moved_kinds, require_moved_type
from edgemnist.compiler.ops.operands import ends_of, input_tensor, integers, output_tensor, require_constants
from edgemnist.compiler.ops.strided_copy import Walk, check_walk, lower_walk, row_major_strides


class Reverse(Operator):
    """Elements along neighbouring axes, the last first."""

    kinds = moved_kinds((*WITH_BOOL, "int16"), {"REVERSE_V2": Schema("ReverseV2Options", 2, 2)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_moved_type(node, graph, ends_of(node))
        problems += require_constants(node, graph, {1: "axes"}, ("int32",))
        if problems:
            return problems
        source, named = input_tensor(node, graph), integers(graph, node.inputs[1])
        axes = sorted(axis + len(source.shape) if axis < 0 else axis for axis in named)
        if (
            not axes
            or axes != list(range(axes[0], axes[0] + len(axes)))
            or not 0 <= axes[0] <= axes[-1] < len(source.shape)
        ):
            return [
                f"{node.label}: axes {list(named)} of {source.name!r} {list(source.shape)}, needed are one or more "
                "neighbouring ones; reverse them one after the other"
            ]
        what = f"{source.name!r} {list(source.shape)} reversed"
        problems = require_shape(node, output_tensor(node, graph), source.shape, what)
        return problems or check_walk(node, _walk(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [np.flip(inputs[0], axis=integers(graph, node.inputs[1]))]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_walk(node, graph, _walk(node, graph))


def _walk(node: Node, graph: Graph) -> Walk:
    shape = input_tensor(node, graph).shape
    strides = row_major_strides(shape)
    reversed_axes = {axis % len(shape) for axis in integers(graph, node.inputs[1])}
    offset = sum((shape[axis] - 1) * strides[axis] for axis in reversed_axes)
    signs = [-1 if axis in reversed_axes else 1 for axis in range(len(shape))]
    return Walk(offset, tuple((size, sign * stride) for size, sign, stride in zip(shape, signs, strides, strict=True)))
