"""What a hostile file is here: how it is made, what reads it, and what is to be said of it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """A hostile file.

    ``reader``: a key of :data:`~tests.hostile.probe.READERS`. ``make`` writes into an empty folder and returns the path
    that is given to the reader. ``refusal``: what the one sentence has to match; "" where the file is taken rightly.
    """

    name: str
    reader: str
    make: Callable[[Path], Path]
    refusal: str


Content = bytes | Callable[[], bytes]
"""Bytes, or what makes them where there are many."""


def content_of(content: Content) -> bytes:
    """Return the bytes."""
    return content if isinstance(content, bytes) else content()


def file(name: str, content: Content) -> Callable[[Path], Path]:
    """Return a maker of one file."""

    def make(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content_of(content))
        return path

    return make


def deflated(block: bytes, times: int) -> bytes:
    """Return a raw deflate stream of a block, so many times, without its end; made in no time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)) * times


def deflated_zeros(mebibytes: int) -> bytes:
    """Return a raw deflate stream of so many MiB of zeros without its end: 1 kB for each."""
    return deflated(bytes(1 << 20), mebibytes)


def gzip_of(start: bytes, more: bytes) -> bytes:
    """Return a gzip of ``start`` and what :func:`deflated` made; its checksum is wrong."""
    end = zlib.compressobj(9, zlib.DEFLATED, -15).flush()
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + deflated(start, 1) + more + end + bytes(8)
