"""Whether all of a file can be read, in no more time than its size is worth: a verifier as FlatBuffers has one.

Interpreters read parts of a file that nobody else looks at, and may name a table any number of times. So every field of
every table is read once here, by the accessors of the ``tflite`` package, each entry counted when it is reached.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from edgemnist.support.errors import ModelError
from edgemnist.tflite.tables import options_of

SCHEMA_VERSION = 3
"""Of the schema; TensorFlow Lite, and programs around TFLM as they are written, refuse files of any other."""

LEAST_TABLE = 8
"""Bytes of a table without fields, and of the offset by which it is named."""

DEEPEST = 32
"""Tables inside of one another; the schema has no more than 8."""

_OTHERS = ("Init", "GetRootAs", "GetRootAsModel")
_ENDINGS = ("Length", "AsNumpy", "IsNone", "BufferHasIdentifier")


@dataclass(frozen=True)
class Field:
    """A field of a table by the accessor that reads it."""

    name: str
    is_vector: bool


def verify(model: Any, content: bytes) -> None:
    """Read all of a file.

    :param model: the file's root, as the ``tflite`` package reads it.
    :raises ModelError: what is reached takes more than twice the file's bytes, tables lie too deep, or the file is of
        another version of the schema.
    :raises Exception: whatever the package raises where a field lies outside of the file.
    """
    if model.Version() != SCHEMA_VERSION:
        raise ModelError(
            f"it has version {model.Version()} of TensorFlow Lite's schema, needed is {SCHEMA_VERSION}; "
            "convert it again"
        )
    left = most = 2 * len(content)
    for count in _counts(model, DEEPEST):
        left -= count
        if left < 0:
            raise ModelError(
                f"its tables and their entries need over {most:,} bytes, and it has {len(content):,}: the same ones "
                "are named many times, or a length is wrong; the file is corrupt, convert it again"
            )


def _counts(table: Any, depth: int) -> Iterator[int]:
    """Yield the least bytes of what tables and vectors have inside, each before that is read."""
    if depth == 0:
        raise ModelError(f"its tables lie over {DEEPEST} deep in one another; the file is corrupt, convert it again")
    for field in fields_of(type(table).__name__):
        read = getattr(table, field.name)
        if not field.is_vector:
            yield from _inside(table, field.name, read(), depth)
            continue
        length = int(getattr(table, f"{field.name}Length")())
        yield length
        if length and is_table(read(length - 1)):
            yield LEAST_TABLE * length
            for index in range(length):
                yield from _inside(table, field.name, read(index), depth)


def _inside(table: Any, name: str, value: Any, depth: int) -> Iterator[int]:
    if name == "BuiltinOptions":
        value = options_of(table)
    if is_table(value):
        yield LEAST_TABLE
        yield from _counts(value, depth - 1)


def is_table(value: Any) -> bool:
    """Whether an accessor returned a table."""
    return hasattr(value, "_tab")


@cache
def fields_of(table: str) -> tuple[Field, ...]:
    """Return the fields of a table of the schema, by its name."""
    import tflite

    names = [name for name in vars(getattr(tflite, table)) if name[0].isupper() and name not in _OTHERS]
    plain = [name for name in names if not name.endswith(_ENDINGS) and not name.startswith("GetRootAs")]
    return tuple(Field(name, f"{name}Length" in names) for name in plain)
