"""The IDX format of the MNIST family: a big-endian header (type, number of dimensions, sizes) and the raw values.

Source of the format: the description on the MNIST page of LeCun, Cortes and Burges, "the IDX file format".
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import DatasetError

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The type byte of an IDX header and the numpy type it stands for."""

MAX_ARRAY_BYTES = 2 << 30
"""A header that claims more than this is refused before anything is read: the largest known set has 547 MB."""

_GZIP_MAGIC = b"\x1f\x8b"


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
        with self._open_stored() as stored:
            buffered = io.BufferedReader(cast(Any, stored))
            if buffered.peek(2)[:2] == _GZIP_MAGIC:
                with gzip.GzipFile(fileobj=buffered) as unzipped:
                    yield cast(BinaryIO, unzipped)
            else:
                yield buffered

    @contextmanager
    def _open_stored(self) -> Iterator[Any]:
        if self.member:
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stored:
                yield stored
        else:
            with self.path.open("rb", buffering=0) as stored:
                yield stored


def read_idx(source: IdxFile) -> NDArray[Any]:
    """Return an IDX file's array: shape and type as the header says, in native byte order.

    Never reads more than the header announces (plus one byte), so a compressed bomb costs nothing.

    :raises DatasetError: unreadable, truncated, not IDX, trailing bytes, or larger than :data:`MAX_ARRAY_BYTES`.
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
    except OSError as error:
        raise DatasetError(f"cannot read {str(source)!r}: {error.strerror or error}") from error


def is_file(path: Path) -> bool:
    """Tell whether a file is there; a folder that may not be read counts as empty."""
    try:
        return path.is_file()
    except OSError:
        return False


def damaged(source: IdxFile | Path, reason: str) -> DatasetError:
    """Return the error for a file that is not what it should be, with the remedy."""
    return DatasetError(f"{str(source)!r} is damaged: {reason}; delete it or replace it with a good copy")


def _read_stream(source: IdxFile, stream: BinaryIO) -> NDArray[Any]:
    dtype, shape = _read_header(source, stream)
    size = math.prod(shape) * dtype.itemsize
    if size > MAX_ARRAY_BYTES:
        raise damaged(source, f"its header announces {size:,} bytes, more than the {MAX_ARRAY_BYTES:,} allowed")
    payload = stream.read(size)
    if len(payload) < size:
        raise damaged(source, f"its header announces {size:,} bytes of data, it has {len(payload):,} (truncated)")
    if stream.read(1):
        raise damaged(source, f"it has more than the {size:,} bytes of data that its header announces")
    return np.frombuffer(payload, dtype=dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


def _read_header(source: IdxFile, stream: BinaryIO) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in IDX_TYPES or magic[3] == 0:
        raise damaged(source, f"it does not begin with an IDX header (found {magic.hex() or 'nothing'})")
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise damaged(source, "it ends inside its IDX header (truncated)")
    return np.dtype(IDX_TYPES[magic[2]]), struct.unpack(f">{magic[3]}I", sizes)


def encode_idx(array: NDArray[Any]) -> bytes:
    """Return an array as the bytes of a plain IDX file."""
    codes = {np.dtype(name).newbyteorder("="): code for code, name in IDX_TYPES.items()}
    code = codes.get(array.dtype.newbyteorder("="))
    if code is None:
        raise DatasetError(f"IDX has no type for {array.dtype}; it knows {sorted(str(known) for known in codes)}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(IDX_TYPES[code], copy=False).tobytes()
