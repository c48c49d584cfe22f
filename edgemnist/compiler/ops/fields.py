"""Fields of the kernels' parameter structs: each with its C type, and the one check that its value fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.fixedpoint import Multiplier

INTEGERS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "int8_t": (-(2**7), 2**7 - 1),
        "uint8_t": (0, 2**8 - 1),
        "int16_t": (-(2**15), 2**15 - 1),
        "uint16_t": (0, 2**16 - 1),
        "int32_t": (-(2**31), 2**31 - 1),
        "em_size": (-(2**31), 2**31 - 1),
        "int64_t": (-(2**63), 2**63 - 1),
    }
)
"""Smallest and largest value of each integer type that generated C has constants of."""

LARGEST_FLOAT = float(np.finfo(np.float32).max)

_DTYPES: Mapping[str, np.dtype[Any]] = MappingProxyType(
    {
        name: np.dtype(code)
        for name, code in (
            ("int8_t", "i1"), ("uint8_t", "u1"), ("int16_t", "<i2"), ("uint16_t", "<u2"), ("int32_t", "<i4"),
            ("int64_t", "<i8"), ("em_channel", "<i4"), ("float", "<f4"),
        )
    }
)  # fmt: skip
"""One value of each element type of an array in a little-endian memory; an ``em_channel`` is a row of two int32."""


@dataclass(frozen=True)
class Field:
    """A field of a C struct. ``value`` is a number, or the fields of the struct ``ctype`` inside it."""

    name: str
    ctype: str
    value: int | float | tuple[Field, ...]


@dataclass(frozen=True, eq=False)
class CArray:
    """A constant in flash: ``suffix`` goes into its C name, ``ctype`` is the element type, ``values`` its elements.

    ``em_channel`` arrays have shape (channels, 2): bias and multiplier. ``in_words``: it starts at a multiple of 4.
    """

    suffix: str
    ctype: str
    values: NDArray[Any]
    in_words: bool = False

    @property
    def bytes(self) -> int:
        """Size in flash."""
        return int(self.values.size) * _DTYPES[self.ctype].itemsize


def in_memory(array: CArray) -> bytes:
    """Return a constant as it lies in a little-endian memory."""
    return array.values.astype(_DTYPES[array.ctype]).tobytes()


SIZE = "em_size"
"""The C type of sizes: ``int16_t``, and ``int32_t`` in a network with :func:`wide_sizes`."""

SIZES = frozenset(
    (
        "in_height", "in_width", "in_channels", "out_height", "out_width", "out_channels", "channels", "kernel_height",
        "kernel_width", "stride_height", "stride_width", "dilation_height", "dilation_width", "pad_top", "pad_left",
        "groups", "pool_height", "pool_width", "plane_height", "plane_width", "rows", "out_features",
        "multiplier", "strip_rows", "strip_dilation", "part_rows",
    )
)  # fmt: skip
"""The names that sizes have in structs of kernels."""


def int16(**values: int) -> tuple[Field, ...]:
    """Return a field for each value, in order: an ``em_size`` for the sizes among them, an ``int16_t`` for others."""
    return tuple(Field(name, SIZE if name in SIZES else "int16_t", value) for name, value in values.items())


def int32(**values: int) -> tuple[Field, ...]:
    """Return an ``int32_t`` field for each value, in order."""
    return tuple(Field(name, "int32_t", value) for name, value in values.items())


def factor_field(name: str, multiplier: Multiplier) -> Field:
    """Return an ``em_factor`` of a kernel: a real factor in fixed point."""
    return Field(name, "em_factor", (*int32(multiplier=multiplier.mantissa), *int16(exponent=multiplier.exponent)))


def output_field(zero_point: int, limits: tuple[int, int]) -> Field:
    """Return the ``em_output`` of a kernel: the output's zero point and the limits of the fused activation."""
    low, high = limits
    return Field("output", "em_output", int16(zero_point=zero_point, minimum=low, maximum=high))


def axis_fields(name: str, ctype: str, axes: Iterable[Mapping[str, int]]) -> tuple[Field, ...]:
    """Return fields ``name_0``, ``name_1`` and so on, each a struct of int32 with an axis' values."""
    return tuple(Field(f"{name}_{number}", ctype, int32(**axis)) for number, axis in enumerate(axes))


def stride_fields(name: str, loops: Iterable[tuple[int, int]]) -> tuple[Field, ...]:
    """Return an ``em_axis`` for each loop: (count, stride in elements)."""
    return axis_fields(name, "em_axis", ({"count": count, "stride": stride} for count, stride in loops))


_REMEDIES: Mapping[str, str] = {
    "out_features": "use fewer units",
    "features": "use fewer features",
    "channels": "use fewer channels",
    "multiplier": "use fewer output channels for each input channel",
    "groups": "use fewer groups",
    "kernel": "use a smaller kernel",
    "stride": "use a smaller stride",
    "dilation": "use a smaller dilation",
    "pad": "pad less",
    "before": "pad less",
    "after": "pad less",
    "pool": "use a smaller pool",
    "height": "use a smaller image",
    "width": "use a smaller image",
    "pixels": "use a smaller image",
    "rows": "use fewer rows",
    "columns": "use fewer columns",
    "row": "make the tensor smaller",
    "inner": "make the tensor smaller",
    "step": "make the tensor smaller",
    "count": "make the tensor smaller",
    **dict.fromkeys(("condition", "first", "second"), "make the tensor smaller"),
    "batch": "use a smaller batch",
    "inputs": "use fewer features",
    "units": "use fewer units",
    "rank": "use a lower rank",
    "memory": "use a shorter memory",
    "period": "make the tensor smaller",
    "size": "make the tensor smaller",
    "strip": "use a smaller kernel",
    "column": "use a smaller kernel",
    "depth": "use fewer classes",
}
"""What to change when a field is out of range, by its name or the first of the name's words that is here."""


def _remedy(name: str) -> str:
    known = (_REMEDIES[word] for word in (name, *name.split("_")) if word in _REMEDIES)
    return next(known, "convert the model again with representative data")


def numbers(fields: Iterable[Field]) -> Iterator[Field]:
    """Yield the fields that hold a number, those of structs inside too."""
    for field in fields:
        if isinstance(field.value, tuple):
            yield from numbers(field.value)
        else:
            yield field


def wide_sizes(fields: Iterable[Field]) -> bool:
    """Return whether a size among them is beyond 16 bits."""
    low, high = INTEGERS["int16_t"]
    sizes = (field.value for field in numbers(fields) if field.ctype == SIZE)
    return any(not low <= size <= high for size in sizes if not isinstance(size, tuple))


def field_problems(label: str, fields: Iterable[Field]) -> list[str]:
    """Return a problem for each value that its C type can't hold, with a remedy for that field.

    ``label`` names the operator.
    """
    found = (_problem(label, field.name, field.ctype, field.value, field.value) for field in numbers(fields))
    return [problem for problem in found if problem is not None]


def array_problems(label: str, arrays: Iterable[CArray]) -> list[str]:
    """Return a problem for each array with an element that its C type can't hold."""
    filled = (array for array in arrays if array.values.size)
    found = (_problem(label, array.suffix, *_extremes(array)) for array in filled)
    return [problem for problem in found if problem is not None]


def _extremes(array: CArray) -> tuple[str, Any, Any]:
    """Return an array's element type, and its smallest and largest element; both NaN where one is."""
    smallest, largest = array.values.min(), array.values.max()
    if array.ctype == "float":
        return array.ctype, float(smallest), float(largest)
    return "int32_t" if array.ctype == "em_channel" else array.ctype, int(smallest), int(largest)


def _problem(label: str, name: str, ctype: str, smallest: Any, largest: Any) -> str | None:
    if ctype == "float":
        wrong = [value for value in (smallest, largest) if not abs(value) <= LARGEST_FLOAT]
        return f"{label}: {name} is {wrong[0]}; {_remedy(name)}" if wrong else None
    low, high = INTEGERS[ctype]
    if largest > high:
        return f"{label}: {name} is {largest}, kernels take up to {high}; {_remedy(name)}"
    if smallest < low:
        return f"{label}: {name} is {smallest}, kernels take {low} and more; {_remedy(name)}"
    return None
