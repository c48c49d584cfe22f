"""TFLM in an arena full of canaries: what its kernels read and write beside their tensors is seen.

Only for the wheel ``tflite-micro``. Its arena is memory of the process, whose address the interpreter object holds.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.tflite.file import TfliteModel
from edgemnist.tflm.apart import LEAST_HOLE, ApartModel, apart

_SPARE = 33 << 20
"""Bytes behind the tensors. The C library gives an allocation of more than 32 MiB a mapping of its own."""

_LARGEST = 1 << 27
"""Bytes of all tensors up to which they are laid apart: each takes its size several times over."""

_FIELDS = 8
"""How many of the object's fields are looked at for the arena; it is the fourth in wheels of 2026."""

_HEADER, _MAPPED, _FLAGS = 16, 0b010, 0b111
"""Of an allocation of the C library: bytes before it, which is its alignment too; the mark of one with a mapping of its
own; and the bits of its size that are marks.
"""


class CanaryInterpreter:
    """A model with its tensors apart, each between bytes that nothing may change or depend on.

    ``watches``: whether the memory itself is looked at. It is not where the wheel does not keep it as expected, or a
    model has several graphs; then only constants are apart, and what is left is to compare outputs.

    :param fill: the byte, 0..255, in memory that is none of the model's.
    :param backwards: whether the tensors lie in the order of the file or the other way round.
    """

    def __init__(self, model: TfliteModel, fill: int, backwards: bool) -> None:
        from tflite_micro.python.tflite_micro import runtime

        self._model, self._fill = model, fill
        self._apart = apart(model, fill=fill, backwards=backwards)
        size = self._apart.stop + _SPARE
        self._interpreter = runtime.Interpreter.from_bytes(self._apart.content, arena_size=size)
        self._memory = _arena(self._interpreter, size)
        self._gaps = list(_gaps(model, self._apart))

    @property
    def watches(self) -> bool:
        """Whether the memory itself is looked at."""
        return self._memory is not None and bool(self._gaps)

    def invoke(self, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Run the model once from its first state; return its outputs."""
        self._interpreter.reset()
        if self._memory is not None and self._gaps:
            self._memory[:LEAST_HOLE] = self._fill
            self._memory[self._apart.start : self._apart.stop] = self._fill
        for index, value in enumerate(inputs):
            self._interpreter.set_input(value, index)
        self._interpreter.invoke()
        return [np.array(self._interpreter.get_output(index)) for index in range(len(self._model.outputs))]

    def touched(self) -> str | None:
        """Return the name of a tensor beside which the last ``invoke`` wrote, or None.

        What kernels ask for themselves has no canaries, since nobody tells its size.
        """
        if self._memory is None:
            return None
        for name, gap in self._gaps:
            if (self._memory[gap] != self._fill).any():
                return name
        return None


def can_be_apart(model: TfliteModel) -> bool:
    """Whether the tensors are small enough to be laid apart."""
    return sum(tensor.bytes for tensor in model.tensors) <= _LARGEST


def _gaps(model: TfliteModel, found: ApartModel) -> Iterator[tuple[str, slice]]:
    """Yield what lies between tensors, with the name of the one before it; of the first, that behind it."""
    places = sorted((place, model.tensors[index]) for index, place in found.places.items())
    if not places:
        return
    yield places[0][1].name, slice(found.start, places[0][0])
    for (place, tensor), (following, _) in zip(places, [*places[1:], (found.stop, None)], strict=True):
        yield tensor.name, slice(place + tensor.bytes, following)


def _arena(interpreter: Any, size: int) -> NDArray[np.uint8] | None:
    """Return the arena of an interpreter, None where it is not found.

    The object of C++ behind the Python one holds a pointer to it. It is known by what the C library puts before an
    allocation: its size, in whole pages with a mark where it has a mapping of its own, which so large a one has unless
    as much was freed before.
    """
    holder = interpreter._interpreter
    if sys.implementation.name != "cpython" or platform.libc_ver()[0] != "glibc":
        return None
    fields = ctypes.c_uint64.from_address(id(holder) + object.__basicsize__).value
    page = os.sysconf("SC_PAGE_SIZE")
    mapping_of_its_own = -(-(size + _HEADER) // page) * page | _MAPPED
    reused = -(-(size + _HEADER // 2) // _HEADER) * _HEADER
    mapped = _mappings()
    if not any(fields in mapping for mapping in mapped):
        return None
    for address in (ctypes.c_uint64 * _FIELDS).from_address(fields):
        if address % _HEADER or not any(address - _HEADER in mapping and address in mapping for mapping in mapped):
            continue
        before = ctypes.c_uint64.from_address(address - 8).value
        if before == mapping_of_its_own or before & ~_FLAGS in (reused, reused + _HEADER):
            return np.ctypeslib.as_array((ctypes.c_uint8 * size).from_address(address))
    return None


def _mappings() -> list[range]:
    """Return the readable addresses of this process."""
    lines = [line.split(maxsplit=2) for line in Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()]
    ends = [ends.split("-") for ends, access, _ in lines if access.startswith("r")]
    return [range(int(start, 16), int(stop, 16)) for start, stop in ends]
