"""Requests for a server of pictures, good and bad, as bytes, each with what has to come back."""

from __future__ import annotations

import base64
import gzip
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

BOUNDARY = "----edgemnist"
_GET = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@dataclass(frozen=True)
class Picture:
    """A picture as PNG and JPEG, and what ``edgemnist predict`` makes of each: the label, and how probable it is."""

    pixels: NDArray[np.uint8]
    files: Mapping[str, bytes]
    expected: Mapping[str, tuple[str, float]]


@dataclass(frozen=True)
class Question:
    """A request. ``statuses``: those that are right, none where nothing has to come back; ``expected``: label, and how
    probable it is.

    ``closes``: the connection is not used again. ``hangs_up``: the client leaves when it has sent.
    """

    kind: str
    content: bytes
    statuses: tuple[int, ...]
    expected: tuple[str, float] | None = None
    closes: bool = False
    hangs_up: bool = False


def saved(pixels: NDArray[np.uint8], format: str) -> bytes:
    """Return pixels as a file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format, **({"quality": 95} if format == "JPEG" else {}))
    return file.getvalue()


def post(body: bytes, kind: str = "image/png", *, path: str = "/predict", more: str = "") -> bytes:
    """Return a POST with a body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    )
    return head.encode() + body


def form(content: bytes) -> bytes:
    """Return a POST of a form with a picture file."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="picture"\r\n\r\n'
    return post(
        head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"
    )


def as_json(document: object) -> bytes:
    """Return a POST of JSON."""
    return post(json.dumps(document).encode(), "application/json")


def chunked(content: bytes, *, size: str = "%x") -> bytes:
    """Return a POST in two chunks; ``size``: how the length of the first is written."""
    head = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
    first, second = content[:50], content[50:]
    return b"%s%s\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (
        head.encode(), (size % len(first)).encode(), first, len(second), second,
    )  # fmt: skip


GOOD: dict[str, Callable[[Picture], bytes]] = {
    "PNG": lambda one: post(one.files["PNG"]),
    "JPEG": lambda one: post(one.files["JPEG"], "image/jpeg"),
    "raw PGM": lambda one: post(saved(one.pixels, "PPM"), "application/octet-stream"),
    "PNG in a form": lambda one: form(one.files["PNG"]),
    "JPEG in a form": lambda one: form(one.files["JPEG"]),
    "PNG in JSON": lambda one: as_json({"image": base64.b64encode(one.files["PNG"]).decode()}),
    "pixels in JSON": lambda one: as_json({"pixels": one.pixels.tolist()}),
    "PNG in chunks": lambda one: chunked(one.files["PNG"]),
    "PNG in gzip": lambda one: post(gzip.compress(one.files["PNG"]), more="Content-Encoding: gzip\r\n"),
}
"""Requests about a picture that have to be answered with its class."""

Bad = Callable[[Picture, random.Random], Question]


def _head(kind: str, head: str, body: bytes = b"") -> Bad:
    """Return a request whose framing is wrong (RFC 9112)."""
    content = head.encode() + b"\r\n" + body
    return lambda one, chance: Question(kind, content, (400,), closes=True)


_POST = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
_POST_OF_TOO_MUCH = _POST.encode() + b"Content-Length: 99999999999\r\n\r\n"
BAD: tuple[Bad, ...] = (
    lambda one, chance: Question("junk", post(chance.randbytes(chance.randrange(1, 3000))), (400, 415)),
    lambda one, chance: Question("a damaged PNG", post(_damaged(one, chance)), (200, 400, 415)),
    lambda one, chance: Question("half a PNG", post(one.files["PNG"][:-40]), (400,)),
    lambda one, chance: Question("nothing", post(b""), (400,)),
    lambda one, chance: Question("JSON that is none", post(b'{"pixels": [[', "application/json"), (400,)),
    lambda one, chance: Question("JSON of something else", as_json({"pixels": [[0, "a"]]}), (400,)),
    lambda one, chance: Question("a form without a file", form(b"").replace(b'"file"', b'"fool"'), (400,)),
    lambda one, chance: Question("another type", post(b"hello", "text/html"), (415,)),
    lambda one, chance: Question("too many pixels", post(b"P5 65000 65000 255\n" + bytes(100)), (413,)),
    lambda one, chance: Question("too many bytes", _POST_OF_TOO_MUCH, (413,), closes=True),
    lambda one, chance: Question("no such path", post(b"x", path=f"/{chance.randbytes(6).hex()}"), (404,)),
    lambda one, chance: Question("no such method", post(b"").replace(b"POST", b"DELETE", 1), (405,)),
    lambda one, chance: Question("another's host", _GET.replace("127.0.0.1", "example.org").encode() + b"\r\n", (400,)),
    lambda one, chance: Question("health", f"{_GET}\r\n".encode(), (200,)),
    lambda one, chance: Question("left inside the body", post(one.files["PNG"])[:-30], (), hangs_up=True),
    lambda one, chance: Question("left before the answer", post(one.files["PNG"]), (), hangs_up=True),
    lambda one, chance: Question("left inside the head", _POST.encode(), (), hangs_up=True),
    _head("two lengths", _POST + "Content-Length: 1\r\nContent-Length: 2\r\n", b"ab"),
    _head("one length twice", _POST + "Content-Length: 1\r\nContent-Length: 1\r\n", b"a"),
    _head("a length and chunks", _POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    _head("a folded line", _GET + "X-A: 1\r\n 2\r\n"),
    _head("no host", "GET /health HTTP/1.1\r\n"),
    _head("no HTTP", "hello\r\n"),
    lambda one, chance: Question("a chunk's size that is none", chunked(bytes(60), size="0x%x"), (400,), closes=True),
)  # fmt: skip
"""Requests that are wrong in some way, or in none that a client sees, and what has to be said of them."""


def _damaged(one: Picture, chance: random.Random) -> bytes:
    content = bytearray(one.files["PNG"])
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    return bytes(content)


def mixed(pictures: Sequence[Picture], count: int, seed: int) -> list[Question]:
    """Return so many questions, three of five good, in an order that the seed gives."""
    chance = random.Random(seed)
    questions = []
    for number in range(count):
        picture = pictures[number % len(pictures)]
        if chance.random() < 0.6:
            kind = chance.choice(list(GOOD))
            expected = picture.expected["JPEG" if "JPEG" in kind else "PNG"]
            questions.append(Question(kind, GOOD[kind](picture), (200,), expected))
        else:
            questions.append(BAD[number % len(BAD)](picture, chance))
    return questions
