"""What a model keeps from one inference to the next: resource variables, and variable tensors.

Resource variables are read and assigned once in each inference. A file has an operator for the variable (VAR_HANDLE),
one that reads it, one that assigns it, and CALL_ONCE, which runs a graph of its own with the first values. In the
compiler's graph a variable is a tensor that is given, like an input, and one that is wanted, like an output; the
generated C copies the one to the other between inferences.

A variable tensor belongs to an operator that changes it in place, as SVDF and the LSTM do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import Node, Variable
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel, parse_subgraph

HANDLE, READ, ASSIGN, ONCE = "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", "CALL_ONCE"
KINDS = frozenset({HANDLE, READ, ASSIGN, ONCE})

_CORRUPT = "the file is corrupt, convert it again"

_Name = tuple[str, str]
"""A variable's container and name."""


@dataclass(frozen=True, eq=False)
class Variables:
    """A model's variables; ``others`` are its operators without those that deal with them, ``problems`` what is wrong.

    ``views`` maps a tensor that reads a variable again to the one that does so first.
    """

    variables: tuple[Variable, ...]
    others: tuple[OperatorInfo, ...]
    views: Mapping[int, int] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    graphs: frozenset[int] = frozenset({0})
    """Which graphs of the file are run: the first, and those that give first values."""


def variables_of(model: TfliteModel) -> Variables:
    """Return a model's variables."""
    others = tuple(operator for operator in model.operators if operator.kind not in KINDS)
    if len(others) == len(model.operators):
        return Variables((), others)
    firsts, graphs, problems = _first_values(model)
    problems += _late(model)
    handles = _handles(model)
    found = _Found()
    for operator in model.operators:
        if operator.kind in (READ, ASSIGN):
            problems += found.take(operator, handles)
    for name in dict.fromkeys([*found.reads, *found.assigned]):
        problems += _wrong(model, name, found, firsts)
    if problems:
        return Variables((), others, {}, tuple(problems), graphs)
    kept = tuple(_variable(name, found, firsts[name]) for name in found.reads)
    views = {again: reads[0] for reads in found.reads.values() for again in reads[1:]}
    return Variables(kept, others, views, (), graphs)


def without_variables(model: TfliteModel, found: Variables) -> TfliteModel:
    """Return the model as if there were no variables and no graphs beside the first that only concern them."""
    return replace(model, operators=found.others, subgraphs=model.subgraphs - len(found.graphs) + 1)


@dataclass
class _Found:
    """Which tensors are read from and assigned to each variable, so far."""

    reads: dict[_Name, list[int]] = field(default_factory=dict)
    assigned: dict[_Name, int] = field(default_factory=dict)

    def take(self, operator: OperatorInfo, handles: Mapping[int, _Name]) -> Iterator[str]:
        label = f"operator {operator.index} {operator.kind}"
        name = handles.get(operator.inputs[0]) if operator.inputs else None
        wanted = (1, 1) if operator.kind == READ else (2, 0)
        if name is None or (len(operator.inputs), len(operator.outputs)) != wanted or -1 in operator.inputs:
            yield f"{label}: is of no variable, or has the wrong number of tensors; the file is corrupt"
        elif name in self.assigned:
            what = "read after" if operator.kind == READ else "assigned after"
            yield f"{label}: variable {name[1]!r} is {what} it was assigned; read first, assign once in an inference"
        elif operator.kind == READ:
            self.reads.setdefault(name, []).append(operator.outputs[0])
        else:
            self.assigned[name] = operator.inputs[1]


def _handles(model: TfliteModel) -> dict[int, _Name]:
    """Return the variable that each handle stands for."""
    return {
        operator.outputs[0]: (str(operator.options.get("container", "")), str(operator.options.get("shared_name", "")))
        for operator in model.operators
        if operator.kind == HANDLE
        and len(operator.outputs) == 1
        and model.tensors[operator.outputs[0]].dtype in HANDLE_TYPES
    }


def _first_values(model: TfliteModel) -> tuple[dict[_Name, NDArray[Any]], frozenset[int], list[str]]:
    """Return the variables' first values, which graphs are read for that, with the main one, and what is wrong."""
    values: dict[_Name, NDArray[Any]] = {}
    problems: list[str] = []
    graphs: set[int] = {0}
    for operator in model.operators:
        if operator.kind == ONCE:
            place = operator.integer("init_subgraph_index")
            label = f"operator {operator.index} {ONCE}"
            if not 0 < place < model.subgraphs:
                problems.append(f"{label}: calls graph {place} of {model.subgraphs}; the file is corrupt")
            if place in graphs or not 0 < place < model.subgraphs:
                continue
            graphs.add(place)
            try:
                problems += _assigned_once(parse_subgraph(model.content, place), label, values)
            except ModelError as error:
                problems.append(f"{label}: {error}")
    return values, frozenset(graphs), problems


def _late(model: TfliteModel) -> Iterator[str]:
    """Yield which first values come after a variable is dealt with: an interpreter has others until then."""
    dealt = False
    for operator in model.operators:
        dealt = dealt or operator.kind in (READ, ASSIGN)
        if dealt and operator.kind == ONCE:
            yield f"operator {operator.index} {ONCE}: comes after a variable is read; call it before all others"


def _assigned_once(graph: TfliteModel, label: str, values: dict[_Name, NDArray[Any]]) -> Iterator[str]:
    """Put what a graph assigns into ``values``; yield what it does beside that."""
    handles = _handles(graph)
    for operator in graph.operators:
        if operator.kind == HANDLE:
            continue
        well = operator.kind == ASSIGN and len(operator.inputs) == 2 and operator.inputs[0] in handles
        first = graph.tensors[operator.inputs[1]] if well and operator.inputs[1] >= 0 else None
        if first is None or first.data is None or first.is_variable or first.is_sparse:
            yield f"{label}: its graph has a {operator.kind} beside constants that are assigned; keep only those"
        else:
            values[handles[operator.inputs[0]]] = first.data


def _wrong(model: TfliteModel, name: _Name, found: _Found, firsts: Mapping[_Name, NDArray[Any]]) -> Iterator[str]:
    said = f"variable {name[1]!r}"
    reads = found.reads.get(name, ())
    if not reads or name not in found.assigned:
        yield f"{said} is {'never read' if not reads else 'never assigned'}; leave it out, or make it a constant"
        return
    if found.assigned[name] in reads:
        yield f"{said} is assigned what was read from it, so it never changes; make it a constant"
        return
    if name not in firsts:
        yield f"{said} has no first value; the file is corrupt, convert it again"
        return
    indices = [*reads, found.assigned[name]]
    wanted = [(model.tensors[index].dtype, model.tensors[index].shape) for index in indices]
    if len({*wanted, (firsts[name].dtype.name, firsts[name].shape)}) != 1:
        yield f"{said} is of several shapes or types: {wanted}; the file is corrupt, convert it again"
    if model.tensors[found.assigned[name]].data is not None:
        yield f"{said} is assigned a constant; leave it out"
    if any(model.tensors[index].data is not None for index in reads):
        yield f"{said} is read into a tensor that has a value already; the file is corrupt, convert it again"


def _variable(name: _Name, found: _Found, first: NDArray[Any]) -> Variable:
    return Variable(name[1], found.reads[name][0], found.assigned[name], np.array(first))


HANDLE_TYPES = ("resource", "int32")
"""Of the tensor that stands for a variable; TFLM takes both."""

STATE_TYPES = ("int8", "int16", "float32")


def variable_tensors(
    nodes: Sequence[Node], tensors: Mapping[int, TensorInfo], places_of: Callable[[Node], Sequence[int]]
) -> tuple[tuple[Variable, ...], list[str]]:
    """Return the variable tensors that nodes change, and what is wrong with them.

    ``places_of``: where among a node's inputs they are. Before the first inference each holds its zero point, or 0
    where it is not int8 (TFLM's ``ResetVariableTensors``).
    """
    kept: dict[int, Variable] = {}
    problems = []
    for node in nodes:
        for place in places_of(node):
            index = node.inputs[place] if place < len(node.inputs) else -1
            wrong = _wrong_state(tensors.get(index), index in kept)
            if wrong:
                problems.append(f"{node.label}: its state {wrong}")
            else:
                name = tensors[index].name or f"the state of operator {node.sources[0]}"
                kept[index] = Variable(name, index, index, _cleared(tensors[index]))
    elsewhere = (
        f"{node.label}: reads {tensors[index].name!r}, which is the state of an operator; read that one's output"
        for node in nodes
        for place, index in enumerate(node.inputs)
        if index in kept and place not in places_of(node)
    )
    return tuple(kept.values()), [*problems, *elsewhere]


def _wrong_state(tensor: TensorInfo | None, again: bool) -> str:
    """Return why a tensor can't be kept; ``again``: it is already."""
    if tensor is None:
        return f"is absent; {_CORRUPT}"
    if again:
        return f"{tensor.name!r} is another one's too; give each its own"
    if not tensor.is_variable or tensor.data is not None:
        return f"{tensor.name!r} is no variable; {_CORRUPT}"
    if tensor.dtype not in STATE_TYPES or any(size < 1 for size in tensor.shape):
        return (
            f"{tensor.name!r} is {tensor.dtype} {list(tensor.shape)}, allowed are {', '.join(STATE_TYPES)}; {_CORRUPT}"
        )
    return ""


def _cleared(tensor: TensorInfo) -> NDArray[Any]:
    """Return what a variable tensor holds at first; without memory of its own, whatever size the file claims."""
    point = tensor.quantisation.zero_point if tensor.dtype == "int8" and tensor.quantisation is not None else 0
    return np.broadcast_to(np.asarray(point).astype(tensor.dtype), tensor.shape)


def nodes_of(operators: Sequence[OperatorInfo]) -> tuple[Node, ...]:
    """Return operators as the graph has them."""
    return tuple(Node(one.kind, one.inputs, one.outputs, one.options, (one.index,)) for one in operators)
