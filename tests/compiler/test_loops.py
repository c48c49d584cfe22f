"""WHILE: as often as a file says, exact after every turn; refused where only the input says it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import EdgeMnistError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder, edited
from tests.compiler.operators import assert_exact, assert_refused

SHAPE = (1, 6)
State = Sequence[tuple[Sequence[int], float | None, str]]
INT8: State = (((1,), None, "int32"), (SHAPE, 0.05, "int8"), (SHAPE, 0.05, "int8"))
FLOAT: State = (((1,), None, "int32"), (SHAPE, None, "float32"), (SHAPE, None, "float32"))


def with_graphs(content: bytes, *others: bytes) -> bytes:
    """Return a file with the first graphs of others behind its own."""
    from ai_edge_litert import schema_py_generated as schema

    def change(model: Any) -> None:
        for other in others:
            added = schema.ModelT.InitFromObj(schema.Model.GetRootAs(other, 0))
            graph = added.subgraphs[0]
            for tensor in graph.tensors:
                tensor.buffer += len(model.buffers)
            for operator in graph.operators or ():
                operator.opcodeIndex += len(model.operatorCodes)
            model.buffers += added.buffers
            model.operatorCodes += added.operatorCodes or []
            model.subgraphs.append(graph)

    return edited(content, change)


def graph(state: State, make: Callable[[ModelBuilder, list[int]], Sequence[int]]) -> bytes:
    builder = ModelBuilder()
    given = [
        builder.input(shape, scale, dtype=dtype, name=f"state_{n}") for n, (shape, scale, dtype) in enumerate(state)
    ]
    return builder.finish(make(builder, given))


def counted(last: int, state: State = INT8) -> bytes:
    def make(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
        return [builder.op("LESS", [given[0], builder.constant([last], dtype="int32")], (1,), dtype="bool")]

    return graph(state, make)


def one_more(builder: ModelBuilder, counter: int) -> int:
    return builder.op("ADD", [counter, builder.constant([1], dtype="int32")], (1,), dtype="int32")


def summed(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
    counter, total, image = given
    return [one_more(builder, counter), builder.op("ADD", [total, image], SHAPE, 0.05), image]


def looped(condition: bytes, turn: bytes, state: State = INT8, *, zeros: bool = False, first: int = 0) -> bytes:
    """Return a net whose loop begins with an image, or with zeros, and gives all of its state."""
    builder = ModelBuilder()
    image = builder.input(SHAPE, state[1][1], dtype=state[1][2])
    begin = builder.constant(np.zeros(SHAPE), dtype=state[1][2]) if zeros else image
    outputs = [
        builder.tensor(shape, scale, dtype=dtype, name=f"out_{n}") for n, (shape, scale, dtype) in enumerate(state)
    ]
    counter = builder.constant([first], dtype="int32")
    builder.multi_op("WHILE", [counter, begin, image], outputs, cond_subgraph_index=1, body_subgraph_index=2)
    last = builder.op("ADD", outputs[1:], SHAPE, state[1][1] and 0.3, dtype=state[1][2])
    return with_graphs(builder.finish([last]), condition, turn)


def recurrent(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
    counter, kept, image = given
    weights = builder.constant(np.linspace(-1, 1, 36).reshape(6, 6), dtype="float32")
    bias = builder.constant(np.linspace(0, 1, 6), dtype="float32")
    dense = builder.op("FULLY_CONNECTED", [kept, weights, bias], SHAPE, dtype="float32")
    return [one_more(builder, counter), builder.op("ADD", [dense, image], SHAPE, dtype="float32"), image]


def exchanged(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
    """Both parts of the state are the same tensor in the end."""
    counter, total, image = given
    new = builder.op("ADD", [total, image], SHAPE, 0.05)
    return [one_more(builder, counter), new, new]


EXACT = {
    "three turns": looped(counted(3), graph(INT8, summed)),
    "one turn": looped(counted(3), graph(INT8, summed), first=2),
    "no turn": looped(counted(3), graph(INT8, summed), first=3),
    "a state that begins as zeros": looped(counted(4, FLOAT), graph(FLOAT, recurrent), FLOAT, zeros=True),
    "one tensor twice": looped(counted(2), graph(INT8, exchanged)),
}


def test_a_loop_is_exact(tflm: RuntimeWorker) -> None:
    assert_exact(EXACT, tflm, None)


def test_weights_of_all_turns_are_there_once() -> None:
    read = read_graph(parse_tflite(EXACT["a state that begins as zeros"]))
    layers = [node for node in read.nodes if node.operator == "FULLY_CONNECTED"]
    assert len(layers) == 3  # the first turn's is worked out
    assert len({node.inputs[1] for node in layers}) == 1


def by_value(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
    total = given[1]
    axes = builder.constant([1], dtype="int32")
    most = builder.op("REDUCE_MAX", [total, axes], (1,), 0.05)
    return [builder.op("LESS", [most, builder.constant([9], 0.05)], (1,), dtype="bool")]


def always(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
    return [builder.constant([True], dtype="bool")]


def of_conditions(kind: str, sizes: tuple[int, int], dtype: str) -> bytes:
    """Return a condition that works out something of two constants which no kernel takes."""

    def make(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
        first, second = (builder.constant(np.ones(size), dtype=dtype) for size in sizes)
        last = max(sizes)
        flowing = builder.op("CAST", [given[0]], (1,), dtype=dtype)
        joined = builder.op(kind, [flowing, first], (sizes[0],), dtype=dtype)
        wrong = builder.op(kind, [joined, second], (last,), dtype=dtype)
        return [builder.op("REDUCE_MAX", [wrong, builder.constant([0], dtype="int32")], (1,), dtype="bool")]

    return graph(INT8, make)


def as_it_was(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
    return given


def other_scale(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
    counter, total, image = given
    return [one_more(builder, counter), builder.op("ADD", [total, image], SHAPE, 0.07), image]


def unknown_size(builder: ModelBuilder, given: list[int]) -> Sequence[int]:
    counter, total, image = given
    new = builder.tensor(SHAPE, 0.05, signature=(-1, 6))
    builder.multi_op("ADD", [total, image], [new])
    return [one_more(builder, counter), new, image]


def with_a_value(model: Any) -> None:
    tensors, (operator, *_) = model.subgraphs[0].tensors, model.subgraphs[0].operators
    tensors[operator.outputs[0]].buffer = tensors[operator.inputs[0]].buffer


def variable(model: Any) -> None:
    model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[0]].isVariable = True


def of_text(model: Any) -> None:
    model.subgraphs[1].tensors[model.subgraphs[1].outputs[0]].type = 5


def without_an_operand(model: Any) -> None:
    model.subgraphs[2].operators[1].inputs = [1, -1]


def twice_the_same(model: Any) -> None:
    model.subgraphs[2].inputs = [0, 1, 1]


def no_graph(model: Any) -> None:
    model.subgraphs[0].operators[0].builtinOptions.bodySubgraphIndex = 7


REFUSED = {
    "by a value": (looped(graph(INT8, by_value), graph(INT8, summed)), "depends on the input"),
    "endless": (looped(graph(INT8, always), graph(INT8, as_it_was)), "turn 513 ends beyond 512"),
    "too many turns": (looped(counted(10_000), graph(INT8, summed)), "fewer steps"),
    "another scale": (looped(counted(3), graph(INT8, other_scale)), "another shape, type or scale"),
    "another size": (looped(counted(3), graph(INT8, unknown_size)), "only when it runs"),
    "other sizes": (looped(of_conditions("ADD", (2, 3), "int32"), graph(INT8, summed)), "depends on the input"),
    "difference of conditions": (looped(of_conditions("SUB", (1, 1), "bool"), graph(INT8, summed)), "depends on"),
    "an output with a value": (edited(EXACT["three turns"], with_a_value), "has a value already"),
    "a variable": (edited(EXACT["three turns"], variable), "reads a variable"),
    "an answer that is text": (edited(EXACT["three turns"], of_text), "depends on the input"),
    "a turn that never runs lacks something": (edited(EXACT["no turn"], without_an_operand), "needs two operands"),
    "an input listed twice": (edited(EXACT["three turns"], twice_the_same), "is listed twice"),
    "no such graph": (edited(EXACT["three turns"], no_graph), "the file is corrupt"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_loop_is_refused(name: str) -> None:
    assert_refused(*REFUSED[name])


@pytest.mark.parametrize("place", range(60))
def test_a_damaged_loop_is_taken_or_refused(place: int) -> None:
    """Operands of a turn that are others, or none."""

    def change(model: Any) -> None:
        operators = [one for which in model.subgraphs for one in which.operators]
        operator = operators[place % len(operators)]
        which = "outputs" if place % 3 == 0 else "inputs"
        given = list(getattr(operator, which))
        given[place % len(given)] = place % 7 - 1
        setattr(operator, which, given)

    with contextlib.suppress(EdgeMnistError):
        read_graph(parse_tflite(edited(EXACT["three turns"], change)))
