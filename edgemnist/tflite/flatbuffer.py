"""Tables of a FlatBuffer by the numbers of their fields, where no code was made from the schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST_ENTRIES = 4096
"""A vector of more is refused: nothing that is read here has nearly as many."""


class TableWriter:
    """Writes tables, vectors and strings; each returns the offset by which others refer to it."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def table(self, bytes_by_field: dict[int, int], offsets_by_field: dict[int, int]) -> int:
        """Write a table of fields of one byte, and of fields that refer to what was written before."""
        self._builder.StartObject(max([*bytes_by_field, *offsets_by_field, -1]) + 1)
        for field, offset in offsets_by_field.items():
            self._builder.PrependUOffsetTRelativeSlot(field, offset, 0)
        for field, value in bytes_by_field.items():
            self._builder.PrependUint8Slot(field, value, 0)
        return int(self._builder.EndObject())

    def vector(self, offsets: Sequence[int]) -> int:
        """Write a vector of what was written before."""
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def floats(self, values: Sequence[float]) -> int:
        """Write a vector of float32."""
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return int(self._builder.EndVector())

    def text(self, value: str) -> int:
        """Write a string in UTF-8."""
        return int(self._builder.CreateString(value))


class TableReader:
    """A table of a FlatBuffer, read by the number of the field.

    :raises ValueError: a field is missing, or a vector has more than :data:`MOST_ENTRIES`. Damaged bytes raise whatever
        the library's own reader raises.
    """

    def __init__(self, table: Any) -> None:
        self._table = table

    @classmethod
    def root(cls, content: bytes) -> TableReader:
        """Return a FlatBuffer's outermost table."""
        from flatbuffers.table import Table

        return cls(Table(content, int.from_bytes(content[:4], "little")))

    def _position(self, field: int) -> int:
        offset = self._table.Offset(4 + 2 * field)
        if not offset:
            raise ValueError(f"field {field} is missing")
        return int(offset)

    def byte(self, field: int) -> int:
        """Return a field of one byte."""
        from flatbuffers import number_types

        position = self._table.Pos + self._position(field)
        return int(self._table.Get(number_types.Uint8Flags, position))

    def byte_or_zero(self, field: int) -> int:
        """Return a field of one byte, 0 where it is missing."""
        return self.byte(field) if self._has(field) else 0

    def integer_or_zero(self, field: int) -> int:
        """Return a field of 32 bits without a sign, 0 where it is missing."""
        from flatbuffers import number_types

        if not self._has(field):
            return 0
        return int(self._table.Get(number_types.Uint32Flags, self._table.Pos + self._position(field)))

    def content(self, field: int, most: int) -> bytes:
        """Return a vector of bytes.

        :raises ValueError: it has more than ``most``, or ends behind the file.
        """
        position = self._position(field)
        start, count = int(self._table.Vector(position)), int(self._table.VectorLen(position))
        if count > most or start + count > len(self._table.Bytes):
            raise ValueError(f"field {field} has {count} bytes, more than the file")
        return bytes(self._table.Bytes[start : start + count])

    def _has(self, field: int) -> bool:
        return bool(self._table.Offset(4 + 2 * field))

    def text_or_empty(self, field: int) -> str:
        """Return a string, "" where it is missing."""
        return self.text(field) if self._has(field) else ""

    def table_or_none(self, field: int) -> TableReader | None:
        """Return a table, None where it is missing."""
        return self.table(field) if self._has(field) else None

    def tables_or_empty(self, field: int) -> list[TableReader]:
        """Return a vector of tables, empty where it is missing."""
        return self.tables(field) if self._has(field) else []

    def floats_or_empty(self, field: int) -> list[float]:
        """Return a vector of float32, empty where it is missing."""
        return self.floats(field) if self._has(field) else []

    def text(self, field: int) -> str:
        """Return a string."""
        value: bytes = self._table.String(self._table.Pos + self._position(field))
        return value.decode()

    def table(self, field: int) -> TableReader:
        """Return a table."""
        return self._at(self._table.Indirect(self._table.Pos + self._position(field)))

    def tables(self, field: int) -> list[TableReader]:
        """Return a vector of tables."""
        start, count = self._vector(field)
        return [self._at(self._table.Indirect(start + 4 * index)) for index in range(count)]

    def floats(self, field: int) -> list[float]:
        """Return a vector of float32."""
        from flatbuffers import number_types

        start, count = self._vector(field)
        return [float(self._table.Get(number_types.Float32Flags, start + 4 * index)) for index in range(count)]

    def _vector(self, field: int) -> tuple[int, int]:
        position = self._position(field)
        start, count = int(self._table.Vector(position)), int(self._table.VectorLen(position))
        if count > MOST_ENTRIES:
            raise ValueError(f"field {field} has {count} entries")
        return start, count

    def _at(self, position: int) -> TableReader:
        from flatbuffers.table import Table

        return TableReader(Table(self._table.Bytes, position))
