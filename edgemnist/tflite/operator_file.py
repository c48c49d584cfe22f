"""A file with one operator of another, cut out where it stands: constants keep their place, nothing is written anew.

In a FlatBuffer a vector is a 32-bit count and its elements; those that are tables are forward distances, and so is what
names a vector in a table. So lists of tables are shortened where they stand, and new lists of numbers put behind.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from edgemnist.tflite.lists import INPUTS, OPERATORS, OUTPUTS

_TENSORS, _INTERMEDIATES, _SIGNATURES = 4, 20, 18
"""Places in the tables SubGraph, Operator and Model; an operator has its inputs and outputs where a graph has them."""


def operator_file(content: bytes, index: int, inputs: Sequence[int]) -> bytes:
    """Return a copy of a TFLite file whose first graph has one of its operators, and no tensors but that one's.

    The tensors are numbered anew, in their order. Signatures, which name tensors by number, are left out.

    :param inputs: the tensors that the file is to take, in their order; its outputs are the operator's.
    """
    import tflite

    changed = bytearray(content) + bytes(-len(content) % 4)
    model = tflite.Model.GetRootAs(changed, 0)
    graph, operator = model.Subgraphs(0)._tab, model.Subgraphs(0).Operators(index)._tab
    lists = {place: _numbers(changed, operator, place) for place in (INPUTS, OUTPUTS, _INTERMEDIATES)}
    used = sorted({tensor for numbers in lists.values() for tensor in numbers if tensor != -1})
    places = {-1: -1} | {tensor: place for place, tensor in enumerate(used)}
    _keep(changed, graph, _TENSORS, used)
    _keep(changed, graph, OPERATORS, [index])
    if model._tab.Offset(_SIGNATURES):
        _keep(changed, model._tab, _SIGNATURES, [])
    for place, numbers in lists.items():
        _point(changed, operator, place, [places[tensor] for tensor in numbers])
    _point(changed, graph, INPUTS, [places[tensor] for tensor in inputs])
    _point(changed, graph, OUTPUTS, [places[tensor] for tensor in lists[OUTPUTS]])
    return bytes(changed)


def _numbers(content: bytearray, table: Any, place: int) -> tuple[int, ...]:
    """Return the numbers of 32 bits in a table's list, none where it has no such list."""
    offset = table.Offset(place)
    if not offset:
        return ()
    return struct.unpack_from(f"<{table.VectorLen(offset)}i", content, table.Vector(offset))


def _keep(content: bytearray, table: Any, place: int, kept: Sequence[int]) -> None:
    """Shorten a table's list of tables to those at ascending places."""
    first = table.Vector(table.Offset(place))
    for position, index in enumerate(kept):
        (distance,) = struct.unpack_from("<I", content, first + 4 * index)
        struct.pack_into("<I", content, first + 4 * position, distance + 4 * (index - position))
    struct.pack_into("<I", content, first - 4, len(kept))


def _point(content: bytearray, table: Any, place: int, numbers: Sequence[int]) -> None:
    """Put a list behind the file and point a table to it, where the table has such a list."""
    offset = table.Offset(place)
    if offset:
        field = table.Pos + offset
        struct.pack_into("<I", content, field, len(content) - field)
        content += struct.pack(f"<I{len(numbers)}i", len(numbers), *numbers)
