"""TfliteModel -> Graph: folds constants, drops dead operators, refuses what can't be compiled, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from edgemnist.compiler.claims import (
    ZERO_POINTS,
    Schema,
    asks_for_scratch,
    budget_problems,
    end_problems,
    operand_problems,
    table_problems,
    tensor_problems,
)
from edgemnist.compiler.dilations import with_dilations
from edgemnist.compiler.folding import fold_constants
from edgemnist.compiler.graph import Graph, Node, plain_kind
from edgemnist.compiler.loops import GRAPHS_OF_WHILE, UNROLL, WHILE, without_loops
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.refusals import refusal
from edgemnist.compiler.state import nodes_of, variable_tensors, variables_of, without_variables
from edgemnist.compiler.typed_kinds import typed
from edgemnist.compiler.unsigned import as_int8
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import TensorInfo, TfliteModel, parse_subgraph

MOST_IDLE = 16
"""Graphs that nothing runs, each of which is read; a file of several signatures has one of each."""

WITHOUT_KERNEL = "BUILTIN_"
"""How the kinds of operators begin that TFLite's schema has no name for. Others, custom ones too, may be dead: what is
behind an output that was chosen need not be compiled.
"""

_GRAPHS: Mapping[str, tuple[str, ...]] = {
    WHILE: GRAPHS_OF_WHILE,
    "IF": ("then_subgraph_index", "else_subgraph_index"),
}
"""By the operators that run graphs, and are not compiled, the options that name those."""

_REMEDIES: Mapping[str, str] = {
    WHILE: UNROLL,
    "IF": "export what is to run of the two by itself",
}
_ONE_SIGNATURE = "export the signature that is to run by itself"


def read_graph(model: TfliteModel) -> Graph:
    """Return the compiler's graph of an int8 model.

    :raises ModelError: a constant can't be computed, or there are too many bytes of them.
    :raises UnsupportedModelError: it holds something that can't be compiled; names operator, tensor and remedy of each.
    """
    problems = budget_problems(model)
    if problems:
        raise refusal(model, problems)
    kept = variables_of(model)
    idle_problems = list(_idle_problems(model, kept.graphs | _run_by_operators(model)))
    model = without_variables(model, kept)
    turned = without_loops(model, _tensors_of(model), nodes_of(model.operators), _SCHEMAS, _tensors_of)
    tensors, nodes = fold_constants(turned.tensors, turned.nodes)
    typed_nodes = [typed(node, tensors) for node in nodes]
    whole = with_dilations(
        Graph(
            tensors, tuple(typed_nodes), model.inputs, model.outputs, model.sha256, dict(kept.views),
            variables=kept.variables,
        )
    )  # fmt: skip
    inner = as_int8(whole.tensors, whole.nodes, model.inputs, model.outputs)
    changed, state_problems = variable_tensors(inner.nodes, inner.tensors, _state_places)
    variables = (*map(inner.variable, kept.variables), *changed)
    graph = Graph(
        inner.tensors, inner.nodes, model.inputs, model.outputs, model.sha256, dict(kept.views), variables=variables,
        further=model.subgraphs - 1 - len(turned.run), shifted=inner.shifted, names=dict(enumerate(model.readable)),
    )  # fmt: skip
    alive = _without_dead(graph.nodes, graph.wanted)
    loops = {one.index for one in model.operators if one.kind == WHILE}
    kinds = {source: node.kind for node in typed_nodes for source in node.sources if source not in loops}
    problems = [*_end_problems(model), *kept.problems, *state_problems, *table_problems(model, kinds, _SCHEMAS)]
    problems += [*inner.problems, *_problems(graph, alive, turned.problems), *idle_problems]
    if problems:
        raise refusal(model, problems)
    read = {index for node in alive for index in node.inputs}
    used = tuple(one for one in variables if not one.in_place or one.before in read)
    return replace(graph, nodes=alive, variables=used)


def _run_by_operators(model: TfliteModel) -> frozenset[int]:
    """Return the graphs that loops and branches run: their operators are refused, which says enough."""
    operators = (one for one in model.operators if one.kind in _GRAPHS)
    return frozenset(one.integer(option) for one in operators for option in _GRAPHS[one.kind])


def _idle_problems(model: TfliteModel, run: frozenset[int]) -> Iterator[str]:
    """Yield what is wrong with the graphs that nothing runs: interpreters prepare them all the same."""
    idle = [place for place in range(1, model.subgraphs) if place not in run]
    if len(idle) > MOST_IDLE:
        yield f"the file has {len(idle)} graphs that nothing runs, allowed are {MOST_IDLE}; {_ONE_SIGNATURE}"
        return
    for place in idle:
        try:
            graph = replace(parse_subgraph(model.content, place), subgraphs=1)
            read_graph(graph)
        except ModelError as error:
            yield f"graph {place}, which nothing runs: {str(error).splitlines()[-1].strip()}; {_ONE_SIGNATURE}"
        else:
            asking = next((one for one in graph.operators if asks_for_scratch(one, graph.tensors)), None)
            if asking is not None:
                yield (
                    f"graph {place}, which nothing runs: TFLM crashes on its operator {asking.index} {asking.kind}, "
                    f"which asks for memory; {_ONE_SIGNATURE}"
                )


def _state_places(node: Node) -> tuple[int, ...]:
    operator = OPERATORS.get(node.kind)
    return operator.states if operator is not None else ()


def _end_problems(model: TfliteModel) -> list[str]:
    """Return what is wrong with the lists of the model's inputs and outputs."""
    problems = []
    for what, indices in (("input", model.inputs), ("output", model.outputs)):
        problems += end_problems(model, what, indices)
        if not indices:
            problems.append(f"the model has no {what}; convert it again")
    return problems


def _tensors_of(model: TfliteModel) -> dict[int, TensorInfo]:
    """Return a graph's tensors as the compiler takes them."""
    return {tensor.index: with_int4_unpacked(_with_nothing(tensor, model)) for tensor in model.tensors}


def _with_nothing(tensor: TensorInfo, model: TfliteModel) -> TensorInfo:
    """Return a tensor of no elements as the constant that it is: the file has no bytes of it."""
    if tensor.data is not None or 0 not in tensor.shape or tensor.index in model.inputs:
        return tensor
    return replace(tensor, data=np.empty(tensor.shape, np.int32)) if tensor.dtype == "int32" else tensor


def with_int4_unpacked(tensor: TensorInfo) -> TensorInfo:
    """Return a constant of int4 with its values as int8, any other tensor as it is.

    :raises ModelError: it has not a byte for every two.
    """
    if tensor.dtype != "int4" or tensor.data is None or tensor.is_sparse:
        return tensor
    if tensor.data.size != tensor.bytes:
        raise ModelError(
            f"tensor {tensor.name!r} of shape {list(tensor.shape)} and type int4 needs {tensor.bytes} bytes, "
            f"the file has {tensor.data.size}; the file is corrupt"
        )
    halves = np.stack([tensor.data << 4, tensor.data & 0xF0], axis=1).astype(np.uint8).view(np.int8) >> 4
    return replace(tensor, data=halves.reshape(-1)[: tensor.elements].reshape(tensor.shape))


FREE_TYPES = ("float32", "int32", "bool")
"""Of inputs and outputs that have no scale."""


def _problems(graph: Graph, alive: Sequence[Node], unknown: Mapping[tuple[int, ...], str]) -> list[str]:
    """Return what is wrong with the operators; with those that nobody needs too, which an interpreter would execute.

    ``unknown``: of operators that are not supported, by their place, what there is to say.
    """
    problems = []
    needed = {node.sources for node in alive}
    for tensor in (graph.tensors[index] for index in dict.fromkeys((*graph.entering, *graph.leaving))):
        free = (*FREE_TYPES, *(("int64",) if tensor.index in graph.leaving else ()))
        if tensor.dtype not in free and (tensor.dtype not in ZERO_POINTS or tensor.quantisation is None):
            problems.append(
                f"tensor {tensor.name!r} is {tensor.dtype}{'' if tensor.quantisation else ' without a scale'}, "
                f"needed is {', '.join(free)}, or int8, uint8 or int16 with a scale; convert the model again"
            )
    read = {index for node in graph.nodes for index in node.inputs}
    unread = (graph.tensors[index] for index in graph.entering if index not in read)
    problems += [problem for tensor in unread for problem in tensor_problems(tensor, "")]
    written = {*graph.given, *(alias for alias in graph.storage)}
    for node in graph.nodes:
        operator = OPERATORS.get(node.kind)
        if operator is not None:
            problems += _operand_problems(node, graph, written) or operator.check(node, graph)
        elif node.sources in needed:
            plain = f"{node.label}: not supported; {_REMEDIES.get(node.kind, 'replace the layer')}"
            problems.append(unknown.get(node.sources, plain))
        elif node.kind.startswith(WITHOUT_KERNEL):
            problems.append(f"{node.label}: nothing reads it, but no interpreter has a kernel for it; leave it out")
        written.update(node.outputs)
    if any(node.kind not in OPERATORS for node in alive):
        known = sorted({plain_kind(kind) for kind, operator in OPERATORS.items() if operator.of_files})
        problems.append(f"supported are {', '.join(known)}")
    problems += [
        f"{graph.tensors[index].name!r} is an input or output and the state of an operator; the file is corrupt"
        for index in graph.in_place
        if index in (*graph.entering, *graph.leaving, *graph.storage)
    ]
    problems += [
        f"the output {graph.tensors[index].name!r} does not depend on the input; the file is corrupt"
        for index in graph.wanted
        if index not in written
    ]
    return problems


def _operand_problems(node: Node, graph: Graph, written: set[int]) -> list[str]:
    """Return what is wrong with a node's operands, and with the order in which they are written and read."""
    problems = operand_problems(node, graph.tensors, several_outputs=OPERATORS[node.kind].several_outputs)
    if not problems and not graph.activations(node.inputs):
        problems.append(f"{node.label}: all its operands are constants; fold them before converting")
    for index in node.outputs:
        if index in written or graph.is_constant(index):
            name = graph.tensors[index].name
            problems.append(f"{node.label}: writes {name!r}, which has a value already; the file is corrupt")
    for index in graph.activations(node.inputs):
        if index not in written:
            name = graph.tensors[index].name
            problems.append(f"{node.label}: tensor {name!r} is read before it is written; no operator changes it")
    return problems


def _without_dead(nodes: Sequence[Node], outputs: Iterable[int]) -> tuple[Node, ...]:
    """Return the nodes that the outputs depend on."""
    needed, alive = set(outputs), []
    for node in reversed(nodes):
        if needed.intersection(node.outputs):
            alive.append(node)
            needed.update(node.inputs)
    return tuple(reversed(alive))


_SCHEMAS: Mapping[str, Schema] = {
    **{kind: operator.kinds[kind] for kind, operator in OPERATORS.items()},
    "SHAPE": Schema("ShapeOptions"),
    "REDUCE_PROD": Schema("ReducerOptions", 2, 2, needed=True),
    "FILL": Schema("FillOptions", 2, 2),
    "ZEROS_LIKE": Schema("ZerosLikeOptions"),
}
"""Of the operators, and of those that are only folded."""
