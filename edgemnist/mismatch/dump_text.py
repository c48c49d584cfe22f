"""What a board prints of its tensors, as lines of text: read, and written as a board would (docs/dump-format.md)."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.tensor_dump import MODEL_DIGITS
from edgemnist.support.errors import InputError
from edgemnist.support.limits import MAX_DUMP_BYTES, MAX_ROW_BYTES
from edgemnist.support.reading import bytes_allowed, open_file, open_unzipped, too_large

VERSION = 1
_ROW = 32
_NUMBER = r"(\d{1,9})"
_TENSOR = r'("[^"]*"|[^\s"]+)'
_RECORD = re.compile(r"(?:^|.*?\s)@(dump|tensor|check|same|end)(?:\s+(.*))?$", re.ASCII)
_PATTERNS = {
    "dump": re.compile(rf"{_NUMBER}\s+model=([0-9A-Fa-f]{{1,64}}|-)\s*$", re.ASCII),
    "tensor": re.compile(
        rf"{_NUMBER}\s+{_TENSOR}\s+([a-z0-9]+|-)\s+{_NUMBER}\s+{_NUMBER}\s+([0-9A-Fa-f][0-9A-Fa-f\s]*)$", re.ASCII
    ),
    "check": re.compile(rf"{_NUMBER}\s+{_TENSOR}\s+([0-9A-Fa-f]{{8}}|-)\s*$", re.ASCII),
    "same": re.compile(rf"{_NUMBER}\s+{_TENSOR}\s+{_TENSOR}\s*$", re.ASCII),
    "end": re.compile(rf"{_NUMBER}\s+{_NUMBER}\s*$", re.ASCII),
}


@dataclass(frozen=True)
class Header:
    """Whose tensors follow: the first digits of the SHA-256 of the model's file, "" where the writer does not know."""

    place: str
    model: str


@dataclass(frozen=True)
class Piece:
    """Bytes of a tensor from an offset on. ``tensor`` is as it was written: an index, a name in quotes, input, output.

    ``dtype``: numpy's name, "-" where the writer does not say. ``size``: bytes of the whole tensor.
    """

    place: str
    image: int
    tensor: str
    dtype: str
    size: int
    offset: int
    content: bytes


@dataclass(frozen=True)
class Check:
    """The CRC-32, as ``zlib.crc32``, of a tensor's bytes."""

    place: str
    image: int
    tensor: str
    crc: int


@dataclass(frozen=True)
class Same:
    """A tensor has the bytes of another one."""

    place: str
    image: int
    tensor: str
    other: str


@dataclass(frozen=True)
class End:
    """So many tensors of an image were printed."""

    place: str
    image: int
    tensors: int


Record = Header | Piece | Check | Same | End


@dataclass
class Passed:
    """Lines that say that they belong to a dump and make no sense; ``first`` says which was the first, and why."""

    count: int = 0
    first: str = ""

    def notes(self) -> list[str]:
        """Return the sentence about them, none where there are none."""
        lines = "line was" if self.count == 1 else "lines were"
        return [f"{self.count:,} damaged {lines} passed over ({self.first})"] if self.count else []


@dataclass
class DumpLines:
    """A file's records, one after the other; ``damaged`` fills up meanwhile."""

    path: Path
    damaged: Passed = field(default_factory=Passed)

    def records(self) -> Iterator[Record]:
        """Yield them. Lines without a record are what else a console shows, and passed over.

        :raises InputError: the file can't be read, or is too large.
        """
        try:
            with open_file(self.path) as file, open_unzipped(file, self.path) as content:
                for number, line in enumerate(_lines(content, self.path), start=1):
                    if b"@" in line:
                        yield from self._record(number, line.decode("utf-8", "replace").strip())
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(
                f"cannot read the dump {str(self.path)!r}: {reason}; give a text file, or a gzip"
            ) from error

    def _record(self, number: int, line: str) -> Iterator[Record]:
        found = _RECORD.match(line)
        if found is None:
            return
        kind, rest = found[1], found[2] or ""
        fields = _PATTERNS[kind].match(rest)
        record = _made(kind, f"line {number}", fields) if fields else f"it is no @{kind} line: {line[:60]!r}"
        if not isinstance(record, str):
            yield record
            return
        self.damaged.count += 1
        self.damaged.first = self.damaged.first or f"line {number}: {record}"


def _lines(content: BinaryIO, path: Path) -> Iterator[bytes]:
    """Yield lines; what is longer than any row is cut into pieces, which are no records."""
    allowed, taken = bytes_allowed(MAX_DUMP_BYTES), 0
    while line := content.readline(MAX_ROW_BYTES):
        taken += len(line)
        if taken > allowed:
            raise too_large(path, "has at least", taken, allowed)
        yield line


def _made(kind: str, place: str, fields: re.Match[str]) -> Record | str:
    """Return a record, or what is wrong with it."""
    if kind == "dump":
        if int(fields[1]) != VERSION:
            raise InputError(f"{place} of the dump says format {fields[1]}; this edgemnist reads format {VERSION}")
        return Header(place, "" if fields[2] == "-" else fields[2].lower())
    if kind == "end":
        return End(place, int(fields[1]), int(fields[2]))
    image, tensor = int(fields[1]), fields[2]
    if kind == "same":
        return Same(place, image, tensor, fields[3])
    if kind == "check":
        return Check(place, image, tensor, -1 if fields[3] == "-" else int(fields[3], 16))
    try:
        return Piece(place, image, tensor, fields[3], int(fields[4]), int(fields[5]), bytes.fromhex(fields[6]))
    except ValueError:
        return "half of a hexadecimal byte is missing"


def text_of(model_sha256: str, images: Mapping[int, Mapping[int, NDArray[Any]]]) -> Iterator[str]:
    """Yield the lines that a board would print.

    :param images: by its number, each image's tensors by their index, of any shape, in the tensor's dtype.
    """
    for image, tensors in images.items():
        yield f"@dump {VERSION} model={model_sha256[:MODEL_DIGITS]}\n"
        for index, values in tensors.items():
            content = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
            for offset in range(0, len(content), _ROW):
                row = content[offset : offset + _ROW].hex()
                yield f"@tensor {image} {index} {values.dtype.name} {len(content)} {offset} {row}\n"
            yield f"@check {image} {index} {zlib.crc32(content):08x}\n"
        yield f"@end {image} {len(tensors)}\n"
