"""Opening what a user names: a real file, of a bearable size, and archives that do not explode."""

from __future__ import annotations

import gzip
import io
import json
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from edgemnist.support import environment
from edgemnist.support.errors import InputError
from edgemnist.support.limits import (
    FREE_EXPANSION,
    FREE_GZIP_MEMBERS,
    LEAST_GZIP_MEMBER,
    MAX_ARCHIVE_DIRECTORY_BYTES,
    MAX_ARCHIVE_ENTRIES,
    MAX_EXPANSION,
)

_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
_BLOCK = 1 << 16
_GZIP_MAGIC = b"\x1f\x8b"


def bytes_allowed(usual: int) -> int:
    """Return a limit in bytes: the usual one, or what ``EDGEMNIST_MAX_BYTES`` says.

    :raises InputError: that is no number.
    """
    text = environment.MAX_BYTES.text()
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 19):
        raise InputError(f"{environment.MAX_BYTES.name} is {text!r}; set it to a number of bytes, such as 4000000000")
    return int(text)


def too_large(name: object, what: str, size: int, allowed: int) -> InputError:
    """Return the error for something of more bytes than are read, with the remedy. ``what``: a verb, such as "has"."""
    return InputError(
        f"{str(name)!r} {what} {size:,} bytes, more than the {allowed:,} allowed; make it smaller, or set "
        f"{environment.MAX_BYTES.name}={size} if you trust it"
    )


def require_file(path: Path, usual: int | None = None) -> int:
    """Make sure that a path is a regular file, without opening it, and return its size in bytes.

    ``usual``: the most bytes that it may have, unless the user raised the limit.

    :raises InputError: it is a folder, a pipe or a device, or too large.
    :raises OSError: it is not there.
    """
    return _checked(path, path.stat(), usual)


def _checked(path: Path, status: os.stat_result, usual: int | None) -> int:
    for is_one, kind in _KINDS:
        if is_one(status.st_mode):
            raise InputError(f"{str(path)!r} is {kind}; give a regular file")
    if usual is not None and status.st_size > bytes_allowed(usual):
        raise too_large(path, "has", status.st_size, bytes_allowed(usual))
    return status.st_size


@contextmanager
def open_file(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; whatever else the path may be is not waited for.

    :raises InputError: it is a folder, a pipe or a device.
    :raises OSError: it is not there or not readable.
    """
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        _checked(path, os.fstat(file.fileno()), None)
        yield file


def read_json(path: Path, usual: int) -> Any:
    """Return the value of a JSON file.

    ``usual``: the most bytes that it may have, unless the user raised the limit.

    :raises InputError: it is a folder, a pipe or a device, or too large.
    :raises OSError: it is not there or not readable.
    :raises ValueError: it is no JSON, or nested too deeply.
    """
    require_file(path, usual)
    with open_file(path) as file:
        try:
            return json.loads(file.read())
        except RecursionError as error:
            raise ValueError("it is nested too deeply") from error


def _check_expansion(name: object, packed: int, unpacked: int) -> None:
    """Refuse what expands as only bombs do.

    :raises InputError: it does.
    """
    if unpacked > bytes_allowed(FREE_EXPANSION) and unpacked > MAX_EXPANSION * packed:
        raise InputError(
            f"{str(name)!r} expands to more than {MAX_EXPANSION} times its size: {packed:,} bytes to {unpacked:,} and "
            f"more; save it without compression, or set {environment.MAX_BYTES.name} to the bytes that it may have"
        )


# --- gzip -----------------------------------------------------------------------------------------------------------


@contextmanager
def open_unzipped(file: BinaryIO, name: object) -> Iterator[BinaryIO]:
    """Yield the content of an open file, which is decompressed if it is a gzip by its first bytes.

    Reading raises :class:`InputError` for bombs, and ``zlib.error``, ``EOFError`` or ``gzip.BadGzipFile`` for damage.
    """
    buffered = io.BufferedReader(cast(Any, file))
    if buffered.peek(2)[:2] == _GZIP_MAGIC:
        yield io.BufferedReader(Gunzip(buffered, name), _BLOCK)
    else:
        yield buffered


class Gunzip(io.RawIOBase):
    """The content of a gzip, of one member or several (RFC 1952). Zeros behind the last are padding.

    Python's own reader bounds neither the members nor what comes out of them, and reads a header byte by byte.
    """

    def __init__(self, packed: BinaryIO, name: object) -> None:
        self._packed, self._name = packed, name
        self._unpacker = zlib.decompressobj(31)
        self._waiting = b""
        self._taken, self._given, self._members = 0, 0, 1

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, target: Any) -> int:
        """Fill a buffer with what comes next, at least partly; 0 at the end."""
        most = min(len(target), _BLOCK)
        while True:
            if self._unpacker.eof and not self._enter_next_member():
                return 0
            block = self._waiting or self._packed.read(_BLOCK)
            if not block:
                raise EOFError("it ends inside its compressed data")
            if not self._waiting:
                self._taken += len(block)
            content = self._unpacker.decompress(block, most)
            self._waiting = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail
            self._given += len(content)
            _check_expansion(self._name, self._taken, self._given)
            if content:
                target[: len(content)] = content
                return len(content)

    def _enter_next_member(self) -> bool:
        while not (rest := self._waiting.lstrip(b"\0")):
            self._waiting = self._packed.read(_BLOCK)
            self._taken += len(self._waiting)
            if not self._waiting:
                return False
        if not rest.startswith(_GZIP_MAGIC[:1]):
            raise gzip.BadGzipFile("something else follows its compressed data")
        self._members += 1
        if self._members > FREE_GZIP_MEMBERS and self._taken < LEAST_GZIP_MEMBER * self._members:
            raise InputError(
                f"{str(self._name)!r} is compressed in more than {self._members - 1:,} tiny pieces; decompress it and "
                "compress it again with gzip"
            )
        self._waiting, self._unpacker = rest, zlib.decompressobj(31)
        return True


# --- zip ------------------------------------------------------------------------------------------------------------


@contextmanager
def open_zip(path: Path, usual: int) -> Iterator[zipfile.ZipFile]:
    """Open a zip whose entries are few, each for itself, and come to no more than ``usual`` bytes, or what was raised.

    :raises InputError: it is something else; no regular file; or encrypted.
    :raises zipfile.BadZipFile: damaged, as reading its entries may raise too.
    :raises OSError: it is not there or not readable.
    """
    with open_file(path) as file:
        bounded = _BoundedReads(file, path)
        try:
            archive = zipfile.ZipFile(cast(Any, bounded))
        except (ValueError, NotImplementedError, UnicodeDecodeError) as error:
            raise zipfile.BadZipFile(str(error)) from error
        bounded.most = None
        with archive:
            _check_entries(path, archive.infolist(), bytes_allowed(usual))
            yield archive


class _BoundedReads:
    """A file for ``zipfile``, which reads the list of entries at once, however long the file says that it is."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file, self._path = file, path
        self.most: int | None = MAX_ARCHIVE_DIRECTORY_BYTES

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        if self.most is not None and size > self.most:
            raise _too_many_entries(self._path)
        return self._file.read(size)


def _too_many_entries(path: Path) -> InputError:
    return InputError(
        f"{str(path)!r} is an archive of very many entries, at most {MAX_ARCHIVE_ENTRIES:,} are read; leave out what "
        "does not belong to it"
    )


def _check_entries(path: Path, entries: list[zipfile.ZipInfo], allowed: int) -> None:
    if len(entries) > MAX_ARCHIVE_ENTRIES:
        raise _too_many_entries(path)
    total, end, names = 0, 0, set()
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.flag_bits & 1:
            raise InputError(f"{str(path)!r} is encrypted; save it without a password")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(
                f"{str(path)!r} is compressed by method {entry.compress_type}; save it as the program that made it does"
            )
        if entry.filename in names:
            raise InputError(f"{str(path)!r} has the entry {entry.filename!r} twice; save it again with one of them")
        if entry.header_offset < end:
            raise zipfile.BadZipFile(f"its entries overlap at {entry.filename!r}")
        names.add(entry.filename)
        end = entry.header_offset + entry.compress_size
        total += entry.file_size
        if total > allowed:
            raise too_large(path, "decompresses to", sum(one.file_size for one in entries), allowed)
        _check_expansion(f"{path}:{entry.filename}", entry.compress_size, entry.file_size)
