"""A graph with the same result and fewer operators: what people export is not yet what a small chip should compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

import numpy as np

from edgemnist.onnx.graph import Constant, Graph, Node
from edgemnist.onnx.layout import Shape
from edgemnist.onnx.patterns import users_of, with_layers
from edgemnist.support.errors import ModelError, first_line


def simplified(onnx: ModuleType, graph: Graph) -> Graph:
    """Return the graph with constants computed, linear classifiers and biases in one product, scalers in its weights.

    :raises ModelError: what should be constant cannot be computed.
    """
    return _without_scalers(_with_biases(_with_products(with_layers(_folded(onnx, graph)))))


_AFTER_LINEAR = {"SOFTMAX": "Softmax", "LOGISTIC": "Sigmoid"}


def _with_products(graph: Graph) -> Graph:
    """Return the graph with scikit-learn's linear classifiers as a Gemm and the function after it."""
    constants, nodes = dict(graph.constants), []
    for node in graph.nodes:
        attributes = node.attributes
        after = attributes.get("post_transform", "NONE")
        rows = len(attributes.get("classlabels_ints") or attributes.get("classlabels_strings") or [])
        usual = rows > 1 and len(attributes.get("intercepts", [])) == rows and after in ("NONE", *_AFTER_LINEAR)
        if node.kind != "ai.onnx.ml.LinearClassifier" or not usual:
            nodes.append(node)
            continue
        scores = node.outputs[1]
        names = tuple(f"{scores} {part}" for part in ("coefficients", "intercepts", "before"))
        constants[names[0]] = np.asarray(attributes["coefficients"], np.float32).reshape(rows, -1)
        constants[names[1]] = np.asarray(attributes["intercepts"], np.float32)
        raw = scores if after == "NONE" else names[2]
        nodes.append(Node("Gemm", "", node.name, (node.inputs[0], *names[:2]), (raw,), {"transB": 1}, None))
        if after in _AFTER_LINEAR:
            nodes.append(Node(_AFTER_LINEAR[after], "", f"{node.name} {after}", (raw,), (scores,), {"axis": -1}, None))
    return replace(graph, constants=constants, nodes=tuple(nodes))


def _without_scalers(graph: Graph) -> Graph:
    """Return the graph with each scaler in the weights of the product after it.

    A feature that hardly varies, as a pixel at the rim, gets a scale so large that in int8 nothing else is left.
    """
    users, constants = users_of(graph), dict(graph.constants)
    nodes = {id(node): node for node in graph.nodes}
    for node in graph.nodes:
        end = node
        while len(users.get(end.outputs[0], [])) == 1 and users[end.outputs[0]][0].operator in ("Cast", "Identity"):
            end = users[end.outputs[0]][0]
        after = users.get(end.outputs[0], [])
        if node.kind != "ai.onnx.ml.Scaler" or len(after) != 1 or not _takes_scaled(after[0], end, constants):
            continue
        (product,) = after
        matrix, bias = _scaled(node, product, constants)
        names = tuple(f"{product.outputs[0]} scaled {part}" for part in ("weights", "bias"))
        constants.update(zip(names, (matrix, bias), strict=True))
        nodes[id(product)] = replace(product, inputs=(product.inputs[0], *names), attributes={}, source=None)
        nodes[id(node)] = replace(node, operator="Identity", domain="", attributes={}, source=None)
    return replace(graph, constants=constants, nodes=tuple(nodes.values()))


def _takes_scaled(product: Node, scaled: Node, constants: dict[str, Constant]) -> bool:
    attributes = product.attributes
    plain = attributes.get("alpha", 1.0) == attributes.get("beta", 1.0) == 1.0 and not attributes.get("transA", 0)
    known = len(product.inputs) == 3 and all(name in constants for name in product.inputs[1:])
    return product.kind == "Gemm" and plain and known and product.inputs[0] == scaled.outputs[0]


def _scaled(scaler: Node, product: Node, constants: dict[str, Constant]) -> tuple[Constant, Constant]:
    """Return weights (inputs, outputs) and bias of ``((x - offset) * scale) * weights + bias`` for x as it is."""
    weights = constants[product.inputs[1]].astype(np.float64)
    weights = weights.T if product.attributes.get("transB", 0) else weights
    factor, offset = (np.asarray(scaler.attributes[name], np.float64) for name in ("scale", "offset"))
    matrix = weights * factor.reshape(-1, 1)
    bias = constants[product.inputs[2]].reshape(-1) - np.broadcast_to(offset, len(matrix)) @ matrix
    return matrix.astype(np.float32), bias.astype(np.float32)


def _folded(onnx: ModuleType, graph: Graph) -> Graph:
    """Return the graph with what depends on no image computed: weights that are transposed, shapes put together."""
    constants, nodes = dict(graph.constants), []
    for node in graph.nodes:
        given = [name for name in node.inputs if name]
        if node.operator == "Shape" and (shape := _known(graph.shapes.get(given[0]))):
            start, end = node.attributes.get("start", 0), node.attributes.get("end", len(shape))
            constants[node.outputs[0]] = np.asarray(shape[start:end], np.int64)
        elif node.kind == "DequantizeLinear" and all(name in constants for name in given):
            constants[node.outputs[0]] = _dequantised(node, [constants[name] for name in given])
        elif all(name in constants for name in given) and not _has_subgraph(onnx, node):
            constants.update(_computed(onnx, node, [constants[name] for name in given], graph))
        else:
            nodes.append(node)
    return replace(graph, constants=constants, nodes=tuple(nodes))


def _dequantised(node: Node, given: Sequence[Constant]) -> Constant:
    """Return quantised weights as real numbers; onnx's own evaluator has newer versions of the operator only.

    :raises ModelError: they are quantised in blocks.
    """
    values, scale = given[0], given[1].astype(np.float32)
    if node.attributes.get("block_size", 0):
        raise ModelError(f"{node.label} is quantised in blocks; export it with one scale for each channel")
    axis = node.attributes.get("axis", 1)
    along = [-1 if place == axis % values.ndim else 1 for place in range(values.ndim)] if scale.size > 1 else []
    zero = given[2].astype(np.int32).reshape(along) if len(given) > 2 else np.int32(0)
    return np.asarray((values.astype(np.int32) - zero).astype(np.float32) * scale.reshape(along))


def _known(shape: Shape | None) -> tuple[int, ...] | None:
    """Return a shape of which every size is known."""
    sizes = tuple(size for size in shape or () if size is not None)
    return sizes if shape and len(sizes) == len(shape) else None


def _has_subgraph(onnx: ModuleType, node: Node) -> bool:
    kinds = (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
    return node.source is None or any(entry.type in kinds for entry in node.source.attribute)


def _computed(onnx: ModuleType, node: Node, inputs: Sequence[Constant], graph: Graph) -> dict[str, Constant]:
    names = [name for name in node.inputs if name]
    helper = onnx.helper
    values = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)
        for name, value in zip(names, inputs, strict=True)
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.outputs if name]
    alone = helper.make_model(
        helper.make_graph([node.source], "constant", values, outputs),
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in graph.opsets.items()],
    )
    try:
        results = onnx.reference.ReferenceEvaluator(alone).run(None, dict(zip(names, inputs, strict=True)))
    except Exception as error:
        # The reference operators raise whatever numpy does with values that do not fit.
        raise ModelError(f"{str(graph.path)!r}: {node.label} cannot be computed: {first_line(error)}") from error
    return {value.name: np.asarray(result) for value, result in zip(outputs, results, strict=True)}


def _with_biases(graph: Graph) -> Graph:
    """Return the graph with each MatMul and the Add of a vector after it as one Gemm, which becomes one layer."""
    users, absorbed, nodes = users_of(graph), set(), []
    for node in graph.nodes:
        if id(node) in absorbed:
            continue
        after = users.get(node.outputs[0], [])
        bias = _bias_of(graph, node, after[0]) if len(after) == 1 and node.outputs[0] != graph.output else None
        if bias is not None:
            absorbed.add(id(after[0]))
            inputs, outputs = (*node.inputs, bias), after[0].outputs
            node = replace(node, operator="Gemm", inputs=inputs, outputs=outputs, attributes={}, source=None)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))


def _bias_of(graph: Graph, product: Node, after: Node) -> str | None:
    if product.operator != "MatMul" or after.operator != "Add" or product.inputs[1] not in graph.constants:
        return None
    other = after.inputs[1] if after.inputs[0] == product.outputs[0] else after.inputs[0]
    bias, weights = graph.constants.get(other), graph.constants[product.inputs[1]]
    fits = bias is not None and weights.ndim == 2 and bias.size == weights.shape[1] == bias.shape[-1]
    return other if fits and len(graph.shapes.get(product.outputs[0], (None, None))) == 2 else None
