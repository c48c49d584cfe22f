"""Hostile image files, for this machine's reader and the Raspberry Pi's."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from tests.hostile.cases import Case, deflated_zeros, file


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, data: bytes, colour: int, depth: int = 8, more: bytes = b"") -> bytes:
    """Return a PNG with these compressed rows."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + more + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def filtered_png(width: int, height: int, colour: int, kind: int, depth: int = 8) -> bytes:
    """Return a PNG of small differences, every row with one filter."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    row = bytes([kind]) + bytes(range(2)) * (width * channels * depth // 16)
    return png(width, height, zlib.compress(row * height), colour, depth)


def zeros_png(width: int, height: int, colour: int, depth: int = 8) -> bytes:
    """Return a PNG of zeros; its checksum is wrong, which no reader notices before it has decoded everything."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    mebibytes = height * (width * channels * depth // 8 + 1) // (1 << 20) + 1
    return png(width, height, b"\x78\x9c" + deflated_zeros(mebibytes) + b"\3\0" + bytes(4), colour, depth)


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _jpeg(width: int, height: int) -> bytes:
    content = bytearray(_encoded(Image.new("RGB", (16, 16), "red"), "JPEG"))
    at = content.index(b"\xff\xc0")
    content[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(content)


def _scans(side: int, count: int) -> bytes:
    """Return a progressive JPEG that refines the same coefficients over and over."""
    content = _encoded(Image.new("L", (side, side), 128), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * count + content[-2:]


def _gif(width: int, height: int, frames: int) -> bytes:
    frame = (
        b"!\xf9\x04\0\0\0\0\0,"
        + struct.pack("<HHHH", 0, 0, min(width, 8), min(height, 8))
        + b"\0\x02\x16\x8c-\x99\x87*\x1c\xdc3\xa0\x02u\xec\x95\xfa\xa8\xde`\x8c\x04\x91L\x01\0"
    )
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0\0\0\0\xff\xff\xff" + frame * frames + b";"


def _tiff(width: int, height: int, *, samples: int = 1, pages: int = 1) -> bytes:
    """Return an uncompressed TIFF of pages that lead to the next, the last one back to the first."""
    content = bytearray(b"II*\0\x08\0\0\0")
    for page in range(pages):
        tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8),
                (277, 3, samples), (278, 4, height), (279, 4, width * height % (1 << 32))]  # fmt: skip
        ends = len(content) + 2 + 12 * len(tags) + 4
        content += struct.pack("<H", len(tags))
        for tag, kind, value in tags:
            content += struct.pack("<HHII", tag, kind, 1, value)
        content += struct.pack("<I", 8 if page == pages - 1 else ends)
    return bytes(content)


def _exif(entries: int) -> bytes:
    """Return an EXIF block of directories that point to one another."""
    body = b"MM\0*\0\0\0\x08" + struct.pack(">H", entries)
    body += b"".join(struct.pack(">HHII", 0x8769, 4, 1, 8) for _ in range(entries)) + struct.pack(">I", 8)
    return b"Exif\0\0" + body


def _with_exif(exif: bytes) -> bytes:
    content = _encoded(Image.new("L", (8, 8)), "JPEG")
    return content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]


def _text_bomb(count: int, kind: bytes = b"zTXt") -> bytes:
    body = b"Comment\0\0" + b"\x78\x9c" + deflated_zeros(60) + b"\3\0"
    return png(8, 8, zlib.compress(bytes(72)), 0, more=_chunk(kind, body) * count)


def _webp(side: int) -> bytes:
    content = bytearray(_encoded(Image.new("RGBA", (16, 16), (255, 0, 0, 99)), "WEBP"))
    at = content.index(b"VP8X")
    content[at + 12 : at + 18] = struct.pack("<I", side - 1)[:3] * 2
    return bytes(content)


def _animated_webp(side: int) -> bytes:
    frame = _encoded(Image.new("RGB", (16, 16)), "WEBP", lossless=True)[12:]
    place = struct.pack("<I", 0)[:3] * 2 + struct.pack("<I", 15)[:3] * 2 + b"\1\0\0\0"
    canvas = struct.pack("<I", 0x02) + struct.pack("<I", side - 1)[:3] * 2
    body = b"WEBPVP8X" + struct.pack("<I", 10) + canvas + b"ANIM" + struct.pack("<I", 6) + bytes(6)
    one = b"ANMF" + struct.pack("<I", len(place + frame)) + place + frame
    body += one * 2000
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _four_megapixels(name: str) -> Callable[[Path], Path]:
    colour, kind = {"alpha_2000.png": (6, 1), "paeth_2000.png": (6, 4)}[name]
    return file(name, lambda: filtered_png(2000, 2000, colour, kind))


_TOO_MANY = r"pixels.*scale it down"
_BOTH = (
    ("alpha of 4 MP", _four_megapixels("alpha_2000.png"), ""),
    ("Paeth's filter over 4 MP", _four_megapixels("paeth_2000.png"), ""),
    ("the average filter over 4 MP", file("a.png", lambda: filtered_png(2000, 2000, 6, 3)), ""),
    ("grey and alpha of 4 MP", file("a.png", lambda: filtered_png(2000, 2000, 4, 4)), ""),
    ("PNG of 50,000 x 50,000", file("a.png", lambda: zeros_png(50_000, 50_000, 0)[:99_999]), _TOO_MANY),
    ("PNG of 2^31 - 1 x 2^31 - 1", file("a.png", lambda: png(2**31 - 1, 2**31 - 1, b"", 2)), _TOO_MANY),
    ("PNG of 2^31 - 1 x 1", file("a.png", lambda: png(2**31 - 1, 1, b"", 0)), _TOO_MANY),
    ("PNG of 9,000,000 x 1", file("a.png", lambda: filtered_png(9_000_000, 1, 0, 4)), "scale it down"),
    ("PNG of 1 x 9,000,000", file("a.png", lambda: filtered_png(2, 9_000_000, 0, 4)), "scale it down"),
    ("PNG of 0 x 0", file("a.png", lambda: png(0, 0, b"", 0)), "damaged|not an image"),
    (
        "PNG with less than its header says",
        file("a.png", lambda: png(4000, 4000, zlib.compress(b"x"), 2)),
        "damaged|trunc",
    ),
    (
        "PNG with 100 MB behind its rows",
        file("a.png", lambda: png(8, 8, zlib.compress(bytes(72))[:-6] + deflated_zeros(100) + b"\3\0", 0)),
        ".*",
    ),
    ("PNG with 60 MB of text", file("a.png", lambda: _text_bomb(1)), ".*"),
    ("PNG with 6 GB of text", file("a.png", lambda: _text_bomb(100)), ".*"),
    ("PNG with 6 GB of profiles", file("a.png", lambda: _text_bomb(100, b"iCCP")), ".*"),
    ("PNG with a chunk of 4 GB claimed", file("a.png", lambda: png(8, 8, b"", 0)[:33] + b"\xff\xff\xff\xffIDAT"), "."),
    (
        "PNG of 300,000 empty chunks",
        file("a.png", lambda: png(8, 8, zlib.compress(bytes(72)), 0, more=_chunk(b"teXt", b"") * 300_000)),
        ".*",
    ),
    ("16-bit PNG of 4 MP", file("a.png", lambda: filtered_png(2000, 2000, 0, 1, 16)), ""),
    ("16-bit colours of 4 MP", file("a.png", lambda: filtered_png(2000, 2000, 2, 1, 16)), ""),
    ("JPEG of 65,535 x 65,535", file("a.jpg", lambda: _jpeg(65_535, 65_535)), _TOO_MANY),
    ("JPEG of 3,900 x 4,000 with 256 pixels", file("a.jpg", lambda: _jpeg(3900, 4000)), ".*"),
    ("JPEG of 1,000 scans", file("a.jpg", lambda: _scans(3000, 1000)), "scans"),
    ("JPEG of 20,000 scans", file("a.jpg", lambda: _scans(800, 20_000)), "scans"),
    ("JPEG with EXIF in circles", file("a.jpg", lambda: _with_exif(_exif(5000))), ".*"),
    ("GIF of 65,535 x 65,535", file("a.gif", lambda: _gif(65_535, 65_535, 1)), _TOO_MANY),
    ("GIF of 50,000 frames", file("a.gif", lambda: _gif(8, 8, 50_000)), ""),
    ("TIFF of 2^31 x 2^31", file("a.tif", lambda: _tiff(1 << 31, 1 << 31)), "pixels|damaged"),
    ("TIFF of 50,000 pages", file("a.tif", lambda: _tiff(8, 8, pages=50_000)), ".*"),
    ("TIFF of 60,000 samples", file("a.tif", lambda: _tiff(8, 8, samples=60_000)), "damaged|not an image"),
    ("WebP of 16,384 x 16,384", file("a.webp", lambda: _webp(16_384)), "pixels|damaged|known"),
    ("WebP of 2,000 frames", file("a.webp", lambda: _animated_webp(3000)), ".*"),
    ("WebP of 2,000 frames of 16,384", file("a.webp", lambda: _animated_webp(16_384)), "pixels|damaged|known"),
    ("ICO", file("a.png", lambda: _encoded(Image.new("RGB", (16, 16)), "ICO")), "known format"),
    ("SVG", file("a.png", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"), "known format"),
    ("PostScript", file("a.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n"), "known"),
    ("AVIF", file("a.png", b"\0\0\0\x1cftypavif" + bytes(999)), "known format"),
    (
        "BMP of 2^31 x 1",
        file(
            "a.bmp",
            lambda: b"BM" + bytes(8) + struct.pack("<IIiiHHIIIIII", 54, 40, 2**31 - 1, 1, 1, 24, 0, 0, 0, 0, 0, 0),
        ),
        _TOO_MANY,
    ),
    (
        "BMP of runs",
        file(
            "a.bmp",
            lambda: (
                b"BM"
                + bytes(8)
                + struct.pack("<IIiiHHIIIIII", 1078, 40, 3000, 3000, 1, 8, 1, 0, 0, 0, 0, 0)
                + bytes(1024)
                + b"\1\1" * 3_000_000
                + b"\0\1"
            ),
        ),
        ".*",
    ),
    ("PPM of 99,999 x 99,999", file("a.ppm", b"P6 99999 99999 255\n"), _TOO_MANY),
    ("PPM in digits", file("a.ppm", b"P3 3000 3000 255\n" + b"1 " * 4_000_000), "."),
    (
        "PPM with 30 MB of comment",
        file("a.ppm", lambda: b"P6 #" + b"x" * (30 << 20) + b"\n9 9 255\n" + bytes(243)),
        ".*",
    ),
    ("PPM with a million comments", file("a.ppm", lambda: b"P5" + b"#\n" * 1_000_000 + b"9 9 255"), "."),
)
"""Name, maker, what is to be said; ".*" where either will do."""

PICTURES = (
    *(Case(f"{name}", "picture", make, refusal) for name, make, refusal in _BOTH),
    Case("RGBA of 49 MP", "picture", file("a.png", lambda: zeros_png(7000, 7000, 6)), ".*"),
    Case("grey of 49 MP", "picture", file("a.png", lambda: zeros_png(7000, 7000, 0)), ".*"),
    Case("16 bits of 49 MP", "picture", file("a.png", lambda: zeros_png(7000, 7000, 0, 16)), ".*"),
)

BUNDLE = tuple(Case(f"Pi: {name}", "bundle", make, refusal) for name, make, refusal in _BOTH)
