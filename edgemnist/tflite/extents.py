"""Where the bytes of a TFLite file go: what each operator takes, with the tensors and constants that it brings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgemnist.tflite.tables import options_of
from edgemnist.tflite.verification import fields_of, is_table

_OFFSET = 4
"""Bytes by which a table or a string is named, and of the length before a vector."""


def operator_bytes(content: bytes) -> tuple[int, ...]:
    """Return the bytes that each operator of the first subgraph takes of a file which has been read without an error.

    Those of its outputs, of the constants and the kind that no operator before it has, and of itself. Not in it are
    the tables of offsets, which FlatBuffers shares, bytes between vectors, graph inputs, signatures and metadata.
    """
    import tflite

    model = tflite.Model.GetRootAs(content, 0)
    counted: set[tuple[str, int]] = set()
    operators = range(model.Subgraphs(0).OperatorsLength())
    return tuple(sum(_OFFSET + size for size in _parts(model, index, counted)) for index in operators)


def _parts(model: Any, index: int, counted: set[tuple[str, int]]) -> Iterator[int]:
    """Yield what an operator takes and what it brings that is not counted yet."""
    graph = model.Subgraphs(0)
    operator = graph.Operators(index)
    yield _size(operator)
    if _is_first("kind", operator.OpcodeIndex(), counted):
        yield _size(model.OperatorCodes(operator.OpcodeIndex()))
    outputs = {operator.Outputs(place) for place in range(operator.OutputsLength())}
    inputs = {operator.Inputs(place) for place in range(operator.InputsLength())}
    for number in sorted((inputs | outputs) - {-1}):
        tensor = graph.Tensors(number)
        buffer = model.Buffers(tensor.Buffer())
        if (number in outputs or buffer.DataLength()) and _is_first("tensor", number, counted):
            yield _size(tensor)
            if tensor.Buffer() and _is_first("buffer", tensor.Buffer(), counted):
                yield _size(buffer)


def _is_first(what: str, number: int, counted: set[tuple[str, int]]) -> bool:
    new = (what, number) not in counted
    counted.add((what, number))
    return new


def _size(table: Any) -> int:
    """Return the bytes of a table, and of the vectors, strings and tables that it alone names."""
    place = table._tab.Pos
    offsets = place - int.from_bytes(table._tab.Bytes[place : place + 4], "little", signed=True)
    size = int.from_bytes(table._tab.Bytes[offsets + 2 : offsets + 4], "little")
    return size + sum(_inside(table, field.name, field.is_vector) for field in fields_of(type(table).__name__))


def _inside(table: Any, name: str, is_vector: bool) -> int:
    if is_vector:
        length = int(getattr(table, f"{name}Length")())
        if not length:
            return 0
        first = getattr(table, name)(0)
        if is_table(first):
            return sum(_OFFSET + _size(getattr(table, name)(place)) for place in range(length)) + _OFFSET
        return _OFFSET + int(getattr(table, f"{name}AsNumpy")().nbytes)
    value = options_of(table) if name == "BuiltinOptions" else getattr(table, name)()
    if is_table(value):
        return _size(value)
    return _OFFSET + len(value) + 1 if isinstance(value, bytes) else 0
