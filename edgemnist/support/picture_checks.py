"""Pictures that would take long to decode, or far more memory than their file has, found before they are decoded.

A bundle for a Raspberry Pi has a copy, so this needs no more than Python.
"""

from __future__ import annotations

import re
import struct
from typing import Any, BinaryIO

from edgemnist.support.limits import (
    FREE_EXPANSION,
    MAX_CHUNKS,
    MAX_EXPANSION,
    MAX_PICTURE_HEADER_BYTES,
    MAX_SCANS,
    MAX_SLOW_BYTES,
)

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_START_OF_SCAN = b"\xff\xda"
_SLOW_DECODERS = {"bmp_rle", "ppm", "ppm_plain"}  # those that Pillow has in Python
_BYTES_OF_MODES = {"I": 4, "F": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}
_REMEDY = "scale it down and save it as PNG or JPEG"


class UnfitPictureError(Exception):
    """A picture is not decoded; the message says why and what helps, without its name."""


class OversizedPictureError(UnfitPictureError):
    """It has more pixels than are read."""


def check_size(width: int, height: int, most_pixels: int, most_side: int) -> None:
    """Refuse a picture of too many pixels, or of a side that is too long.

    :raises OversizedPictureError: it is.
    """
    if width * height > most_pixels:
        raise OversizedPictureError(
            f"it has {width:,} x {height:,} pixels, at most {most_pixels:,} are read: scale it down"
        )
    if max(width, height) > most_side:
        raise OversizedPictureError(
            f"it has {width:,} x {height:,} pixels, and no side of more than {most_side:,} is read: scale it down"
        )


def check_content(file: BinaryIO, size: int, most_bytes: int) -> None:
    """Refuse a picture by what its file looks like; its first bytes are read, of a PNG all headers of chunks.

    ``size``: the file's, in bytes.

    :raises UnfitPictureError: it is too large, or made of more pieces than pictures have.
    """
    if size > most_bytes:
        raise UnfitPictureError(f"its file has {size:,} bytes, at most {most_bytes:,} are read: {_REMEDY}")
    start = file.read(MAX_PICTURE_HEADER_BYTES)
    if start.startswith(_PNG_SIGNATURE):
        _check_chunks(file)
    if re.match(rb"P[1-7fF]", start) and size > len(start):
        words = re.sub(rb"#[^\r\n]*", b"", start).split()
        if len(words) < 3:
            raise UnfitPictureError(f"its header has more than {len(start):,} bytes: save it again without comments")
    file.seek(0)


def _check_chunks(file: BinaryIO) -> None:
    count, position = 0, len(_PNG_SIGNATURE)
    while True:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            return
        count += head[4:] != b"IDAT"
        if count > MAX_CHUNKS:
            raise UnfitPictureError(f"it has more than {MAX_CHUNKS:,} chunks beside its pixels: save it again as PNG")
        position += 12 + int(struct.unpack(">I", head[:4])[0])


def check_opened(image: Any, file: BinaryIO, size: int, most_slow_bytes: int = MAX_SLOW_BYTES) -> None:
    """Refuse a picture that Pillow has opened, not yet loaded, and that would cost far more than its file's size.

    ``most_slow_bytes``: of a file in a coding that Pillow decodes in Python.

    :raises UnfitPictureError: says what.
    """
    raw = image.width * image.height * _BYTES_OF_MODES.get(image.mode, len(image.getbands()))
    if raw > FREE_EXPANSION and raw > MAX_EXPANSION * size:
        raise UnfitPictureError(
            f"its {size:,} bytes would become {raw:,} of pixels, more than {MAX_EXPANSION} times as many: scale it down"
        )
    slow = {str(tile[0]) for tile in getattr(image, "tile", ())} & _SLOW_DECODERS
    if slow and size > most_slow_bytes:
        raise UnfitPictureError(
            f"its file has {size:,} bytes in a coding that is slow to read ({slow.pop()}), at most "
            f"{most_slow_bytes:,} are read: save it as PNG"
        )
    if image.format in ("JPEG", "MPO"):
        _check_scans(file)


def _check_scans(file: BinaryIO) -> None:
    """Refuse a JPEG of very many scans. Their mark cannot occur in the data: there ``FF`` is followed by ``00``."""
    position, scans, last = file.tell(), 0, b""
    file.seek(0)
    while block := file.read(1 << 20):
        scans += (last + block).count(_START_OF_SCAN)
        last = block[-1:]
    file.seek(position)
    if scans > MAX_SCANS:
        raise UnfitPictureError(f"it is a JPEG of {scans:,} scans, at most {MAX_SCANS} are read: save it again as JPEG")
