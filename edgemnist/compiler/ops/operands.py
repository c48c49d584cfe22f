"""A node's operands by name, in the order of TFLite's schema, and what several operators' checks ask of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import quantisation_of
from edgemnist.tflite.file import TensorInfo


def activations_of(node: Node) -> int:
    """Return the tensor that most operators work on: their first input."""
    return node.inputs[0]


def weights_of(node: Node) -> int:
    """Return the weights of a CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED."""
    return node.inputs[1]


def bias_of(node: Node) -> int | None:
    """Return the bias of such a layer, None where it has none."""
    return node.inputs[2] if len(node.inputs) > 2 and node.inputs[2] != -1 else None


def residual_of(node: Node) -> int:
    """Return what is added to the outputs of a CONV_2D into which an ADD was fused; it stands behind the bias."""
    return node.inputs[3]


def with_residual(node: Node, residual: int) -> tuple[int, ...]:
    """Return the inputs of a CONV_2D, absent ones included, with the residual behind them."""
    return *(*node.inputs, -1)[:3], residual


def output_of(node: Node) -> int:
    """Return the first output, the only one of all operators but SPLIT, SPLIT_V and UNPACK."""
    return node.outputs[0]


def ends_of(node: Node) -> tuple[int, int]:
    """Return the activations and the output."""
    return activations_of(node), output_of(node)


def input_tensor(node: Node, graph: Graph) -> TensorInfo:
    """Return the activations' tensor."""
    return graph.tensors[activations_of(node)]


def output_tensor(node: Node, graph: Graph) -> TensorInfo:
    """Return the output's tensor."""
    return graph.tensors[output_of(node)]


def weights_tensor(node: Node, graph: Graph) -> TensorInfo:
    """Return the weights' tensor."""
    return graph.tensors[weights_of(node)]


def weight_values(node: Node, graph: Graph) -> NDArray[Any]:
    """Return the weights as they are in the file."""
    return np.asarray(weights_tensor(node, graph).data)


def centred_weights(node: Node, graph: Graph) -> NDArray[np.int64]:
    """Return the weights, in the file's order, less their zero point: one, which only those made of uint8 have."""
    values: NDArray[np.int64] = weight_values(node, graph).astype(np.int64)
    return values - quantisation_of(weights_tensor(node, graph)).zero_point


def require_constants(
    node: Node, graph: Graph, operands: Mapping[int, str], types: Sequence[str] = ("int32", "int64"), axes: int = 1
) -> list[str]:  # fmt: skip
    """Return a problem for each input position in ``operands`` that holds no integer constant of so many axes or fewer.

    ``operands`` says what each is.
    """
    problems = []
    for position, what in operands.items():
        tensor = graph.tensors.get(node.inputs[position]) if position < len(node.inputs) else None
        if tensor is None or tensor.data is None or tensor.dtype not in types:
            problems.append(
                f"{node.label}: the {what} must be an integer constant in the file, {' or '.join(types)}; "
                "convert the model again"
            )
        elif len(tensor.shape) > axes:
            problems.append(
                f"{node.label}: the constant of the {what} has {len(tensor.shape)} axes, allowed are {axes}; "
                "the file is corrupt, convert it again"
            )
    return problems


def integers(graph: Graph, tensor: int) -> tuple[int, ...]:
    """Return a constant's values, flattened.

    :raises ValueError: the tensor is no constant; ``check`` has seen to that.
    """
    data = graph.tensors[tensor].data
    if data is None:
        raise ValueError(f"tensor {graph.tensors[tensor].name!r} is no constant")
    return tuple(int(value) for value in np.ravel(data))


def same_quantisation(graph: Graph, first: int, second: int) -> bool:
    """Return whether two tensors have the same scale and zero point, so that equal bytes mean equal values."""
    one, other = (quantisation_of(graph.tensors[tensor]) for tensor in (first, second))
    return (one.scale, one.zero_point) == (other.scale, other.zero_point)


def require_same_quantisation(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem when int8 tensors whose bytes are copied differ in scale or zero point."""
    return [
        f"{node.label}: {graph.tensors[indices[0]].name!r} and {graph.tensors[index].name!r} differ in scale or zero "
        "point; convert the model again"
        for index in indices[1:]
        if not same_quantisation(graph, indices[0], index)
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
