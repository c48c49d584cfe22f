"""What the schema's package leaves to its reader: names of enumerations, vectors, the table that options are in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

OptionValue = int | float | bool | str | tuple[int, ...]
"""Of an operator's option."""


@cache
def enumeration(name: str) -> Mapping[int, str]:
    """Return the names of one of the schema's enumerations by their numbers."""
    import tflite

    values = vars(getattr(tflite, name)).items()
    return MappingProxyType({number: name for name, number in values if isinstance(number, int)})


def options_name(operator: Any) -> str:
    """Return the name of an operator's table of options, empty without one."""
    number = operator.BuiltinOptionsType()
    name = enumeration("BuiltinOptions").get(number, f"options of type {number}")
    return "" if name == "NONE" or operator.BuiltinOptions() is None else name


def options_of(operator: Any) -> Any:
    """Return an operator's table of options, None without one or where the package does not know it."""
    import tflite

    kind, union = getattr(tflite, options_name(operator), None), operator.BuiltinOptions()
    if union is None or kind is None:
        return None
    table = kind()
    table.Init(union.Bytes, union.Pos)
    return table


def whole_numbers(table: Any, field_name: str) -> tuple[int, ...]:
    """Return a vector of whole numbers of a table, empty where it is absent."""
    return tuple(vector(table, field_name))


def vector(table: Any, field_name: str) -> list[Any]:
    """Return a vector of a table's numbers at once: one by one they take most of the time that a file takes to read."""
    if getattr(table, field_name + "Length")() == 0:
        return []
    return getattr(table, field_name + "AsNumpy")().tolist()  # type: ignore[no-any-return]


def options_in(operator: Any) -> dict[str, OptionValue]:
    """Return an operator's options by their names in the schema, without one none."""
    table = options_of(operator)
    if table is None:
        return {}
    fields = [
        name for name in vars(type(table)) if name[0].isupper() and name != "Init" and not name.startswith("GetRootAs")
    ]
    vectors = {name[: -len("AsNumpy")] for name in fields if name.endswith("AsNumpy")}
    options: dict[str, OptionValue] = {}
    for name in fields:
        stem = re.sub(r"(AsNumpy|Length|IsNone|BufferHasIdentifier)$", "", name)
        if stem in vectors:
            options[_snake_case(stem)] = whole_numbers(table, stem)
        elif stem == name and not name.endswith("HasIdentifier"):
            value = getattr(table, name)()
            options[_snake_case(name)] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return options


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
