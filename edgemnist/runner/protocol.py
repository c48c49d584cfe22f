"""How a command and a worker process talk: a JSON header and raw arrays, over a pipe.

A message is a 4-byte little-endian length, that many bytes of UTF-8 JSON, then the bytes of each array in C order; the
header's ``"arrays"`` lists their dtypes and shapes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_LENGTH = struct.Struct("<I")
_LARGEST_HEADER = 1 << 24
"""Bytes; what claims more is no header."""


@dataclass(frozen=True, eq=False)
class Message:
    """A request or an answer: JSON values and arrays."""

    header: Mapping[str, Any]
    arrays: Sequence[NDArray[Any]] = ()


def send(stream: BinaryIO, message: Message) -> None:
    """Write a message and flush it."""
    arrays = [np.ascontiguousarray(array) for array in message.arrays]
    described = [
        [array.dtype.str, list(original.shape)] for array, original in zip(arrays, message.arrays, strict=True)
    ]
    header = json.dumps({**message.header, "arrays": described}).encode()
    stream.write(_LENGTH.pack(len(header)) + header)
    for array in arrays:
        if array.size:
            stream.write(array.reshape(-1).view(np.uint8).data)
    stream.flush()


def receive(stream: BinaryIO) -> Message:
    """Read a message.

    :raises EOFError: the other side has closed the pipe.
    :raises ValueError, KeyError, TypeError: what came is no message.
    """
    (length,) = _LENGTH.unpack(_read(stream, _LENGTH.size))
    if length > _LARGEST_HEADER:
        raise ValueError(f"a header of {length:,} bytes")
    header = json.loads(_read(stream, length))
    arrays = [_read_array(stream, np.dtype(dtype), tuple(shape)) for dtype, shape in header.pop("arrays")]
    return Message(header, arrays)


def _read_array(stream: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    count = int(np.prod(shape, dtype=np.int64))
    return np.frombuffer(_read(stream, count * dtype.itemsize), dtype=dtype).reshape(shape)


def _read(stream: BinaryIO, size: int) -> bytearray:
    content = bytearray(size)
    view, filled = memoryview(content), 0
    while filled < size:
        # A BufferedReader's readinto may return less than asked for at the end of the stream only.
        got = stream.readinto(view[filled:])  # type: ignore[attr-defined]
        if not got:
            raise EOFError("the other side closed the pipe")
        filled += got
    return content
