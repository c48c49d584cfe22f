"""SPACE_TO_DEPTH and DEPTH_TO_SPACE: blocks of pixels become channels, and channels blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.moving import NUMBERS, moved_kinds, require_moved
from edgemnist.compiler.ops.operands import ends_of, input_tensor, output_tensor
from edgemnist.compiler.ops.strided_copy import Walk, check_walk, lower_walk, row_major_strides

_ORDER = (0, 2, 1, 3, 4)
"""Of the input's axes, in the output: blocks beside rows, or apart."""


class SpaceToDepth(Operator):
    """Blocks of pixels as channels, or the other way round."""

    kinds = moved_kinds(
        NUMBERS,
        {
            "SPACE_TO_DEPTH": Schema("SpaceToDepthOptions", needed=True),
            "DEPTH_TO_SPACE": Schema("DepthToSpaceOptions", needed=True),
        },
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_moved(node, graph, ends_of(node))
        if problems:
            return problems
        source, block = input_tensor(node, graph), node.integer("block_size")
        if len(source.shape) != 4 or block < 1:
            return [
                f"{node.label}: blocks of {block} in {source.name!r} {list(source.shape)}, needed are an image and at "
                "least 1; the file is corrupt, convert it again"
            ]
        what = f"{source.name!r} {list(source.shape)} in blocks of {block}"
        problems = require_shape(node, output_tensor(node, graph), _shape(node, graph), what)
        return problems or check_walk(node, _walk(node, graph))

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [inputs[0].reshape(_blocks(node, graph)).transpose(_ORDER).reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_walk(node, graph, _walk(node, graph))


def _shape(node: Node, graph: Graph) -> tuple[int, ...] | None:
    """Return the output's shape, None where the image is no number of blocks."""
    (count, height, width, channels), block = input_tensor(node, graph).shape, node.integer("block_size")
    if node.operator == "DEPTH_TO_SPACE":
        area = block * block
        return None if channels % area else (count, height * block, width * block, channels // area)
    if height % block or width % block:
        return None
    return count, height // block, width // block, channels * block * block


def _blocks(node: Node, graph: Graph) -> tuple[int, ...]:
    """Return the input's shape with the axes of blocks apart."""
    (count, height, width, channels), block = input_tensor(node, graph).shape, node.integer("block_size")
    if node.operator == "DEPTH_TO_SPACE":
        return count * height, width, block, block, channels // (block * block)
    return count * height // block, block, width // block, block, channels


def _walk(node: Node, graph: Graph) -> Walk:
    shape = _blocks(node, graph)
    strides = row_major_strides(shape)
    return Walk(0, tuple((shape[axis], strides[axis]) for axis in _ORDER))
