"""How `scripts/fuzz` damages a model: bytes, fields of the flatbuffer's objects, operators, operands, constants."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import flatbuffers
import numpy as np
from numpy.typing import NDArray

Change = Callable[[Any], None]
"""Changes a model in the schema's object form."""
EDGES = (-(2**31), -129, -128, -2, -1, 0, 1, 2, 3, 5, 127, 128, 255, 2**15, 2**31 - 1)
FAR = (-(2**31), -2, -1, 0, 1, 2, 255, 2**31 - 1)
"""What each whole number is replaced by, one after the other."""
WORDS = 6
"""Of a list's numbers so many are changed one by one."""
REALS = (0.0, -1.0, 1e-38, 1e38, float("inf"), float("-inf"), float("nan"))


class Source:
    """A model in the schema's object form, of which any number of changed copies are made."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self.content = content
        self._objects = pickle.dumps(schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0)))

    def model(self) -> Any:
        """Return the model as objects of its own."""
        return pickle.loads(self._objects)

    def edited(self, change: Change) -> bytes:
        """Return the file after ``change`` was made to it."""
        model = self.model()
        change(model)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def changed_bytes(source: Source, draw: random.Random) -> bytes:
    """Change a few bytes anywhere."""
    damaged = bytearray(source.content)
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        damaged[draw.randrange(8, len(damaged))] = draw.choice((0, 1, 127, 128, 255, draw.randrange(256)))
    return bytes(damaged)


def objects(model: Any) -> Iterator[Any]:
    """Yield the objects of a model that have fields to change."""
    for graph in model.subgraphs:
        yield graph
        for tensor in graph.tensors:
            yield tensor
            if tensor.quantization is not None:
                yield tensor.quantization
        for operator in graph.operators:
            yield operator
            if operator.builtinOptions is not None:
                yield operator.builtinOptions
    yield from (*model.operatorCodes, *(model.signatureDefs or ()), *(model.metadata or ()), model)


def changed_field(source: Source, draw: random.Random) -> bytes:
    """Change one or two fields of the flatbuffer's objects."""

    def change(model: Any) -> None:
        for _ in range(draw.choice((1, 1, 2))):
            one = draw.choice(list(objects(model)))
            name = draw.choice(list(vars(one)))
            setattr(one, name, other_value(getattr(one, name), draw))

    return source.edited(change)


def other_value(value: Any, draw: random.Random) -> Any:
    """Return a value of the same type, near or far."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return draw.choice((value + 1, value - 1, draw.choice(EDGES)))
    if isinstance(value, float):
        return draw.choice((value * 2, -value, draw.choice(REALS)))
    if hasattr(value, "__len__") and len(value) and not isinstance(value, (str, bytes)):
        items = list(value)
        where = draw.randrange(len(items))
        kind, plain = draw.randrange(3), items[where].item() if hasattr(items[where], "item") else items[where]
        if kind == 0 and isinstance(plain, (int, float)):
            items[where] = other_value(plain, draw)
        elif kind == 1:
            items.pop(where)
        else:
            items.append(items[where])
        return items
    return value


def changed_graph(source: Source, draw: random.Random) -> bytes:
    """Swap operators or tensors, take an operator's options or operands from another one, leave one out."""

    def change(model: Any) -> None:
        graph = draw.choice(model.subgraphs)
        first, second = draw.choice(graph.operators), draw.choice(graph.operators)
        kind = draw.randrange(6)
        if kind == 0:
            first.builtinOptions, first.builtinOptionsType = second.builtinOptions, second.builtinOptionsType
        elif kind == 1:
            first.opcodeIndex = second.opcodeIndex
        elif kind == 2:
            first.inputs = [*first.inputs[:-1], draw.randrange(len(graph.tensors))]
        elif kind == 3:
            first.outputs, second.outputs = second.outputs, first.outputs
        elif kind == 4:
            graph.operators.remove(first)
        else:
            one, other = draw.choice(graph.tensors), draw.choice(graph.tensors)
            one.shape, one.buffer = other.shape, draw.choice((one.buffer, other.buffer))

    return source.edited(change)


def changed_operand(source: Source, draw: random.Random) -> bytes:
    """Leave out an operand, call it absent, or name it twice."""

    def change(model: Any) -> None:
        operator = draw.choice(draw.choice(model.subgraphs).operators)
        inputs = list(operator.inputs)
        place = draw.randrange(len(inputs))
        inputs[place : place + 1] = draw.choice(([], [-1], inputs[place : place + 1] * 2))
        operator.inputs = inputs

    return source.edited(change)


def changed_constant(source: Source, draw: random.Random) -> bytes:
    """Change a number in a constant, such as an axis, a size or a weight; all of them lie at multiples of four."""

    def change(model: Any) -> None:
        buffer = draw.choice([one for one in model.buffers if one.data is not None and len(one.data)])
        data = bytearray(bytes(buffer.data))
        where = draw.randrange(len(data)) // 4 * 4
        value = other_value(int.from_bytes(data[where : where + 4], "little", signed=True), draw)
        data[where : where + 4] = (value % 2**32).to_bytes(4, "little")[: len(data) - where]
        buffer.data = np.frombuffer(bytes(data), np.uint8)

    return source.edited(change)


MUTATORS: tuple[Callable[[Source, random.Random], bytes], ...] = (
    changed_bytes, changed_field, changed_field, changed_field, changed_graph, changed_operand, changed_constant,
)  # fmt: skip


def each_field(source: Source) -> Iterator[Change]:
    """Yield a change for every field of every object and each of the values that it could wrongly have.

    Short constants are among the fields, word by word.
    """
    for place, one in enumerate(objects(source.model())):
        for name, value in vars(one).items():
            for other in other_values(value):
                yield partial(_set, place=place, name=name, value=other)
    for number, buffer in enumerate(source.model().buffers):
        if buffer.data is None or not 0 < len(buffer.data) <= WORDS * 4:
            continue
        words = np.frombuffer(bytes(buffer.data).ljust(-(-len(buffer.data) // 4) * 4, b"\0"), np.int32)
        for other in filter(None, other_values([int(word) for word in words])):
            data = np.array(other, np.int64).astype(np.int32).view(np.uint8)
            yield partial(_fill, number=number, data=data)


def _set(model: Any, place: int, name: str, value: Any) -> None:
    setattr(list(objects(model))[place], name, value)


def _fill(model: Any, number: int, data: NDArray[np.uint8]) -> None:
    model.buffers[number].data = data


def other_values(value: Any) -> list[Any]:
    """Return values of the same type, near and far; for what is a list or a table also that it is not there."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [other for other in dict.fromkeys((value + 1, value - 1, *FAR)) if other != value]
    if isinstance(value, float):
        return [other for other in (value * 2, -value, *REALS) if other != value]
    if isinstance(value, (str, bytes)):
        return [b"", b"\xff\xfe", b"a*/b"]
    if not hasattr(value, "__len__"):
        return [] if value is None else [None]
    items = [item.item() if hasattr(item, "item") else item for item in value]
    found: list[Any] = [None, [], items[:-1], [*items, *items[-1:]], items[::-1]]
    for place, item in enumerate(items[:WORDS]):
        if isinstance(item, (int, float)):
            found += [[*items[:place], other, *items[place + 1 :]] for other in other_values(item)]
    return found
