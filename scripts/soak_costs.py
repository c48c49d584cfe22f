"""The requests that take a server of pictures the most time and memory, of those that it lets in."""

from __future__ import annotations

import asyncio
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from soak_client import Address, answer_from, memory_of, seconds_of
from soak_questions import as_json, form, post, saved

SIDE = 2000
"""Four million pixels: the most that a bundle's service reads."""


def costly_requests() -> Iterator[tuple[str, bytes]]:
    """Yield names and requests; of some only the refusal is what costs."""
    chance = np.random.default_rng(0)
    noise = chance.integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)
    flat = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    flat[900:1100, 500:1500] = 200
    smooth = np.asarray(Image.fromarray(noise[:40, :40, :3]).resize((SIDE, SIDE)))
    yield "a flat PNG", post(saved(flat, "PNG"))
    yield "a PNG of one row filter", post(_filtered(SIDE, 4))
    yield "a smooth PNG with transparency", post(saved(np.dstack([smooth, smooth[..., 0] // 2 + 100]), "PNG"))
    yield "a smooth PNG with a palette", post(_palette(smooth))
    yield "a grey PNG of 16 bits", post(_wide(SIDE))
    yield "a JPEG of noise", post(_jpeg(noise[..., :3], quality=85), "image/jpeg")
    yield "a progressive JPEG", post(_jpeg(noise[..., :3], quality=60, progressive=True), "image/jpeg")
    yield "a WebP", post(_webp(smooth), "image/webp")
    yield "a GIF", post(saved(smooth, "GIF"), "image/gif")
    yield "a TIFF", post(_tiff(smooth), "image/tiff")
    yield "a PPM of 7 bits", post(b"P6 200 215 100\n" + bytes(200 * 215 * 3))
    yield "a plain PPM", post(b"P3 200 100 255\n" + b"1 2 3 " * 20_000)
    yield "pixels in JSON", as_json({"pixels": np.zeros((400, 420), dtype=int).tolist()})
    yield "empty lists in JSON", as_json({"pixels": [[]] * 125_000})
    yield "a form of random bytes", form(chance.bytes((4 << 20) - 1000))
    yield "a form of almost boundaries", form(b"\r\n----edgemnis" * 298_000)
    yield "a picture in gzip", post(gzip.compress(bytes(8 << 20)), more="Content-Encoding: gzip\r\n")
    yield "a PNG of compressed texts", post(_texts())


def _filtered(side: int, kind: int) -> bytes:
    """Return an RGB PNG whose rows all have a filter, the slowest being Paeth's, 4."""
    rows = b"".join(bytes([kind]) + bytes((x * y) & 7 for x in range(64)) * (side * 3 // 64 + 1) for y in (3,))
    row = rows[: side * 3 + 1]
    return _png(side, side, row * side, colour=2)


def _wide(side: int) -> bytes:
    values = (np.arange(side * side, dtype=np.uint32) * 7 % 40_000).astype(">u2").reshape(side, side)
    return _png(side, side, b"".join(b"\x00" + row.tobytes() for row in values), depth=16)


def _texts() -> bytes:
    text = _chunk(b"zTXt", b"a\x00\x00" + zlib.compress(bytes(1_000_000)))
    return _png(28, 28, bytes(29 * 28), before=text * 60)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def _png(width: int, height: int, data: bytes, *, depth: int = 8, colour: int = 0, before: bytes = b"") -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colour, 0, 0, 0])
    pixels = _chunk(b"IDAT", zlib.compress(data, 1))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + before + pixels + _chunk(b"IEND", b"")


def _saved_as(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def _palette(pixels: Any) -> bytes:
    return _saved_as(Image.fromarray(pixels).quantize(200), "PNG", transparency=3)


def _jpeg(pixels: Any, **options: Any) -> bytes:
    return _saved_as(Image.fromarray(pixels), "JPEG", **options)


def _webp(pixels: Any) -> bytes:
    return _saved_as(Image.fromarray(pixels), "WEBP", quality=90, method=0)


def _tiff(pixels: Any) -> bytes:
    return _saved_as(Image.fromarray(pixels), "TIFF", compression="tiff_adobe_deflate")


_GUEST = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from edgemnist.data.images import decode_image
from edgemnist.support.errors import InputError
from edgemnist_pi.classifier import Classifier
from edgemnist_pi.service import LIMITS
classifier = Classifier(Path(sys.argv[1]))
classifier.look(decode_image(b"P5 40 40 255\\n" + bytes(1600), "a black picture"))  # loads Pillow's decoders
for path in sys.argv[2:]:
    content = Path(path).read_bytes()
    os.getppid()
    try:
        classifier.look(decode_image(content, path, LIMITS.pixels, LIMITS.slow_bytes))
    except InputError:
        pass
    os.getppid()
"""


def counted(bundle: Path, target_name: str, folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the instructions that each costly picture takes on an emulated board: decoded, framed, classified."""
    from edgemnist.pi.counting import count_program
    from edgemnist.pi.emulator import find_emulator
    from edgemnist.pi.targets import find_target

    target, paths = find_target(target_name), {}
    for number, (name, content) in enumerate(costly_requests()):
        head, _, body = content.partition(b"\r\n\r\n")
        if b"Content-Type: image/" in head and b"gzip" not in head:
            paths[name] = folder / f"costly_{number}"
            paths[name].write_bytes(body)
    for name, path in paths.items():  # one by one, as the emulator takes its time
        program = [_GUEST, str(bundle.resolve()), str(path)]
        (count,) = count_program(find_emulator(target), target.interpreter(), name, program, 1)
        yield name, count


async def _asked(address: Address, content: bytes) -> int:
    reader, writer = await asyncio.open_connection(address.host, address.port)
    try:
        writer.write(content)
        await writer.drain()
        return (await answer_from(reader))[0]
    finally:
        writer.close()


def costly(address: Address, pid: int) -> dict[str, Any]:
    """Return the status of each costly request, and the processor seconds that the server used until its answer."""
    found = {}
    for name, content in costly_requests():
        used = seconds_of(pid)
        status = asyncio.run(_asked(address, content))
        found[name] = {"status": status, "cpu_seconds": round(seconds_of(pid) - used, 2), "bytes": len(content)}
    return found


def heavy(address: Address, pid: int, clients: int) -> dict[str, Any]:
    """Ask for the costly requests, so many at a time, and return the peak of the server's memory since it began."""
    contents = [content for _, content in costly_requests()] * 2

    async def client(waiting: Iterator[bytes], statuses: list[int]) -> None:
        for content in waiting:
            try:
                statuses.append(await _asked(address, content))
            except (OSError, EOFError) as error:
                statuses.append(-(getattr(error, "errno", None) or 1))

    async def all_clients() -> list[int]:
        statuses: list[int] = []
        waiting = iter(contents)
        await asyncio.gather(*(client(waiting, statuses) for _ in range(clients)))
        return statuses

    statuses = asyncio.run(all_clients())
    counted = {str(status): statuses.count(status) for status in sorted(set(statuses))}
    return {"clients": clients, "statuses": counted, "peak_bytes": memory_of(pid, "VmHWM")}
