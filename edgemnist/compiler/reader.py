"""TfliteModel -> Graph: folds constants, drops dead operators, refuses what can't be compiled, all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops import OPERATORS
from edgemnist.support.errors import ModelError, UnsupportedModelError
from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel

LARGEST_TENSOR = 2**28
"""Elements; kernels count them in 32-bit integers, products of an index and an element size included."""

SMALLEST_SCALE, LARGEST_SCALE = 1e-30, 1e30
"""Of an activation; a constant's may also be 0. Beyond them quotients of scales leave single precision."""

_ZERO_POINTS: Mapping[str, tuple[int, int]] = {"int8": (-128, 127), "uint8": (0, 255)}


def read_graph(model: TfliteModel) -> Graph:
    """Return the compiler's graph of an int8 model.

    :raises ModelError: the model has several inputs or outputs.
    :raises UnsupportedModelError: it holds something that can't be compiled; names operator, tensor and remedy of each.
    """
    entry, result = model.input(), model.output()
    tensors = {tensor.index: tensor for tensor in model.tensors}
    nodes = tuple(_node(operator) for operator in model.operators)
    tensors, nodes = _fold_constants(tensors, nodes)
    graph = Graph(tensors, _without_dead(nodes, result.index), entry.index, result.index, model.sha256, {})
    problems = _problems(model, graph)
    if problems:
        raise UnsupportedModelError("the model can't be compiled:", problems)
    return graph


def _node(operator: OperatorInfo) -> Node:
    return Node(operator.kind, operator.inputs, operator.outputs, operator.options, (operator.index,))


def _problems(model: TfliteModel, graph: Graph) -> list[str]:
    problems = []
    if model.subgraphs != 1:
        problems.append(f"the file has {model.subgraphs} subgraphs, needed is 1; remove control flow and signatures")
    for tensor in (graph.tensors[graph.input], graph.tensors[graph.output]):
        if tensor.shape[:1] != (1,):
            problems.append(
                f"tensor {tensor.name!r} has shape {list(tensor.shape)}, needed is batch 1; "
                "convert with a fixed batch of 1"
            )
        if tensor.dtype != "float32" and (tensor.dtype not in _ZERO_POINTS or tensor.quantisation is None):
            problems.append(
                f"tensor {tensor.name!r} is {tensor.dtype}{'' if tensor.quantisation else ' without a scale'}, "
                "needed is float32, or int8 or uint8 with a scale; convert the model again"
            )
    written = {graph.input}
    for node in graph.nodes:
        operator = OPERATORS.get(node.kind)
        if operator is None:
            problems.append(f"{node.label}: not supported; replace the layer")
        else:
            problems += _operand_problems(node, graph, written) or operator.check(node, graph)
        written.update(node.outputs)
    if any(node.kind not in OPERATORS for node in graph.nodes):
        problems.append(f"supported are {', '.join(sorted(OPERATORS))}")
    if graph.output not in written:
        problems.append(
            f"the output {graph.tensors[graph.output].name!r} does not depend on the input; the file is corrupt"
        )
    return problems


def _operand_problems(node: Node, graph: Graph, written: set[int]) -> list[str]:
    """Return what makes it pointless to ask the operator itself: missing operands, unset sizes."""
    problems: list[str] = []
    if not node.inputs or node.inputs[0] == -1 or not node.outputs:
        return [f"{node.label}: has no input or no output; the file is corrupt, convert it again"]
    for index in (*node.inputs, *node.outputs):
        if index != -1:
            problems += [f"{node.label}: {problem}" for problem in _tensor_problems(graph.tensors[index])]
    if -1 in node.outputs or (len(node.outputs) > 1 and not OPERATORS[node.kind].several_outputs):
        problems.append(f"{node.label}: has {len(node.outputs)} outputs, needed is 1; the file is corrupt")
    for index in node.outputs:
        if index in written or graph.is_constant(index):
            name = graph.tensors[index].name
            problems.append(f"{node.label}: writes {name!r}, which has a value already; the file is corrupt")
    for index in graph.activations(node.inputs):
        if index not in written:
            name = graph.tensors[index].name
            problems.append(f"{node.label}: tensor {name!r} is read before it is written; variables are not supported")
    return problems


def _tensor_problems(tensor: TensorInfo) -> list[str]:
    """Return what makes a tensor unusable for any operator: its sizes, its quantisation."""
    problems = []
    if any(size < 1 for size in tensor.shape) or (tensor.data is None and not tensor.shape):
        problems.append(f"tensor {tensor.name!r} has shape {list(tensor.shape)}; fix every size")
    elif tensor.elements > LARGEST_TENSOR:
        problems.append(
            f"tensor {tensor.name!r} has {tensor.elements} elements, allowed are {LARGEST_TENSOR}; make the net smaller"
        )
    quantisation = tensor.quantisation
    if quantisation is None:
        return problems
    smallest = SMALLEST_SCALE if tensor.data is None else 0.0
    wrong = [scale for scale in quantisation.scales if not smallest <= scale <= LARGEST_SCALE]
    if wrong:
        problems.append(
            f"tensor {tensor.name!r} has the scale {wrong[0]}, allowed are {smallest:g}..{LARGEST_SCALE:g}; "
            "convert the model again"
        )
    low, high = _ZERO_POINTS.get(tensor.dtype, (-(2**31), 2**31 - 1))
    outside = [point for point in quantisation.zero_points if not low <= point <= high]
    if outside:
        problems.append(
            f"tensor {tensor.name!r} is {tensor.dtype} and has the zero point {outside[0]}, "
            f"allowed are {low}..{high}; convert it again"
        )
    return problems


def _without_dead(nodes: Sequence[Node], output: int) -> tuple[Node, ...]:
    """Return the nodes that the output depends on."""
    needed, alive = {output}, []
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            alive.append(node)
            needed.update(node.inputs)
    return tuple(reversed(alive))


# Constant folding: the leftovers of a dynamic batch (SHAPE, STRIDED_SLICE, PACK before a RESHAPE) and the like.


def _fold_constants(
    tensors: Mapping[int, TensorInfo], nodes: Sequence[Node]
) -> tuple[dict[int, TensorInfo], tuple[Node, ...]]:
    folded, kept = dict(tensors), []
    for node in nodes:
        fold = _FOLDS.get(node.kind)
        sources = [folded[index] for index in node.inputs if index != -1]
        known = all(tensor.data is not None for tensor in sources) or node.kind == "SHAPE"
        if fold is None or not known or len(node.outputs) != 1:
            kept.append(node)
            continue
        target = folded[node.outputs[0]]
        try:
            value = np.asarray(fold(node, sources))
            value = value.reshape(target.shape) if node.kind in _SAME_VALUES else value
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise ModelError(
                f"{node.label} can't be computed ({error}); the file is corrupt, convert it again"
            ) from error
        value = value.astype({"int32": np.int32, "int64": np.int64, "int8": np.int8}.get(target.dtype, value.dtype))
        folded[node.outputs[0]] = replace(target, data=value, shape=value.shape)
    return folded, tuple(kept)


def _data(tensor: TensorInfo) -> NDArray[Any]:
    return np.asarray(tensor.data)


def _fold_strided_slice(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    data, begin, end, strides = (_data(tensor) for tensor in sources)
    slices: list[slice | int] = []
    for axis in range(len(begin)):
        first = None if node.integer("begin_mask") >> axis & 1 else int(begin[axis])
        last = None if node.integer("end_mask") >> axis & 1 else int(end[axis])
        shrink = node.integer("shrink_axis_mask") >> axis & 1
        slices.append(int(begin[axis]) if shrink else slice(first, last, int(strides[axis])))
    return np.asarray(data[tuple(slices)])


def _fold_pack(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    return np.stack([_data(tensor) for tensor in sources], axis=node.integer("axis"))


def _fold_concatenation(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    return np.concatenate([_data(tensor) for tensor in sources], axis=node.integer("axis"))


def _fold_reduce_product(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    axes = tuple(int(axis) for axis in _data(sources[1]).reshape(-1))
    return np.asarray(np.prod(_data(sources[0]), axis=axes, keepdims=bool(node.integer("keep_dims"))))


def _fold_reshape(_: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    return _data(sources[0]).reshape([int(size) for size in _data(sources[1]).reshape(-1)])


_SAME_VALUES = ("SQUEEZE", "EXPAND_DIMS")
"""Give a constant the shape that the file says the output has."""

_FOLDS: Mapping[str, Callable[[Node, Sequence[TensorInfo]], NDArray[Any]]] = {
    "SHAPE": lambda _, sources: np.array(sources[0].shape),
    "STRIDED_SLICE": _fold_strided_slice,
    "PACK": _fold_pack,
    "CONCATENATION": _fold_concatenation,
    "REDUCE_PROD": _fold_reduce_product,
    "RESHAPE": _fold_reshape,
    **dict.fromkeys(_SAME_VALUES, lambda _, sources: _data(sources[0])),
    "CAST": lambda _, sources: _data(sources[0]),
}
