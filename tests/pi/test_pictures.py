"""The bundle's own reader and scaling of images, held against edgemnist's, which use Pillow."""

from __future__ import annotations

import io
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgemnist.pi.bundle.pictures import read_picture
from edgemnist.pi.bundle.problems import Problem
from edgemnist.pi.bundle.scaling import SCALING
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from edgemnist.data.framing import FIT_WORDS, INVERT_CHOICES, frame
from edgemnist.data.images import fit_image, frame_image, read_image
from edgemnist.pi.bundle import filters
from edgemnist.tflite.preprocessing import FITS
from tests.data.pictures import wide_png

pytestmark = pytest.mark.unit

MODES = ("1", "L", "P", "RGB", "LA", "RGBA")


def _picture(seed: int, height: int, width: int, mode: str) -> Image.Image:
    generator = np.random.default_rng(seed)
    noise = generator.integers(0, 256, (height, width, 4), dtype=np.uint8)
    noise[height // 4 : height // 2] = generator.integers(0, 256, 4, dtype=np.uint8)
    image = Image.fromarray(noise, "RGBA") if mode in ("RGBA", "LA") else Image.fromarray(noise[..., :3])
    return image.quantize(int(generator.integers(2, 257))) if mode == "P" else image.convert(mode)


def _saved(image: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def no_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Pillow impossible to import for the code under test."""
    monkeypatch.setitem(sys.modules, "PIL", None)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40), st.sampled_from(MODES))
def test_png_is_read_as_edgemnist_reads_it(
    tmp_path_factory: pytest.TempPathFactory, seed: int, height: int, width: int, mode: str
) -> None:
    image = _picture(seed, height, width, mode)
    content = _saved(image, "PNG", bits=(1, 2, 4, 8)[seed % 4]) if mode == "P" else _saved(image, "PNG")
    path = tmp_path_factory.getbasetemp() / "picture.png"
    path.write_bytes(content)
    np.testing.assert_array_equal(read_picture(content, "it"), read_image(path))


@pytest.mark.parametrize(
    ("mode", "format"), [("L", "PPM"), ("RGB", "PPM"), ("1", "PPM"), ("RGB", "JPEG"), ("P", "GIF")]
)
def test_other_formats_are_read_as_edgemnist_reads_them(tmp_path: Path, mode: str, format: str) -> None:
    path = tmp_path / "picture"
    path.write_bytes(_saved(_picture(1, 30, 20, mode), format))
    np.testing.assert_array_equal(read_picture(path.read_bytes(), "it"), read_image(path))


@pytest.mark.parametrize("highest", [1, 200, 255, 256, 1000, 4095, 16_000, 40_000, 65_535])
@pytest.mark.parametrize("kind", ["grey.png", "grey.tif", "float.tif", "colour.png"])
def test_wide_values_are_read_as_edgemnist_reads_them(tmp_path: Path, highest: int, kind: str) -> None:
    values = np.linspace(0, highest, 36).reshape(6, 6)
    path = tmp_path / kind
    if kind == "colour.png":
        wide_png(path, highest)
    else:
        Image.fromarray(values.astype(np.float32 if kind == "float.tif" else np.uint16)).save(path)
    np.testing.assert_array_equal(read_picture(path.read_bytes(), "it"), read_image(path))


def test_plain_files_need_no_pillow(no_pillow: None) -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    comment = b"P5 # made by hand\n4 3\n255\n" + picture.tobytes()
    np.testing.assert_array_equal(read_picture(comment, "it"), picture)


def test_what_needs_pillow_says_so(no_pillow: None) -> None:
    with pytest.raises(Problem, match=r"Pillow, which is not installed.*apt install python3-pil"):
        read_picture(b"\xff\xd8\xff\xe0 JPEG", "photo.jpg")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def _png(width: int, height: int, data: bytes, *, depth: int = 8, colour: int = 0) -> bytes:
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, colour, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(data)) + _chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an image"),
        (b"junk" * 100, "not an image"),
        (b"\x89PNG\r\n\x1a\n", "damaged"),
        (_png(4, 4, bytes(20))[:-20], "damaged"),
        (_png(4, 4, bytes(20)).replace(b"IDAT", b"IDAX"), "damaged"),
        (_png(4, 4, bytes(19)), "19 are there"),
        (_png(4, 4, b"\x07" + bytes(19)), "row filter 7"),
        (_png(4, 4, bytes(20), depth=3), "3 bits"),
        (_png(4, 4, bytes(20), colour=3), "palette of 0"),
        (_png(0, 4, b""), "0 x 4"),
        (_png(100_000, 100_000, b""), "at most 16,000,000"),
        (b"P5 4 4 255\n123", "16 bytes of pixels are promised"),
        (b"P6 99999 99999 255\n", "at most 16,000,000"),
        (b"P5 4 4 70000\n", "damaged"),
    ],
)
def test_junk_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(Problem, match=message):
        read_picture(content, "junk")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400), st.integers(0, 255))
def test_damaged_files_raise_nothing_else(tail: bytes, position: int, value: int) -> None:
    for content in (_saved(_picture(3, 9, 9, "RGB"), "PNG"), _saved(_picture(3, 9, 9, "L"), "PPM")):
        damaged = bytearray(content + tail)
        damaged[position % len(damaged)] = value
        try:
            read_picture(bytes(damaged), "damaged")
        except Problem:
            continue


@settings(max_examples=90, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(1, 60),
    st.integers(1, 60),
    st.sampled_from([(28, 28, 1), (32, 32, 3), (96, 96, 1), (20, 33, 3)]),
    st.sampled_from(["mnist", "emnist-balanced", "fashion-mnist", "cifar10"]),
    st.sampled_from(INVERT_CHOICES),
    st.booleans(),
    st.sampled_from(FITS),
)
def test_the_frame_is_that_of_edgemnist_predict(
    seed: int,
    height: int,
    width: int,
    image_shape: tuple[int, int, int],
    dataset: str,
    invert: str,
    coloured: bool,
    fit: str,
) -> None:
    generator = np.random.default_rng(seed)
    picture = np.full((height, width), generator.integers(0, 256), dtype=np.uint8)
    top, left = generator.integers(0, height), generator.integers(0, width)
    stroke = picture[top : top + height // 2 + 1, left : left + width // 2 + 1]
    stroke[:] = generator.integers(0, 256, stroke.shape)
    if coloured:
        picture = np.stack([picture, np.roll(picture, 1, axis=0), picture // 2], axis=2)
    expected = frame_image(picture, image_shape, dataset, invert, fit)
    found = frame(picture, image_shape, dataset, invert, SCALING, fit)
    assert found.framing == expected.framing
    np.testing.assert_array_equal(found.pixels, expected.pixels)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_of_any_size_are_fitted_alike(fit: str, channels: int) -> None:
    generator = np.random.default_rng(7)
    for _ in range(150):
        height, width, *size = (int(side) for side in generator.integers(1, 40, 4))
        picture = generator.integers(0, 256, (height, width, channels), np.uint8)
        expected = fit_image(picture, (size[0], size[1]), channels, fit)
        np.testing.assert_array_equal(SCALING.fit(picture, (size[0], size[1]), channels, fit), expected)


def test_every_fit_is_told_in_words() -> None:
    assert set(FIT_WORDS) == set(FITS)


def test_a_large_photograph_is_framed_alike() -> None:
    generator = np.random.default_rng(5)
    picture = generator.integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    for image_shape in ((28, 28, 1), (96, 96, 3)):
        expected = frame_image(picture, image_shape, "mnist").pixels
        found = frame(picture, image_shape, "mnist", "auto", SCALING).pixels
        np.testing.assert_array_equal(found, expected)


def _unfiltered_slowly(raw: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """Undo the filters as the specification has them, byte by byte."""
    rows = np.zeros((len(raw), raw.shape[1] - 1), dtype=np.uint8)
    for y, line in enumerate(raw.tolist()):
        for x, value in enumerate(line[1:]):
            left = int(rows[y, x - step]) if x >= step else 0
            up = int(rows[y - 1, x]) if y else 0
            corner = int(rows[y - 1, x - step]) if y and x >= step else 0
            nearest = sorted((left, up, corner), key=lambda one: abs(left + up - corner - one))[0]
            rows[y, x] = (value + (0, left, up, (left + up) // 2, nearest)[line[0]]) % 256
    return rows


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(1, 12), st.integers(1, 20), st.integers(1, 4), st.integers(1, 5))
def test_every_filter_is_undone(data: st.DataObject, height: int, row_bytes: int, step: int, band: int) -> None:
    raw = np.random.default_rng(height * 100 + row_bytes).integers(0, 256, (height, row_bytes + 1)).astype(np.uint8)
    raw[:, 0] = data.draw(st.lists(st.integers(0, 4), min_size=height, max_size=height))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(filters, "_BAND_ROWS", band)
        found = filters.unfiltered(raw.tobytes(), height, row_bytes, step)
    np.testing.assert_array_equal(found, _unfiltered_slowly(raw, step))
