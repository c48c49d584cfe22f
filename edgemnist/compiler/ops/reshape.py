"""RESHAPE, SQUEEZE and EXPAND_DIMS: the same bytes under another shape, so no kernel at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step
from edgemnist.compiler.ops.operands import input_tensor, integers, output_tensor, require_constants

ALIAS_KINDS = MappingProxyType(
    {
        "RESHAPE": Schema("ReshapeOptions", 1, 2),
        "SQUEEZE": Schema("SqueezeOptions"),
        "EXPAND_DIMS": Schema("ExpandDimsOptions", 2, 2),
    }
)


class Alias(Operator):
    """Operators whose output shares its input's memory; ``passes.share_storage`` removes them."""

    kinds = ALIAS_KINDS

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        source, target = input_tensor(node, graph), output_tensor(node, graph)
        if source.elements != target.elements or source.dtype != target.dtype:
            return [
                f"{node.label}: {source.name!r} {list(source.shape)} {source.dtype} can't become "
                f"{list(target.shape)} {target.dtype}; the file is corrupt, convert it again"
            ]
        problems = require_constants(node, graph, {1: "shape or axis"}) if len(node.inputs) > 1 else []
        return problems or require_shape(node, target, _SHAPES[node.kind](node, graph), f"{source.name!r}")

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [inputs[0].reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """Never called: the node is gone before lowering."""
        raise NotImplementedError(f"{node.label} has no kernel")


def _reshaped(node: Node, graph: Graph) -> tuple[int, ...] | None:
    """Return the shape that is asked for: by a constant or, without one, by an option."""
    wanted = node.options.get("new_shape", ())
    sizes = integers(graph, node.inputs[1]) if len(node.inputs) > 1 else wanted if isinstance(wanted, tuple) else ()
    return with_unknown(input_tensor(node, graph).elements, sizes)


def with_unknown(elements: int, wanted: Iterable[int]) -> tuple[int, ...] | None:
    """Return a shape with its one -1 worked out from the number of elements, None where that can't be."""
    sizes = tuple(wanted)
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) > 1 or min(sizes, default=1) < -1 or known < 1 or elements % known:
        return None
    return tuple(elements // known if size == -1 else size for size in sizes)


def _squeezed(node: Node, graph: Graph) -> tuple[int, ...] | None:
    """Return the shape without axes of 1: without all of them where none is named."""
    shape, named = input_tensor(node, graph).shape, node.options.get("squeeze_dims", ())
    axes = [axis + len(shape) * (axis < 0) for axis in named] if isinstance(named, tuple) else []
    if any(not 0 <= axis < len(shape) or shape[axis] != 1 for axis in axes):
        return None
    return tuple(size for axis, size in enumerate(shape) if (axis not in axes if axes else size != 1))


def _expanded(node: Node, graph: Graph) -> tuple[int, ...] | None:
    """Return the shape with an axis of 1 more."""
    shape = input_tensor(node, graph).shape
    axes = integers(graph, node.inputs[1]) if len(node.inputs) > 1 else ()
    if len(axes) != 1 or not -len(shape) - 1 <= axes[0] <= len(shape):
        return None
    axis = axes[0] % (len(shape) + 1)
    return (*shape[:axis], 1, *shape[axis:])


_SHAPES: Mapping[str, Callable[[Node, Graph], tuple[int, ...] | None]] = {
    "RESHAPE": _reshaped,
    "SQUEEZE": _squeezed,
    "EXPAND_DIMS": _expanded,
}
