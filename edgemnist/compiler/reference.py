"""Graph -> values: runs a graph with the operators' numpy references, no kernel and no memory plan involved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings

_ABSENT: NDArray[Any] = np.empty(0, np.int8)


def run_reference(
    graph: Graph,
    inputs: NDArray[Any] | Sequence[NDArray[Any]],
    settings: LoweringSettings,
    kept: Sequence[NDArray[Any]] | None = None,
) -> dict[int, NDArray[Any]]:
    """Run a graph, optimised or not, and return every tensor that is computed, by index, in its own shape and dtype.

    ``inputs``: one array for each input, of its shape (batch included) and dtype; of one the array itself. ``kept``: of
    each variable its value, which :func:`kept_after` has of the inference before; None for the first one. Fused nodes
    are run one after another, so tensors that fusion has removed from the generated code are here too.
    """
    given = [inputs] if isinstance(inputs, np.ndarray) else inputs
    values: dict[int, NDArray[Any]] = dict(zip(graph.inputs, given, strict=True))
    before = [one.first for one in graph.variables] if kept is None else kept
    values.update(zip((one.before for one in graph.variables), before, strict=True))
    for node in graph.nodes:
        for part in unfused(node, graph, values):
            operands = [value_of(index, graph, values) for index in part.inputs]
            operator = OPERATORS[part.kind]
            outputs = _outputs(part, graph, operands, settings)
            values.update(zip((*part.outputs, *operator.states_of(part)), outputs, strict=True))
    for alias in graph.storage:
        values[alias] = value_of(alias, graph, values)
    return values


def _outputs(
    node: Node, graph: Graph, operands: Sequence[NDArray[Any]], settings: LoweringSettings
) -> list[NDArray[Any]]:
    """Return a node's outputs, those of several images one after the other."""
    operator, images = OPERATORS[node.kind], graph.images(node)
    if images == 1:
        return operator.reference(node, graph, operands, settings)
    first, *others = operands
    each = [operator.reference(node, graph, [first[place : place + 1], *others], settings) for place in range(images)]
    return [np.concatenate(outputs) for outputs in zip(*each, strict=True)]


def run_stream(
    graph: Graph, cases: Iterable[NDArray[Any] | Sequence[NDArray[Any]]], settings: LoweringSettings
) -> Iterator[dict[int, NDArray[Any]]]:
    """Yield what :func:`run_reference` makes of one case after the other, each with what the one before has kept."""
    kept = None
    for case in cases:
        values = run_reference(graph, case, settings, kept)
        kept = kept_after(graph, values)
        yield values


def kept_after(graph: Graph, values: Mapping[int, NDArray[Any]]) -> list[NDArray[Any]]:
    """Return what an inference leaves in each variable for the next."""
    return [value_of(one.after, graph, values) for one in graph.variables]


def value_of(index: int, graph: Graph, values: Mapping[int, NDArray[Any]]) -> NDArray[Any]:
    """Return a tensor's value: computed, constant, an alias of one of these, or empty for an absent input (-1)."""
    if index == -1:
        return _ABSENT
    if index in values:
        return values[index]
    tensor, root = graph.tensors[index], graph.root(index)
    value = values[root] if root in values else np.asarray(graph.tensors[root].data)
    return value.reshape(tensor.shape)


def unfused(node: Node, graph: Graph, known: Mapping[int, Any]) -> Iterator[Node]:
    """Yield a node and the followers that were fused into it as nodes of their own.

    ``known`` holds the tensors computed so far: what a follower reads beside them and the constants comes from the
    node before it.
    """
    if not node.fused:
        yield node
        return
    part = replace(node, fused=())
    seen = set(known)
    for follower in node.fused:
        between = _unknown_input(follower, graph, seen)
        yield replace(part, outputs=(between,))
        seen.add(between)
        part = follower
    yield replace(part, outputs=node.outputs)


def _unknown_input(node: Node, graph: Graph, known: set[int]) -> int:
    return next(index for index in graph.activations(node.inputs) if graph.root(index) not in known)
