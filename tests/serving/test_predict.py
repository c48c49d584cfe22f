"""``/predict``: the same answer as ``edgemnist predict`` gives, in every form; and what is no picture."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgemnist import cli
from edgemnist.data.base import Split
from tests.serving.conftest import png
from tests.serving.running import Running


def test_every_form_gives_the_answer_of_the_command(
    server: Running, model: Path, digits: Split, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = [png(image[..., 0]) for image in digits.images[:10]]
    pictures += [png(np.invert(np.asarray(_scaled(image[..., 0])))) for image in digits.images[:10]]
    files = [tmp_path / f"{number}.png" for number in range(len(pictures))]
    for file, content in zip(files, pictures, strict=True):
        file.write_bytes(content)
    assert cli.run(["predict", *map(str, files), str(model), "--json"]) == 0
    expected = json.loads(capsys.readouterr().out)["predictions"]

    for content, wanted in zip(pictures, expected, strict=True):
        form = server.post("/predict", files={"file": ("digit.png", content, "image/png")}).json()
        raw = server.post("/predict", data=content, headers={"Content-Type": "image/png"}).json()
        text = server.post("/predict", json={"image": base64.b64encode(content).decode()}).json()
        for answer in (form, raw, text):
            assert answer["label"] == wanted["label"] == str(answer["digit"])
            assert answer["index"] == wanted["index"]
            assert answer["confidence"] == wanted["top"][0]["probability"]
            assert answer["inverted"] == wanted["inverted"]
            assert answer["framing"] == wanted["framing"]
            assert answer["latency_ms"] > 0
        assert {**form, "latency_ms": 0} == {**raw, "latency_ms": 0} == {**text, "latency_ms": 0}
        for one in wanted["top"]:
            assert form["probabilities"][one["label"]] == one["probability"]
    assert len(form["probabilities"]) == 10
    assert form["model"]["name"] == "digits"
    assert form["model"]["version"] == 1


def _scaled(image: np.ndarray[Any, Any]) -> Image.Image:
    return Image.fromarray(image).resize((120, 90))


def test_pixels_as_numbers(server: Running, digits: Split) -> None:
    for image, label in zip(digits.images[:5], digits.labels[:5], strict=True):
        picture = server.post("/predict", data=png(image[..., 0]), headers={"Content-Type": "image/png"}).json()
        numbers = server.post("/predict", json={"pixels": image[..., 0].tolist()}).json()
        deep = server.post("/predict", json={"pixels": image.tolist()}).json()
        assert {**numbers, "latency_ms": 0} == {**deep, "latency_ms": 0} == {**picture, "latency_ms": 0}
        assert numbers["label"] == str(label)


def test_inversion_can_be_chosen(server: Running, digits: Split) -> None:
    dark = {"pixels": np.invert(digits.images[0, ..., 0]).tolist()}
    assert server.post("/predict", json=dark).json()["inverted"] is True
    assert server.post("/predict?invert=no", json=dark).json()["inverted"] is False
    answer = server.post("/predict?invert=maybe", json=dark)
    assert (answer.status_code, "auto, yes, no" in answer.json()["error"]) == (400, True)


def huge_png(width: int, height: int) -> bytes:
    """Return a PNG whose header says that it is so large; there are no pixels in it."""

    def chunk(name: bytes, content: bytes) -> bytes:
        body = name + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


PICTURE = {"Content-Type": "image/png"}
CUT_OFF = png(np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8))[:300]
HALF = zlib.compress(b"x" * 99)[:-6]


def packed(content: bytes, coding: str = "deflate") -> dict[str, Any]:
    """Return a body that says that it is compressed."""
    return {"data": content, "headers": {**PICTURE, "Content-Encoding": coding}}


TABLE: dict[str, tuple[int, str, dict[str, Any]]] = {
    "no image": (415, "not an image of a known format", {"data": b"hello", "headers": PICTURE}),
    "empty": (400, "is empty", {"data": b"", "headers": PICTURE}),
    "cut off": (400, "truncated", {"data": CUT_OFF, "headers": PICTURE}),
    "too many pixels": (413, "pixels", {"data": huge_png(20_000, 20_000), "headers": PICTURE}),
    "a bomb": (413, "pixels", {"data": huge_png(60_000, 60_000), "headers": PICTURE}),
    "too large": (413, "16,777,217 bytes", {"data": b"\x89PNG" + bytes((16 << 20) - 3), "headers": PICTURE}),
    "text": (415, "text/plain", {"data": "7", "headers": {"Content-Type": "text/plain"}}),
    "another field": (400, "its fields: picture", {"files": {"picture": b"x"}}),
    "a field without a file": (400, "has no file", {"files": {"file": (None, "text")}}),
    "no form": (400, "boundary", {"data": b"x", "headers": {"Content-Type": "multipart/form-data"}}),
    "a broken form": (400, "form", {"data": b"x", "headers": {"Content-Type": "multipart/form-data; boundary=abc"}}),
    "no JSON": (400, "no JSON", {"data": b"{", "headers": {"Content-Type": "application/json"}}),
    "deep JSON": (400, "no JSON", {"data": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}),
    "a JSON list": (400, "object", {"json": [1]}),
    "neither": (400, "pixels", {"json": {"picture": ""}}),
    "no base64": (400, "base64", {"json": {"image": "!"}}),
    "fractions": (400, "0 to 255", {"json": {"pixels": [[0.5, 1.0]]}}),
    "beyond every float": (400, "same length", {"json": {"pixels": [[10**400]]}}),
    "more behind a gzip": (400, "in one piece", packed(zlib.compress(b"x") + b"y")),
    "too bright": (400, "0 to 255", {"json": {"pixels": [[256]]}}),
    "ragged": (400, "same length", {"json": {"pixels": [[1, 2], [3]]}}),
    "flat": (400, "shape [3]", {"json": {"pixels": [1, 2, 3]}}),
    "none": (400, "shape", {"json": {"pixels": []}}),
    "an unknown coding": (415, "br", packed(b"x", "br")),
    "no gzip": (400, "gzip", packed(b"x", "gzip")),
    "half a gzip": (400, "ends inside", packed(HALF)),
    "a gzip bomb": (413, "decompressed", packed(zlib.compress(bytes(200 << 20)))),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_what_is_wrong_is_said(server: Running, name: str) -> None:
    status, text, request = TABLE[name]
    answer = server.post("/predict", **request)
    assert answer.status_code == status, answer.text
    assert text in answer.json()["error"]
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"]


def test_compressed_bodies(server: Running, digits: Split) -> None:
    body = json.dumps({"pixels": digits.images[0, ..., 0].tolist()}).encode()
    packers = {"gzip": 31, "deflate": 15, "deflate, without a header": -15}
    for coding, wbits in packers.items():
        packer = zlib.compressobj(wbits=wbits)
        headers = {"Content-Type": "application/json", "Content-Encoding": coding.split(",")[0]}
        answer = server.post("/predict", data=packer.compress(body) + packer.flush(), headers=headers)
        assert answer.json()["label"] == str(digits.labels[0])


def test_unknown_models_and_versions(server: Running) -> None:
    for query, text in (("model=other", "there are: digits"), ("version=2", "there are: 1"), ("version=x", "'x'")):
        answer = server.post(f"/predict?{query}", data=b"x", headers=PICTURE)
        assert (answer.status_code, text in answer.json()["error"]) == (404, True)
