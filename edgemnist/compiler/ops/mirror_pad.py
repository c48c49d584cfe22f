"""MIRROR_PAD: a tensor surrounded by its own mirror image, with or without the edge itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.gathering import Picks, check_picks, lower_picks, picks_of
from edgemnist.compiler.ops.moving import NUMBERS, moved_kinds, require_moved
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    output_tensor,
    require_constants,
)
from edgemnist.compiler.ops.pad import axes_of, paddings_of

_MODES = ("reflect", "symmetric")
"""By the schema's number; the first does not repeat the edge."""


class MirrorPad(Operator):
    """Padding by what lies inside."""

    kinds = moved_kinds(NUMBERS, {"MIRROR_PAD": Schema("MirrorPadOptions", 2, 2, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_moved(node, graph, ends_of(node)) + require_constants(node, graph, {1: "paddings"}, axes=2)
        if not 0 <= node.integer("mode") < len(_MODES):
            problems.append(f"{node.label}: mode is {node.integer('mode')}, allowed are 0 and 1; the file is corrupt")
        return problems or _amount_problems(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        amounts = [(axis.before, axis.after) for axis in axes_of(node, graph)]
        return [np.pad(inputs[0], amounts, mode="reflect" if node.integer("mode") == 0 else "symmetric")]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_picks(node, graph, _picks(node, graph))


def _amount_problems(node: Node, graph: Graph) -> list[str]:
    source, edge = input_tensor(node, graph), 1 - node.integer("mode")
    paddings = graph.tensors[paddings_of(node)]
    if paddings.shape != (len(source.shape), 2):
        return [f"{node.label}: paddings {list(paddings.shape)} don't fit {source.name!r} {list(source.shape)}"]
    axes = axes_of(node, graph)
    if any(not 0 <= amount <= axis.size - edge for axis in axes for amount in (axis.before, axis.after)):
        amounts = [[axis.before, axis.after] for axis in axes]
        return [
            f"{node.label}: pads {list(source.shape)} by {amounts}, more than its mirror image has; "
            "pad less, or in several steps"
        ]
    shape = [axis.total for axis in axes]
    problems = require_shape(node, output_tensor(node, graph), shape, f"{source.name!r} {list(source.shape)} padded")
    return problems or check_picks(node, _picks(node, graph))


def _picks(node: Node, graph: Graph) -> Picks:
    positions = [
        _mirrored(axis.size, axis.before, axis.after, 1 - node.integer("mode")) for axis in axes_of(node, graph)
    ]
    return picks_of(input_tensor(node, graph).shape, positions)


def _mirrored(size: int, before: int, after: int, edge: int) -> list[int]:
    """Return the positions along an axis; ``edge`` is 1 where the edge is not repeated."""
    return [
        *range(before + edge - 1, edge - 1, -1), *range(size), *range(size - 1 - edge, size - 1 - edge - after, -1)
    ]  # fmt: skip
