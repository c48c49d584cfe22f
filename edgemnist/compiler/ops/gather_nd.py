"""GATHER_ND: slices of a tensor at constant positions along its first axes."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import MOST_AXES, Schema, require_shape
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.gathering import Picks, lower_picks
from edgemnist.compiler.ops.moving import NUMBERS, moved_kinds, require_moved
from edgemnist.compiler.ops.operands import ends_of, input_tensor, output_tensor, require_constants
from edgemnist.compiler.ops.strided_copy import row_major_strides

_MOST_POSITIONS = 5
"""Axes that TFLM's kernel has positions along."""


class GatherNd(Operator):
    """Slices by positions along the first axes, each any number of times."""

    kinds = moved_kinds(NUMBERS, {"GATHER_ND": Schema("GatherNdOptions", 2, 2)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_moved(node, graph, ends_of(node)) + require_constants(
            node, graph, {1: "positions"}, ("int32",), axes=MOST_AXES
        )
        if problems:
            return problems
        source, positions = input_tensor(node, graph), _positions(node, graph)
        axes = positions.shape[-1] if positions.ndim else 0
        if not 1 <= axes <= min(len(source.shape), _MOST_POSITIONS):
            return [
                f"{node.label}: positions {list(positions.shape)} in {source.name!r} {list(source.shape)}, needed is "
                f"1 to {_MOST_POSITIONS} for each of its first axes; gather in steps"
            ]
        if ((positions < 0) | (positions >= source.shape[:axes])).any():
            return [f"{node.label}: a position is outside of {source.name!r} {list(source.shape)}; the file is corrupt"]
        shape = (*positions.shape[:-1], *source.shape[axes:])
        return require_shape(node, output_tensor(node, graph), shape, f"{source.name!r} gathered")

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [inputs[0][tuple(np.moveaxis(inputs[1], -1, 0))]]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        shape, positions = input_tensor(node, graph).shape, _positions(node, graph)
        axes = positions.shape[-1]
        offsets = positions.reshape(-1, axes).astype(np.int64) @ np.array(row_major_strides(shape)[:axes], np.int64)
        return lower_picks(node, graph, Picks((offsets,), prod(shape[axes:])))


def _positions(node: Node, graph: Graph) -> NDArray[Any]:
    return np.asarray(graph.tensors[node.inputs[1]].data)
