"""A ``.tflite`` whose tensors and constants lie apart in memory, so that TFLM's kernels can be seen to leave them.

TFLM believes what a file says of shapes. Where that is wrong, a kernel reads or writes beside its tensor, and what it
finds there depends on where everything lies. TFLM takes the places of tensors from a file's metadata (its "offline
memory plan"), so a copy of the file can choose them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from edgemnist.tflite.file import FILE_IDENTIFIER, TfliteModel

GAP = 4096
"""Bytes between any two neighbours, before the first and behind the last."""

_ALIGNMENT = 16
LEAST_HOLE = 1 << 20
"""Bytes before the first gap, at least, for what kernels ask for themselves."""

_PLAN_NAME = b"OfflineMemoryAllocation"
_PLAN_VERSION = 1
_OPERATOR_CODES, _SUBGRAPHS = 1, 2
"""Fields of the schema's table ``Model``, by their order: version, operator codes, subgraphs, description, buffers."""


@dataclass(frozen=True)
class ApartModel:
    """``content``: the file. ``places``: of each planned tensor, by its index, the first byte in the arena.

    The tensors lie in ``start`` .. ``stop`` of the arena, gaps included; before them is room for what kernels ask for
    themselves, which TFLM's planner puts into the first gap that is large enough. ``start == stop``: nothing is
    planned.
    """

    content: bytes
    places: Mapping[int, int]
    start: int
    stop: int


def apart(model: TfliteModel, *, fill: int, backwards: bool) -> ApartModel:
    """Return a copy of a model with a gap on both sides of every tensor and constant.

    :param fill: the byte, 0..255, in the gaps between constants.
    :param backwards: whether tensors and constants lie in the order of the file or the other way round.
    """
    places, start, stop = _plan(model, backwards=backwards)
    offsets = [places.get(tensor.index, -1) for tensor in model.tensors]
    plan = struct.pack(f"<3i{len(offsets)}i", _PLAN_VERSION, 0, len(offsets), *offsets) if places else b""
    content = _with_head(model.content, plan, fill=fill, backwards=backwards)
    return ApartModel(content, MappingProxyType(places), start, stop)


def _plan(model: TfliteModel, *, backwards: bool) -> tuple[dict[int, int], int, int]:
    """Return where each tensor goes, and the first and the last byte of all; a plan is for the first graph only."""
    planned = [tensor for tensor in model.tensors if tensor.data is None and not tensor.is_variable]
    if model.subgraphs != 1:
        return {}, 0, 0
    start = _aligned(LEAST_HOLE + 8 * sum(tensor.bytes for tensor in planned))
    places, stop = {}, start + GAP
    for tensor in planned[::-1] if backwards else planned:
        places[tensor.index] = stop
        stop = _aligned(stop + tensor.bytes) + GAP
    return places, start, stop


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


# The copy is a new head before the old file: in a FlatBuffer a reference is the distance to something further on, so
# that tables put in front can refer to all that is behind them, and what is behind refers to itself as before.


def _with_head(content: bytes, plan: bytes, *, fill: int, backwards: bool) -> bytes:
    """Return a file with its constants apart, and ``plan``, unless empty, as the plan of the memory."""
    import tflite

    model = tflite.Model.GetRootAs(content, 0)
    buffers = [model.Buffers(index) for index in range(model.BuffersLength())]
    head = _Head(fill)
    root, version, codes, graphs, into_buffers, *metadata = head.table([0, 1, 2, None, 3, None, *([4] if plan else [])])
    struct.pack_into("<I", head.bytes, 0, root)
    head.bytes[4:8] = FILE_IDENTIFIER
    struct.pack_into("<I", head.bytes, version, model.Version())
    for reference, number in ((codes, _OPERATOR_CODES), (graphs, _SUBGRAPHS)):
        head.point_into_old(reference, model._tab.Indirect(model._tab.Pos + model._tab.Offset(4 + 2 * number)))
    vector, *references = head.vector(len(buffers) + len(metadata))
    head.point(into_buffers, vector)
    for reference, buffer in sorted(
        zip(references, buffers, strict=False), reverse=backwards, key=lambda pair: pair[0]
    ):
        if buffer.DataLength():
            head.buffer(reference, buffer.DataAsNumpy().tobytes())
        else:
            head.point_into_old(reference, buffer._tab.Pos)
    for reference in metadata:
        head.buffer(references[-1], plan)
        head.name_buffer(reference, _PLAN_NAME, len(buffers))
    return head.before(content)


class _Head:
    """The head of the copy while it is written; what it refers to in the old file is filled in at the end."""

    def __init__(self, fill: int) -> None:
        self.bytes = bytearray(8)
        self._fill = bytes([fill])
        self._into_old: list[tuple[int, int]] = []

    def table(self, fields: Sequence[int | None]) -> list[int]:
        """Add a table with a field of four bytes for each number that is not None; return where these fields are."""
        given = [number for number in fields if number is not None]
        slots = [0 if number is None else 4 + 4 * given.index(number) for number in fields]
        vtable = self._end(4)
        self.bytes += struct.pack(f"<{2 + len(slots)}H", 4 + 2 * len(slots), 4 + 4 * len(given), *slots)
        table = self._end(4)
        self.bytes += struct.pack("<i", table - vtable) + bytes(4 * len(given))
        return [table, *(table + slot for slot in slots if slot)]

    def vector(self, count: int) -> list[int]:
        """Add a vector of ``count`` references; return where it is and where each of them is."""
        start = self._end(4)
        self.bytes += struct.pack("<I", count) + bytes(4 * count)
        return [start, *(start + 4 + 4 * index for index in range(count))]

    def data(self, content: bytes, terminator: bytes = b"") -> int:
        """Add a vector of bytes, a gap before it; return where it is."""
        self.bytes += GAP * self._fill
        start = self._end(_ALIGNMENT, 4) - 4
        self.bytes[start:] = struct.pack("<I", len(content)) + content + terminator
        return start

    def buffer(self, reference: int, content: bytes) -> None:
        """Add a table ``Buffer`` with its data for a reference to it."""
        table, data = self.table([0])
        self.point(reference, table)
        self.point(data, self.data(content))

    def name_buffer(self, reference: int, name: bytes, buffer: int) -> None:
        """Add a vector with one table ``Metadata`` for a reference to it."""
        vector, only = self.vector(1)
        self.point(reference, vector)
        table, into_name, number = self.table([0, 1])
        self.point(only, table)
        struct.pack_into("<I", self.bytes, number, buffer)
        self.point(into_name, self.data(name, b"\0"))

    def point(self, reference: int, target: int) -> None:
        """Let a reference point to what is further on in the head."""
        struct.pack_into("<I", self.bytes, reference, target - reference)

    def point_into_old(self, reference: int, position: int) -> None:
        """Let a reference point into the old file."""
        self._into_old.append((reference, position))

    def before(self, content: bytes) -> bytes:
        """Return the head and the old file behind it."""
        self.bytes += GAP * self._fill
        length = self._end(_ALIGNMENT)
        for reference, position in self._into_old:
            self.point(reference, length + position)
        return bytes(self.bytes) + content

    def _end(self, alignment: int, ahead: int = 0) -> int:
        """Fill up until what comes ``ahead`` bytes further on is aligned; return where that is."""
        self.bytes += -(len(self.bytes) + ahead) % alignment * self._fill + bytes(ahead)
        return len(self.bytes)
