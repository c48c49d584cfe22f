"""Constant arrays and structs as C text."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from edgemnist.compiler.ops.fields import CArray, Field, in_memory
from edgemnist.csource.columns import within_columns
from edgemnist.csource.source import APART, COLUMNS, cut_into_lines, float_constant


def field_text(field: Field) -> str:
    """Return a struct's field, its name before it."""
    value = field.value
    text = "{" + ", ".join(field_text(inner) for inner in value) + "}" if isinstance(value, tuple) else _number(value)
    return f"/* {field.name} */ {text}"


def _number(value: int | float) -> str:
    return float_constant(value) if isinstance(value, float) else str(value)


def array_text(name: str, array: CArray, attribute: str = "") -> str:
    """Return the definition of a constant array; ``attribute`` is a macro that places it in a memory."""
    elements = len(array.values) if array.ctype == "em_channel" else array.values.size
    words = " EM_WORD_ALIGNED" if array.in_words else ""
    placed = f" {attribute}" if attribute else ""
    return _braced(f"static const {array.ctype} {name}[{elements}]{words}{placed}", _elements(array))


def _elements(array: CArray) -> str:
    if array.ctype == "int8_t":
        return _bytes_text(in_memory(array))
    if array.ctype == "em_channel":
        return _listed(f"{{{bias}, {multiplier}}}" for bias, multiplier in array.values.tolist())
    return _listed(_number(value) for value in array.values.reshape(-1).tolist())


def _listed(items: Iterable[str]) -> str:
    """Return pieces for :func:`cut_into_lines`."""
    return f",{APART}".join(items)


_FILLER = b" "

_EVERY_BYTE = np.array([f"{number},{APART}".ljust(8) for number in np.arange(256).astype(np.int8).tolist()], "S8")
"""Every int8 as text, by its bits: all of 8 characters, of which fillers are left out."""


def _bytes_text(content: bytes) -> str:
    """Return int8 values as :func:`listed` does, in a fraction of the time: a network has millions."""
    text = _EVERY_BYTE[np.frombuffer(content, np.uint8)].tobytes().translate(None, _FILLER)
    return text.decode("ascii").removesuffix(f",{APART}")


def struct_text(declared: str, parts: Iterable[str]) -> str:
    """Return the definition of a struct, or of an array of them: as many parts to a line as fit."""
    return within_columns(_braced(declared, _listed(parts)))


def _braced(declared: str, elements: str) -> str:
    opened = within_columns(f"{declared} = {{")
    return f"{opened}\n{cut_into_lines(elements, indent='  ', width=COLUMNS)}\n}};"
