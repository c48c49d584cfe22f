"""What the schema's package leaves to its reader: names of enumerations, the table that options are in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any


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
