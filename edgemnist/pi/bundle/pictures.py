"""Image files to pixels: plain PNG, PGM and PPM with numpy alone, everything else through Pillow where it is installed.

Pillow is optional because there is no wheel of it for 32-bit Arm, and because what a script or a camera program writes
is usually PNG or PGM. What is read is what ``edgemnist predict`` reads, pixel for pixel.
"""

from __future__ import annotations

import io
import logging
import re
import struct
import warnings
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .filters import unfiltered
from .limits import PI_MAX_PICTURE_BYTES, PI_MAX_PIXELS, PI_MAX_SIDE
from .picture_checks import UnfitPictureError, check_content, check_opened, check_size
from .problems import Problem

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm")

_ORIENTATION_TAG = 0x0112
_SILENT = logging.NullHandler()
_DEPTHS = (8, 10, 12, 14, 16)  # bits of wide values, as edgemnist takes them
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PNM_HEADER = re.compile(rb"P([56])(?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,9})(?:\s|#[^\n]*\n)+(\d{1,5})\s")


class _NeedsPillowError(Exception):
    """A valid file, as far as is known, of a kind that only Pillow reads."""


def read_picture(content: bytes, name: str, max_pixels: int = PI_MAX_PIXELS) -> NDArray[np.uint8]:
    """Read the bytes of an image file as uint8, 0..255: shape (height, width) when grey, else (height, width, 3).

    :param name: stands in error messages.
    :raises Problem: it is no image, is damaged, is too large, or needs Pillow, which is not installed.
    """
    try:
        check_content(io.BytesIO(content), len(content), PI_MAX_PICTURE_BYTES)
        if content.startswith(_PNG_SIGNATURE):
            pixels = _read_png(content, max_pixels)
        elif content[:2] in (b"P5", b"P6"):
            pixels = _read_pnm(content, max_pixels)
        else:
            raise _NeedsPillowError("files other than plain PNG, PGM and PPM")
    except _NeedsPillowError as reason:
        pixels = _read_with_pillow(content, name, str(reason), max_pixels)
    except (Problem, UnfitPictureError) as problem:
        raise Problem(f"{name}: {problem}") from problem
    except (ValueError, IndexError, struct.error, zlib.error) as error:
        raise Problem(f"{name}: the image is damaged ({error})") from error
    return _without_colour_if_grey(pixels)


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise Problem(f"the image is damaged: it claims to be {width} x {height} pixels")
    check_size(width, height, max_pixels, PI_MAX_SIDE)


def _read_pnm(content: bytes, max_pixels: int) -> NDArray[np.uint8]:
    header = _PNM_HEADER.match(content)
    if header is None or int(header[4]) != 255:
        raise _NeedsPillowError("PGM and PPM files with other than 8 bits")
    channels, width, height = (1 if header[1] == b"5" else 3), int(header[2]), int(header[3])
    _check_size(width, height, max_pixels)
    size = width * height * channels
    data = content[header.end() : header.end() + size]
    if len(data) < size:
        raise ValueError(f"{size} bytes of pixels are promised, {len(data)} are there")
    pixels = np.frombuffer(data, dtype=np.uint8)
    return pixels.reshape((height, width) if channels == 1 else (height, width, channels))


def _read_png(content: bytes, max_pixels: int) -> NDArray[np.uint8]:
    """Read a PNG (Portable Network Graphics specification, third edition): 8 bits or fewer, not interlaced."""
    if content[12:16] == b"IHDR" and len(content) >= 24:  # before all of it is looked through
        claimed_width, claimed_height = struct.unpack_from(">II", content, 16)
        _check_size(claimed_width, claimed_height, max_pixels)
    chunks = _png_chunks(content)
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    _check_size(width, height, max_pixels)
    if colour not in _PNG_CHANNELS or depth not in (1, 2, 4, 8, 16):
        raise ValueError(f"colour type {colour} with {depth} bits")
    if depth == 16 or interlaced or b"eXIf" in chunks or (colour != 3 and b"tRNS" in chunks):
        raise _NeedsPillowError("PNG files with 16 bits, interlacing, EXIF data or a transparent colour")
    channels = _PNG_CHANNELS[colour]
    row_bytes = (width * channels * depth + 7) // 8
    rows = unfiltered(_inflated(chunks[b"IDAT"], height * (row_bytes + 1)), height, row_bytes, max(1, channels))
    if depth < 8:
        rows = _unpacked(rows, depth)[:, :width]
    pixels = rows.reshape(height, width, channels)
    if colour == 3:
        return _from_palette(pixels[..., 0], chunks)
    if colour == 0:
        return pixels[..., 0] * np.uint8(255 // ((1 << depth) - 1))
    if colour == 4:
        return _flattened(pixels[..., [0, 0, 0, 1]])
    return pixels if colour == 2 else _flattened(pixels)


def _png_chunks(content: bytes) -> dict[bytes, bytes]:
    """Return a PNG's chunks by type, its IDAT chunks joined; their checksums are verified."""
    chunks: dict[bytes, bytes] = {}
    data = []
    position = len(_PNG_SIGNATURE)
    while b"IEND" not in chunks:
        length, kind = struct.unpack_from(">I4s", content, position)
        body = content[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, position + 8 + length)
        if checksum != zlib.crc32(kind + body):
            raise ValueError("a checksum is wrong")
        if kind == b"IDAT":
            data.append(body)
        else:
            chunks[kind] = body
        position += 12 + length
    if b"IHDR" not in chunks or len(chunks[b"IHDR"]) != 13:
        raise ValueError("its header is missing")
    return {**chunks, b"IDAT": b"".join(data)}


def _inflated(data: bytes, size: int) -> bytes:
    """Decompress exactly ``size`` bytes; never more, whatever the file holds."""
    content = zlib.decompressobj().decompress(data, size)
    if len(content) < size:
        raise ValueError(f"{size} bytes of pixels are promised, {len(content)} are there")
    return content


def _unpacked(rows: NDArray[np.uint8], depth: int) -> NDArray[np.uint8]:
    """Return the values of 1, 2 or 4 bits that are packed into bytes, the leftmost in the highest bits."""
    shifts = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
    values = (rows[..., np.newaxis] >> shifts) & np.uint8((1 << depth) - 1)
    return values.reshape(len(rows), -1)


def _from_palette(indices: NDArray[np.uint8], chunks: dict[bytes, bytes]) -> NDArray[np.uint8]:
    palette = np.frombuffer(chunks.get(b"PLTE", b""), dtype=np.uint8).reshape(-1, 3)
    if int(indices.max()) >= len(palette):
        raise ValueError(f"colour {int(indices.max())} of a palette of {len(palette)}")
    if b"tRNS" not in chunks:
        return palette[indices]
    alpha = np.full((len(palette), 1), 255, dtype=np.uint8)
    given = np.frombuffer(chunks[b"tRNS"], dtype=np.uint8)[: len(palette)]
    alpha[: len(given), 0] = given
    return _flattened(np.concatenate([palette, alpha], axis=1)[indices])


def _flattened(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay RGBA pixels over white, or over black when the visible part is brighter than middle grey."""
    visible, brightness = 0, 0
    for row in rgba:
        alpha = row[:, 3].astype(np.int64)
        visible += 3 * int(alpha.sum())
        brightness += int((row[:, :3].sum(axis=1, dtype=np.int64) * alpha).sum())
    transparent = int(rgba[..., 3].min()) < 255
    background = 0.0 if transparent and brightness > 127 * visible else 255.0
    # One table of what each colour becomes with each alpha: the arithmetic is done once for each of the pairs.
    share = np.arange(256, dtype=np.float64)[:, None] / 255
    table = np.rint(np.arange(256.0) * share + background * (1 - share)).astype(np.uint8)
    flat = np.empty((*rgba.shape[:2], 3), dtype=np.uint8)
    for index, row in enumerate(rgba):
        flat[index] = table[row[:, 3:], row[:, :3]]
    return flat


def _without_colour_if_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.ndim == 3 and all(bool((row == row[:, :1]).all()) for row in pixels):
        return np.ascontiguousarray(pixels[..., 0])
    return pixels


def _read_with_pillow(content: bytes, name: str, what: str, max_pixels: int) -> NDArray[np.uint8]:
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError:
        raise Problem(
            f"{name}: {what} need Pillow, which is not installed (sudo apt install python3-pil, or pip install "
            "pillow); or it is no image: PNG, PGM and PPM are read without Pillow"
        ) from None
    Image.init()
    logging.getLogger("PIL").addHandler(_SILENT)  # what it logs is for those who write decoders
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = io.BytesIO(content)
            with Image.open(file, formats=[one for one in FORMATS if one in Image.OPEN]) as image:
                _check_size(image.width, image.height, max_pixels)
                check_opened(image, file, len(content))
                # Pillow reads 16-bit colours as 8 bits, and says so only in what its decoder is told.
                wide = any(";16" in str(tile) for tile in image.tile) and not image.mode.startswith("I")
                turned = image.getexif().get(_ORIENTATION_TAG, 1) != 1
                pixels = _pillow_pixels(ImageOps.exif_transpose(image) if turned else image)
                return _from_depth(pixels, 8) if wide else pixels
    except (Problem, UnfitPictureError) as problem:
        raise Problem(f"{name}: {problem}") from problem
    except UnidentifiedImageError:
        raise Problem(f"{name}: not an image of a known format ({', '.join(FORMATS)})") from None
    except Image.DecompressionBombError as error:
        raise Problem(f"{name}: {error}; at most {max_pixels:,} pixels are read: scale it down") from error
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged files
        raise Problem(f"{name}: the image is damaged ({error})") from error


def _from_depth(values: NDArray[Any], dropped: int) -> NDArray[np.uint8]:
    """Return wide values as 8 bits, by the least depth that holds them; ``dropped`` of their bits are gone already."""
    high = int(values.max()) << dropped
    depth = next((depth for depth in _DEPTHS if high < 1 << depth), 16)
    scaled = np.rint(values * (255 / ((1 << max(8, depth) - dropped) - 1))) if high else values
    return np.asarray(np.clip(scaled, 0, 255), dtype=np.uint8)


def _pillow_pixels(image: Any) -> NDArray[np.uint8]:
    """Return (height, width) or (height, width, 3) of any Pillow mode."""
    if image.mode.startswith("I"):
        return _from_depth(np.asarray(image).astype(np.int64), 0)
    if image.mode == "F":
        real = np.nan_to_num(np.asarray(image))
        return np.asarray(np.clip(np.rint(real * 255 if real.max() <= 1 else real), 0, 255), dtype=np.uint8)
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        return _flattened(np.asarray(image.convert("RGBA")))
    mode = "L" if image.mode in ("1", "L") else "RGB"
    return np.asarray(image if image.mode == mode else image.convert(mode), dtype=np.uint8)
