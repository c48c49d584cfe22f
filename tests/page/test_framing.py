"""The page's framing of pictures beside edgemnist's own: the same pixels of the same picture, bit for bit."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgemnist.data.framing import INVERT_CHOICES, frame, style_of
from edgemnist.data.images import SCALING, read_image
from edgemnist.tflite.preprocessing import FITS
from tests.page.javascript import NEEDS_NODE, run_templates

pytestmark = NEEDS_NODE

DATASETS = ("mnist", "emnist-letters", "fashion-mnist", "cifar10", "")
SHAPES = ((28, 28, 1), (32, 20, 1), (96, 96, 3))
SIZES = ((28, 28), (280, 280), (100, 7), (9, 61), (1, 1), (40, 33), (96, 96))


def strokes(seed: int, size: tuple[int, int], channels: int) -> NDArray[np.uint8]:
    """Return a picture like a photo of ink: a ground with noise, dark or bright lines on it, maybe nothing at all."""
    generator, (height, width) = np.random.default_rng(seed), size
    dark = bool(generator.integers(2))
    picture = generator.normal(200 if dark else 20, 6, (height, width, channels))
    for _ in range(int(generator.integers(0, 4))):
        top, left = generator.integers(0, height), generator.integers(0, width)
        bottom, right = top + generator.integers(1, height // 2 + 2), left + generator.integers(1, width // 3 + 2)
        picture[top:bottom, left:right] = generator.uniform(0, 90) if dark else generator.uniform(150, 255)
    return np.clip(picture, 0, 255).astype(np.uint8)


def as_json(picture: NDArray[np.uint8]) -> dict[str, Any]:
    height, width, channels = picture.shape
    return {"width": width, "height": height, "channels": channels, "pixels": picture.ravel().tolist()}


def taken(shape: tuple[int, int, int], dataset: str, fit: str) -> dict[str, Any]:
    style, bright = style_of(dataset)
    own = None if style is None else {"box": style.box, "byMass": style.by_mass}
    return {
        "width": shape[1], "height": shape[0], "channels": shape[2], "fit": fit, "brightOnDark": bright, "style": own
    }  # fmt: skip


def test_pictures_become_what_edgemnist_makes_of_them(tmp_path: Path) -> None:
    ways = list(itertools.product(DATASETS, SHAPES, SIZES, FITS))
    chosen = [ways[place] for place in np.random.default_rng(7).permutation(len(ways))[:220]]
    cases, expected = [], []
    for seed, (dataset, shape, size, fit) in enumerate(chosen):
        picture, invert = strokes(seed, size, 1 + 2 * (seed % 2)), INVERT_CHOICES[seed % 3]
        found = frame(picture, shape, dataset, invert, SCALING, fit)
        expected.append([found.pixels.ravel().tolist(), found.inverted, found.framing, found.note])
        cases.append([as_json(picture), taken(shape, dataset, fit), invert])
    script = """values.map(([picture, taken, invert]) => {
      const found = framed({ ...picture, pixels: Uint8Array.from(picture.pixels) }, taken, invert);
      return [Array.from(found.picture.pixels), found.inverted, found.framing, found.note];
    })"""
    answers = run_templates(tmp_path, ["framing.mjs"], script, cases)
    wrong = [chosen[place] for place, (one, other) in enumerate(zip(answers, expected, strict=True)) if one != other]
    assert wrong == []
    assert {framing.split(",")[0] for _, _, framing, _ in expected} >= {"as it is", "20 x 20 box", "24 x 24 box"}
    assert any(note for _, _, _, note in expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "LA", "RGBA"])
def test_what_a_canvas_has_becomes_what_a_file_does(tmp_path: Path, mode: str) -> None:
    """Transparent pictures too, bright ones and dark ones."""
    files, cases = [], []
    for seed in range(6):
        generator = np.random.default_rng(seed)
        colours = generator.integers(0, 256, (9, 12, 4), dtype=np.uint8)
        colours[..., :3] //= 1 + seed % 3
        path = tmp_path / f"{seed}.png"
        Image.fromarray(colours, "RGBA").convert(mode).save(path)
        rgba = np.asarray(Image.open(path).convert("RGBA"))
        cases.append({"width": 12, "height": 9, "data": rgba.ravel().tolist()})
        files.append(read_image(path).reshape(9, 12, -1))
    script = (
        "values.map((one) => { const { channels, pixels } = pictureOf(one); return [channels, Array.from(pixels)]; })"
    )
    answers = run_templates(tmp_path, ["framing.mjs"], script, cases)
    assert answers == [[picture.shape[2], picture.ravel().tolist()] for picture in files]
