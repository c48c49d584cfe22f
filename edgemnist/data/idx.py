"""The IDX format of the MNIST family: a big-endian header (type, number of dimensions, sizes) and the raw values.

Source of the format: the description on the MNIST page of LeCun, Cortes and Burges, "the IDX file format".
"""

from __future__ import annotations

import gzip
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import DatasetError, InputError
from edgemnist.support.limits import MAX_DATASET_BYTES, MAX_DIMENSIONS
from edgemnist.support.reading import bytes_allowed, open_file, open_unzipped, open_zip, too_large

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The type byte of an IDX header and the numpy type it stands for."""

_BLOCK = 1 << 20


@dataclass(frozen=True)
class IdxFile:
    """Where an IDX array lies: a file, gzipped or plain, or a member of a zip archive."""

    path: Path
    member: str = ""

    def __str__(self) -> str:
        """Return the name for messages."""
        return f"{self.path}:{self.member}" if self.member else str(self.path)

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the decompressed bytes; whether they are gzipped is read from the content, not the name."""
        with self._open_stored() as stored, open_unzipped(stored, self) as content:
            yield content

    @contextmanager
    def _open_stored(self) -> Iterator[Any]:
        if self.member:
            with open_zip(self.path, MAX_DATASET_BYTES) as archive, archive.open(self.member) as stored:
                yield stored
        else:
            with open_file(self.path) as stored:
                yield stored


def read_idx(source: IdxFile) -> NDArray[Any]:
    """Return an IDX file's array: shape and type as the header says, in native byte order.

    Never reads more than the header announces (plus one byte), so a compressed bomb costs nothing.

    :raises DatasetError: unreadable, truncated, not IDX, empty, trailing bytes, or larger than ``MAX_DATASET_BYTES``.
    """
    try:
        with reading(source), source.open() as stream:
            return _read_stream(source, stream)
    except KeyError as error:
        raise damaged(source, "the archive has no such member") from error


@contextmanager
def reading(source: IdxFile | Path, *damages: type[Exception]) -> Iterator[None]:
    """Say of a file that is read in here when it cannot be decompressed, or not be read.

    ``damages``: what is raised of damaged content beside the errors of gzip and zip.

    :raises DatasetError: it cannot.
    """
    broken: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile, *damages)
    try:
        yield
    except broken as error:
        raise damaged(source, f"it cannot be decompressed ({error})") from error
    except DatasetError:
        raise
    except InputError as error:  # of what opens files, models too
        raise DatasetError(str(error)) from error
    except OSError as error:
        raise DatasetError(f"cannot read {str(source)!r}: {error.strerror or error}") from error
    except MemoryError as error:
        raise DatasetError(f"this machine's memory does not suffice for {str(source)!r}; make it smaller") from error


def is_file(path: Path) -> bool:
    """Tell whether a file is there; a folder that may not be read counts as empty."""
    try:
        return path.is_file()
    except OSError:
        return False


def damaged(source: IdxFile | Path | str, reason: str) -> DatasetError:
    """Return the error for a file that is not what it should be, with the remedy."""
    return DatasetError(f"{str(source)!r} is damaged: {reason}; delete it or replace it with a good copy")


def _read_stream(source: IdxFile, stream: BinaryIO) -> NDArray[Any]:
    dtype, shape = _read_header(source, stream)
    size, allowed = math.prod(shape) * dtype.itemsize, bytes_allowed(MAX_DATASET_BYTES)
    if size > allowed:
        raise too_large(source, "is damaged, or large: its header announces", size, allowed)
    payload = np.empty(size, dtype=np.uint8)
    read = read_into(stream, payload)
    if read < size:
        raise damaged(source, f"its header announces {size:,} bytes of data, it has {read:,} (truncated)")
    if stream.read(1):
        raise damaged(source, f"it has more than the {size:,} bytes of data that its header announces")
    return payload.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def read_into(stream: BinaryIO, payload: NDArray[np.uint8]) -> int:
    """Fill bytes from a stream and return how many there were; memory that is not filled is not taken."""
    read = 0
    while read < len(payload):
        count = stream.readinto(payload[read : read + _BLOCK].data)  # type: ignore[attr-defined]
        if not count:
            break
        read += count
    return read


def _read_header(source: IdxFile, stream: BinaryIO) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES or magic[3] == 0:
        raise damaged(source, f"it does not begin with an IDX header (found {magic.hex() or 'nothing'})")
    if magic[3] > MAX_DIMENSIONS:
        raise damaged(source, f"its header announces {magic[3]} dimensions, at most {MAX_DIMENSIONS} are read")
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise damaged(source, "it ends inside its IDX header (truncated)")
    shape = struct.unpack(f">{magic[3]}I", sizes)
    if 0 in shape:
        raise damaged(source, f"its header announces no data: shape {' x '.join(map(str, shape))}")
    return np.dtype(IDX_TYPES[magic[2]]), shape


def encode_idx(array: NDArray[Any]) -> bytes:
    """Return an array as the bytes of a plain IDX file."""
    codes = {np.dtype(name).newbyteorder("="): code for code, name in IDX_TYPES.items()}
    code = codes.get(array.dtype.newbyteorder("="))
    if code is None:
        raise DatasetError(f"IDX has no type for {array.dtype}; it knows {sorted(str(known) for known in codes)}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(IDX_TYPES[code], copy=False).tobytes()
