"""Small constant operands that say what an operator does: axes, paddings, sizes."""

from __future__ import annotations

import numpy as np

from edgemnist.compiler.graph import Graph, Node


def require_constants(node: Node, graph: Graph, operands: dict[int, str]) -> list[str]:
    """Return a problem for each input position in ``operands`` (with what it is) that holds no constant in the file."""
    return [
        f"{node.label}: the {what} must be a constant in the file; convert the model again"
        for position, what in operands.items()
        if position >= len(node.inputs) or not graph.is_constant(node.inputs[position])
    ]


def integers(graph: Graph, tensor: int) -> tuple[int, ...]:
    """Return a constant's values, flattened.

    :raises ValueError: the tensor is no constant; ``check`` has seen to that.
    """
    data = graph.tensors[tensor].data
    if data is None:
        raise ValueError(f"tensor {graph.tensors[tensor].name!r} is no constant")
    return tuple(int(value) for value in np.ravel(data))
