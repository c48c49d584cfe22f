"""What the checks of several operators share: small constant operands, equal quantisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import quantisation_of


def require_constants(node: Node, graph: Graph, operands: Mapping[int, str]) -> list[str]:
    """Return a problem for each input position in ``operands`` (with what it is) that holds no integer constant."""
    return [
        f"{node.label}: the {what} must be an integer constant in the file; convert the model again"
        for position, what in operands.items()
        if position >= len(node.inputs)
        or not graph.is_constant(node.inputs[position])
        or graph.tensors[node.inputs[position]].dtype not in ("int32", "int64")
    ]


def integers(graph: Graph, tensor: int) -> tuple[int, ...]:
    """Return a constant's values, flattened.

    :raises ValueError: the tensor is no constant; ``check`` has seen to that.
    """
    data = graph.tensors[tensor].data
    if data is None:
        raise ValueError(f"tensor {graph.tensors[tensor].name!r} is no constant")
    return tuple(int(value) for value in np.ravel(data))


def require_same_quantisation(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem when int8 tensors whose bytes are copied differ in scale or zero point."""
    first = quantisation_of(graph.tensors[indices[0]])
    return [
        f"{node.label}: {graph.tensors[indices[0]].name!r} and {graph.tensors[index].name!r} differ in scale or zero "
        "point; convert the model again"
        for index in indices[1:]
        if (quantisation_of(graph.tensors[index]).scale, quantisation_of(graph.tensors[index]).zero_point)
        != (first.scale, first.zero_point)
    ]


def require_same_shape(node: Node, graph: Graph) -> list[str]:
    """Return a problem when an operator of one element after the other changes the shape."""
    source, target = graph.tensors[node.inputs[0]], graph.tensors[node.outputs[0]]
    if source.shape == target.shape:
        return []
    return [
        f"{node.label}: {source.name!r} {list(source.shape)} can't become {target.name!r} {list(target.shape)}; "
        "the file is corrupt, convert it again"
    ]
