"""Loops of which a file says how often they run, as Keras makes them of recurrent layers: one turn behind the other.

A WHILE runs two graphs of the file: one says whether there is another turn, the other is the turn. Where the first one
depends on constants alone, as on a counter and how many steps there are, the second stands in the place of the WHILE as
often as it runs. What a turn makes of constants is worked out here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.added import GrowingTensors
from edgemnist.compiler.claims import (
    MOST_OPERATORS,
    Schema,
    budget_problems,
    end_problems,
    operand_problems,
    table_problems,
    tensor_problems,
)
from edgemnist.compiler.folding import Spent, folded_value
from edgemnist.compiler.graph import ACTIVATION_NONE, Graph, Node
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.typed_kinds import typed
from edgemnist.tflite.file import TensorInfo, TfliteModel, parse_subgraph

WHILE = "WHILE"
GRAPHS_OF_WHILE = ("cond_subgraph_index", "body_subgraph_index")
"""Its options that name the graphs that it runs."""

UNROLL = "build the recurrent layer with `unroll=True`, load the weights, and convert that"
"""What to do about a loop that stays one."""

_COUNTERS: Mapping[str, Callable[..., NDArray[Any]]] = {
    "ADD": np.add, "SUB": np.subtract, "MUL": np.multiply, "MINIMUM": np.minimum, "MAXIMUM": np.maximum,
    "LESS": np.less, "LESS_EQUAL": np.less_equal, "GREATER": np.greater, "GREATER_EQUAL": np.greater_equal,
    "EQUAL": np.equal, "NOT_EQUAL": np.not_equal,
}  # fmt: skip
"""What a loop counts and compares with, of integers."""

_JOINED: Mapping[str, Callable[..., NDArray[Any]]] = {"LOGICAL_AND": np.logical_and, "LOGICAL_OR": np.logical_or}
"""What joins comparisons."""

_LONGEST_COUNTER = 16
"""Elements: what is longer is no counter."""

_WORKED_OUT = ("FULLY_CONNECTED", "ADD", "SUB", "MUL", "SPLIT")
"""What a first turn makes of a state that begins as zeros; none of them calls the C library."""


_MOST_WORKED_OUT = 8 * MOST_OPERATORS
_MOST_PRODUCTS = 2**24
"""Operators on constants, of all turns of all loops, and their products."""

_MOST_CONSTANTS = 8 * 2**20
"""Bytes of the constants that the operators of all turns read, each counted for every operator that reads it."""


class _NotUnrolledError(Exception):
    """Why a loop stays as it is."""


class Loops(GrowingTensors):
    """A file's tensors and operators without its loops.

    ``problems``: why some have to stay, by their place. ``run``: the graphs of those that do not.
    """

    def __init__(self, tensors: Mapping[int, TensorInfo]) -> None:
        super().__init__(tensors)
        self.nodes: list[Node] = []
        self.problems: dict[tuple[int, ...], str] = {}
        self.run: set[int] = set()
        self.read = 0  # bytes of constants, by all operators of turns
        self.worked_out = self.products = 0
        self.spent = Spent()


def without_loops(
    model: TfliteModel,
    tensors: Mapping[int, TensorInfo],
    nodes: Sequence[Node],
    schemas: Mapping[str, Schema],
    prepared: Callable[[TfliteModel], Mapping[int, TensorInfo]],
) -> Loops:
    """Return a model's tensors and nodes with every loop's turns one behind the other.

    ``schemas``: of the operators that are known. ``prepared`` returns a graph's tensors as the compiler takes them.

    :raises ModelError: a graph that a loop runs is corrupt.
    """
    found = Loops(tensors)
    for node in nodes:
        if node.kind != WHILE:
            found.nodes.append(node)
            continue
        before = len(found.nodes)
        try:
            _Loop(model, node, found, schemas, prepared).unroll()
        except _NotUnrolledError as why:
            found.problems[node.sources] = f"{node.label}: not supported, {why}"
            found.nodes[before:] = [node]
    return found


class _Loop:
    """One loop, and where its turns go."""

    def __init__(
        self,
        model: TfliteModel,
        node: Node,
        found: Loops,
        schemas: Mapping[str, Schema],
        prepared: Callable[[TfliteModel], Mapping[int, TensorInfo]],
    ) -> None:
        self._places = [node.integer(option) for option in GRAPHS_OF_WHILE]
        if not all(0 < place < model.subgraphs for place in self._places):
            raise _NotUnrolledError(
                f"it runs graphs {self._places}, the file has {model.subgraphs}; the file is corrupt"
            )
        self._node, self._found = node, found
        self._condition, self._body = (parse_subgraph(model.content, place) for place in self._places)
        self._prepared = [prepared(graph) for graph in (self._condition, self._body)]
        self._constants: dict[tuple[int, int], int] = {}
        self._check(schemas)

    def _check(self, schemas: Mapping[str, Schema]) -> None:
        """Refuse what no interpreter runs, and what is not done here."""
        node, body = self._node, self._body
        ends = (node.inputs, self._condition.inputs, body.inputs, body.outputs, node.outputs)
        if (
            len({len(end) for end in ends}) > 1
            or len(self._condition.outputs) != 1
            or -1 in (*node.inputs, *node.outputs)
        ):
            raise _NotUnrolledError("its graphs have other numbers of inputs and outputs; the file is corrupt")
        tensors = self._found.tensors
        outer_ends = [tensors[index] for index in (*node.inputs, *node.outputs)]
        if any(one.is_variable for one in outer_ends) or any(tensors[index].data is not None for index in node.outputs):
            raise _NotUnrolledError("it writes what has a value already, or reads a variable; the file is corrupt")
        for number, outer in enumerate(node.inputs):
            kept = tensors[outer]
            for one in (
                self._prepared[0][self._condition.inputs[number]], self._prepared[1][body.inputs[number]],
                self._prepared[1][body.outputs[number]], tensors[node.outputs[number]],
            ):  # fmt: skip
                if (one.shape, one.dtype, one.quantisation) != (kept.shape, kept.dtype, kept.quantisation):
                    raise _NotUnrolledError(f"{one.name!r} has another shape, type or scale in a turn; {UNROLL}")
        for graph in (self._condition, body):
            problems = [*budget_problems(graph), *table_problems(graph, {}, schemas)]
            problems += end_problems(graph, "input", graph.inputs)
            if any(-1 in one.shape_signature for one in graph.tensors):
                problems.append(f"the sizes of tensors are known only when it runs; {UNROLL}")
            if any(one.is_variable for one in graph.tensors):
                problems.append(f"an operator in it keeps something; {UNROLL}")
            if problems:
                raise _NotUnrolledError(f"in a turn: {problems[0]}")

    def unroll(self) -> None:
        """Add the turns to what was found.

        What never runs stands there too, for nobody: interpreters prepare it all the same, so that it is looked at.
        """
        self._found.nodes += self._turn(self._condition, 0, self._node.inputs)[1]
        state, turns, before = list(self._node.inputs), 0, len(self._found.nodes)
        while self._goes_on(state):
            state, added = self._turn(self._body, 1, state)
            self._found.nodes += added
            turns += 1
            most = max(len(self._found.nodes), turns)
            if most > MOST_OPERATORS or self._found.worked_out > _MOST_WORKED_OUT:
                raise _NotUnrolledError(
                    f"turn {turns:,} ends beyond {MOST_OPERATORS:,} operators or turns; give the layer fewer steps"
                )
            self._count(added)
        if not turns:
            self._found.nodes += self._turn(self._body, 1, state)[1]
        self._end(state, before)
        self._found.run.update(self._places)

    def _count(self, added: Sequence[Node]) -> None:
        found = self._found
        constants = (found.tensors[index].data for node in added for index in node.inputs if index != -1)
        found.read += sum(value.nbytes for value in constants if value is not None)
        if found.read > _MOST_CONSTANTS:
            raise _NotUnrolledError(
                f"its operators read {found.read:,} bytes of constants and more, allowed are {_MOST_CONSTANTS:,}; give "
                "the layer fewer steps"
            )

    def _goes_on(self, state: Sequence[int]) -> bool:
        """Return whether there is another turn."""
        (answer,), _ = self._turn(self._condition, 0, state)
        value = self._found.tensors[answer].data
        if value is None or value.size != 1:
            raise _NotUnrolledError(f"how often it runs depends on the input; {UNROLL}")
        return bool(value.reshape(-1)[0])

    def _turn(self, graph: TfliteModel, which: int, state: Sequence[int]) -> tuple[list[int], list[Node]]:
        """Return the tensors that a graph makes of others, and its nodes that only the input decides."""
        inner, found = self._prepared[which], self._found.tensors
        names = dict(zip(graph.inputs, state, strict=True))

        def outer(index: int) -> int:
            if index == -1 or index in names:
                return names.get(index, -1)
            tensor = inner[index]
            if tensor.data is None:
                names[index] = self._found.add(tensor)
                return names[index]
            if (which, index) not in self._constants:
                self._constants[which, index] = self._found.add(tensor)
            return self._constants[which, index]

        nodes = []
        for operator in graph.operators:
            inputs, outputs = (tuple(map(outer, some)) for some in (operator.inputs, operator.outputs))
            if any(index == -1 or found[index].data is not None for index in outputs):
                raise _NotUnrolledError(
                    "an operator in it writes nothing, or what has a value already; the file is corrupt"
                )
            node = Node(operator.kind, inputs, outputs, operator.options, self._node.sources)
            flowing = [index for index, own in zip(inputs, operator.inputs, strict=True)
                       if own != -1 and inner[own].data is None]  # fmt: skip
            values = _values(node, self._found, flowing)
            if values is None:
                nodes.append(node)
            else:
                self._found.worked_out += 1
                for index, value in zip(outputs, values, strict=True):
                    found[index] = replace(found[index], data=value)
        return [outer(index) for index in graph.outputs], nodes

    def _end(self, state: Sequence[int], before: int) -> None:
        """Have the last turn write what the loop gives; what it gives as it was, is read where it is."""
        tensors, nodes = self._found.tensors, self._found.nodes
        written = {index for node in nodes[before:] for index in node.outputs}
        names: dict[int, int] = {}
        for index, given in zip(state, self._node.outputs, strict=True):
            value = tensors[index].data
            if value is not None:
                tensors[given] = replace(tensors[given], data=value)
            elif index in written and index not in names:
                names[index] = given
            else:
                source = names.get(index, index)
                nodes.append(
                    Node("RESHAPE", (source,), (given,), {"new_shape": tensors[given].shape}, self._node.sources)
                )
        for place in range(before, len(nodes)):
            node = nodes[place]
            inputs, outputs = (tuple(names.get(one, one) for one in some) for some in (node.inputs, node.outputs))
            nodes[place] = replace(node, inputs=inputs, outputs=outputs)


def _values(node: Node, found: Loops, flowing: Sequence[int]) -> list[NDArray[Any]] | None:
    """Return what a node makes of constants, None where it has others or is of no kind that is worked out here.

    ``flowing``: those of its inputs that are no constants of the graph.
    """
    operands = [found.tensors[index] for index in node.inputs if index != -1]
    unusable = any(one.data is None or tensor_problems(one, node.kind) for one in operands)
    if not flowing or unusable:  # it stays, and is refused where it is
        return None
    value = _counted(node, operands, found.tensors)
    if value is None:
        value = folded_value(node, found.tensors, found.spent)
    return [value] if value is not None else _computed(node, found, flowing)


def _counted(node: Node, operands: Sequence[TensorInfo], tensors: Mapping[int, TensorInfo]) -> NDArray[Any] | None:
    """Return what comes of counting or comparing."""
    types = {one.dtype for one in operands}
    function = (_COUNTERS if types <= {"int32", "int64"} else _JOINED if types == {"bool"} else {}).get(node.kind)
    small = all(one.elements <= _LONGEST_COUNTER for one in operands)
    plain = node.integer("fused_activation_function", ACTIVATION_NONE) == ACTIVATION_NONE
    if function is None or not small or not plain or (len(operands), len(types), len(node.outputs)) != (2, 1, 1):
        return None
    target = tensors[node.outputs[0]]
    if target.dtype not in (*types, "bool"):
        return None
    if any(one.shape != target.shape and one.elements != 1 for one in operands):
        return None
    with np.errstate(over="ignore"):
        value = np.asarray(function(*(np.asarray(one.data) for one in operands)))
    return value.astype(target.dtype) if value.shape == target.shape else None


def _computed(node: Node, found: Loops, flowing: Sequence[int]) -> list[NDArray[Any]] | None:
    """Return what a kernel makes of constants, in its own arithmetic; it makes no more bytes of them."""
    if node.kind not in _WORKED_OUT:
        return None
    own = {index: found.tensors[index] for index in (*node.inputs, *node.outputs) if index != -1}
    operands = [own[index] for index in node.inputs if index != -1]
    own |= {index: replace(own[index], data=None) for index in flowing}
    kind = typed(node, own)
    operator = OPERATORS.get(kind.kind)
    if operator is None or sum(own[index].bytes for index in node.outputs) > sum(one.bytes for one in operands):
        return None
    graph = Graph(own, (kind,), tuple(flowing), node.outputs, "", {})
    if operand_problems(kind, own, several_outputs=operator.several_outputs) or operator.check(kind, graph):
        return None
    found.products += operator.products(kind, graph)
    if found.products > _MOST_PRODUCTS:
        return None
    found.spent.add(node, operands, own[node.outputs[0]])
    absent = np.empty(0, np.int8)
    inputs = [absent if index == -1 else np.asarray(found.tensors[index].data) for index in node.inputs]
    return operator.reference(kind, graph, inputs, LoweringSettings())
