"""Groups of operators that exporters write for one layer, as that one: a GELU by its Erf, a sequence's layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgemnist.onnx.graph import Graph, Node

_TIME_FIRST = [1, 0, 2]
"""What brings (batch, steps, features) to (steps, batch, features), and back."""


def with_layers(graph: Graph) -> Graph:
    """Return the graph with such groups as one operator each."""
    return _with_sequences(_with_gelu(graph))


def users_of(graph: Graph) -> dict[str, list[Node]]:
    """Return who uses each value; the output of the graph is used by one more than there is."""
    users: dict[str, list[Node]] = {}
    for node in graph.nodes:
        for name in node.inputs:
            users.setdefault(name, []).append(node)
    return users


# x * (1 + erf(x / sqrt(2))) / 2, with the half before, after or between.


def _with_gelu(graph: Graph) -> Graph:
    users, made_by = users_of(graph), {name: node for node in graph.nodes for name in node.outputs}
    ends: dict[str, Node] = {}
    for node in graph.nodes:
        if node.kind == "Erf" and (found := _gelu_of(node, graph, users, made_by)) is not None:
            end, source = found
            ends[end] = Node("Gelu", "", node.name, (source,), (end,), {"approximate": "none"}, None)
    kept = [ends.get(node.outputs[0], node) for node in graph.nodes]
    return replace(graph, nodes=_alive(kept, graph.output))


def _gelu_of(
    erf: Node, graph: Graph, users: Mapping[str, list[Node]], made_by: Mapping[str, Node]
) -> tuple[str, str] | None:
    """Return the end of a GELU with this Erf, and what it is of."""
    scaled = _by_constant(made_by.get(erf.inputs[0]), graph)
    if scaled is None or not math.isclose(scaled[1], math.sqrt(0.5), rel_tol=1e-4):
        return None
    source, name, factor = scaled[0], erf.outputs[0], 1.0
    added = _only(users, name)
    if added is None or added.operator != "Add" or not _is(graph, _other(added, name), 1.0):
        return None
    name, has_source = added.outputs[0], False
    while (after := _only(users, name)) is not None and after.operator == "Mul":
        other = _other(after, name)
        constant = _value(graph, other)
        half = _by_constant(made_by.get(other), graph)
        if constant is not None:
            factor *= constant
        elif not has_source and other == source:
            has_source = True
        elif not has_source and half is not None and half[0] == source:
            has_source, factor = True, factor * half[1]
        else:
            break
        name = after.outputs[0]
        if has_source and math.isclose(factor, 0.5, rel_tol=1e-4):
            return name, source
    return None


def _only(users: Mapping[str, list[Node]], name: str) -> Node | None:
    found = users.get(name, [])
    return found[0] if len(found) == 1 else None


def _other(node: Node, name: str) -> str:
    return node.inputs[1] if node.inputs[0] == name else node.inputs[0]


def _value(graph: Graph, name: str) -> float | None:
    constant = graph.constants.get(name)
    return float(constant.reshape(-1)[0]) if constant is not None and constant.size == 1 else None


def _is(graph: Graph, name: str, wanted: float) -> bool:
    value = _value(graph, name)
    return value is not None and math.isclose(value, wanted, rel_tol=1e-4)


def _by_constant(node: Node | None, graph: Graph) -> tuple[str, float] | None:
    """Return what is multiplied with, or divided by, a single constant, and the factor."""
    if node is None or node.operator not in ("Mul", "Div"):
        return None
    for place in (1, 0) if node.operator == "Mul" else (1,):
        value = _value(graph, node.inputs[place])
        if value:
            return node.inputs[1 - place], value if node.operator == "Mul" else 1 / value
    return None


# Transpose, LSTM, Squeeze, Transpose: a layer over (batch, steps, features), as exporters write it.


def _with_sequences(graph: Graph) -> Graph:
    made_by = {name: node for node in graph.nodes for name in node.outputs}
    replaced: dict[int, list[Node]] = {}
    for node in graph.nodes:
        before = made_by.get(node.inputs[0]) if node.inputs else None
        if node.operator not in ("LSTM", "GRU") or node.attributes.get("layout", 0) or not _turns(before):
            continue
        assert before is not None  # _turns says so
        replaced[id(node)] = [replace(node, inputs=(before.inputs[0], *node.inputs[1:]), attributes=_batch_first(node))]
        for after in _steps(graph, node.outputs[0]):
            replaced[id(after)] = [_same(after, node.outputs[0])]
        if len(node.outputs) > 1 and node.outputs[1]:
            for after in _of_one_direction(graph, node.outputs[1], axis=0):
                replaced[id(after)] = [_same(after, node.outputs[1])]
    kept = [one for node in graph.nodes for one in replaced.get(id(node), [node])]
    return replace(graph, nodes=_alive(kept, graph.output))


def _batch_first(node: Node) -> dict[str, object]:
    return {**node.attributes, "layout": 1}


def _turns(node: Node | None) -> bool:
    return node is not None and node.operator == "Transpose" and list(node.attributes.get("perm", ())) == _TIME_FIRST


def _steps(graph: Graph, outputs: str) -> list[Node]:
    """Return the transpositions that bring (steps, 1, batch, units) to (batch, steps, units), behind a squeeze."""
    users = users_of(graph)
    return [
        turned
        for squeezed in _of_one_direction(graph, outputs, axis=1)
        for turned in users.get(squeezed.outputs[0], [])
        if _turns(turned)
    ]


def _of_one_direction(graph: Graph, name: str, axis: int) -> list[Node]:
    """Return the operators that take the axis of directions, of which there is one, off a value."""
    return [
        node
        for node in users_of(graph).get(name, [])
        if node.operator in ("Squeeze", "Gather") and _drops(graph, node, axis)
    ]


def _drops(graph: Graph, node: Node, axis: int) -> bool:
    told = graph.constants.get(node.inputs[1]) if len(node.inputs) > 1 else None
    if node.operator == "Gather":
        return told is not None and told.ndim == 0 and int(told) in (0, -1) and node.attributes.get("axis", 0) == axis
    axes = node.attributes.get("axes") if told is None else np.asarray(told).reshape(-1).tolist()
    return axes == [axis]


def _same(node: Node, name: str) -> Node:
    return Node("Identity", "", node.name, (name,), node.outputs, {}, None)


def _alive(nodes: Sequence[Node], output: str) -> tuple[Node, ...]:
    """Return the nodes that the output needs."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        if wanted.intersection(node.outputs):
            wanted.update(node.inputs)
            kept.append(node)
    return tuple(reversed(kept))
