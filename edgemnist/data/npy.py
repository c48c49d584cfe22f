"""Arrays in numpy's own format, whose header is looked at before anything is believed. Pickles are never loaded.

Source of the format: numpy's documentation, ``numpy.lib.format``, versions 1.0 to 3.0.
"""

from __future__ import annotations

import ast
import math
import re
import struct
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.idx import damaged, read_into
from edgemnist.support.errors import DatasetError
from edgemnist.support.limits import MAX_DIMENSIONS, MAX_HEADER_BYTES

_MAGIC = b"\x93NUMPY"
_LENGTHS = {(1, 0): "<H", (2, 0): "<I", (3, 0): "<I"}
_KEYS = {"descr", "fortran_order", "shape"}


def read_npy(stream: BinaryIO, size: int, name: str) -> NDArray[Any]:
    """Return the array in a stream: bool, integers, floats or text, in native byte order.

    ``size``: how many bytes there are; ``name`` stands in messages.

    :raises DatasetError: something else, a header that contradicts the size, or a pickle.
    """
    dtype, fortran, shape, used = _header(stream, name)
    if dtype.itemsize == 0 or 0 in shape:
        raise damaged(name, f"it holds nothing: shape {shape} of type {dtype}")
    announced = math.prod(shape) * dtype.itemsize
    if announced != size - used:
        raise damaged(name, f"its header announces {announced:,} bytes of data, it has {size - used:,}")
    payload = np.empty(announced, dtype=np.uint8)
    if (read := read_into(stream, payload)) < announced:
        raise damaged(name, f"its header announces {announced:,} bytes of data, it has {read:,} (truncated)")
    stream.read(1)  # at its end the archive compares the checksum
    array = payload.view(dtype)
    array = array.reshape(shape[::-1]).transpose() if fortran else array.reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _header(stream: BinaryIO, name: str) -> tuple[np.dtype[Any], bool, tuple[int, ...], int]:
    """Return (type, whether columns come first, shape, bytes read)."""
    start = stream.read(8)
    if not start.startswith(_MAGIC) or len(start) < 8:
        raise damaged(name, f"it is no array of numpy (begins with {start!r})")
    version = (start[6], start[7])
    if version not in _LENGTHS:
        raise DatasetError(f"{name!r} is of version {version} of numpy's format; save it again with numpy.savez")
    width = struct.calcsize(_LENGTHS[version])
    field = stream.read(width)
    length = struct.unpack(_LENGTHS[version], field)[0] if len(field) == width else 0
    if length > MAX_HEADER_BYTES:
        raise damaged(name, f"its header announces {length:,} bytes of itself, more than {MAX_HEADER_BYTES:,}")
    text = stream.read(length).decode("utf-8" if version == (3, 0) else "latin-1", "replace")
    fields = _fields(text, version, name)
    shape = fields["shape"]
    if not isinstance(shape, tuple) or not all(type(one) is int and one >= 0 for one in shape):
        raise damaged(name, f"the shape in its header is {str(shape)[:60]}")
    if len(shape) > MAX_DIMENSIONS:
        raise damaged(name, f"its header announces {len(shape)} dimensions, at most {MAX_DIMENSIONS} are read")
    if not isinstance(fields["fortran_order"], bool):
        raise damaged(name, "its header does not say in which order its values are")
    return _dtype(fields["descr"], name), fields["fortran_order"], shape, 8 + width + length


def _fields(text: str, version: tuple[int, int], name: str) -> dict[str, Any]:
    if version[0] < 3:
        text = re.sub(r"(?<=\d)L\b", "", text)  # whole numbers as Python 2 wrote them
    try:
        fields = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise damaged(name, f"its header is not one of numpy's ({type(error).__name__})") from error
    if not isinstance(fields, dict) or set(fields) != _KEYS:
        raise damaged(name, f"its header is not one of numpy's, which has {', '.join(sorted(_KEYS))}")
    return fields


def _dtype(description: Any, name: str) -> np.dtype[Any]:
    if isinstance(description, (list, tuple)):
        raise DatasetError(f"{name!r} holds structures, not numbers; save each field as an array of its own")
    try:
        dtype = np.dtype(description) if isinstance(description, str) else None
    except (TypeError, ValueError, SyntaxError):
        dtype = None
    if dtype is None:
        raise damaged(name, f"the type in its header is {str(description)[:60]!r}")
    if dtype.hasobject:
        raise DatasetError(
            f"{name!r} cannot be used: it holds pickled Python objects, which are never loaded; save plain arrays with "
            "numpy.savez"
        )
    if dtype.kind not in "biufUS":
        raise DatasetError(f"{name!r} has type {dtype}; needed are numbers, or text for labels: save one of these")
    return dtype
