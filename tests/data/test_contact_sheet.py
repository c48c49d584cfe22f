"""Contact sheets: nearly square, every picture whole, and under each what it is, what it was taken for, how surely."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from edgemnist.data.contact_sheet import Caption, contact_sheet, near_square
from edgemnist.support.palette import DARK, LIGHT, drawn_dark

pytestmark = pytest.mark.unit


def shown(png: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("count", "columns", "expected"), [(1, 10, (1, 1)), (7, 3, (3, 3)), (20, 10, (2, 10))])
def test_a_sheet_shows_every_image(channels: int, count: int, columns: int, expected: tuple[int, int]) -> None:
    images = np.full((count, 28, 28, channels), 128, np.uint8)
    png = contact_sheet(images, [Caption("7")] * count, columns=columns)
    sheet = shown(png)
    rows, across = expected
    assert (sheet == 128).all(axis=2).sum() >= count * 84 * 84
    assert sheet.shape == (rows * (84 + 17 + 10) + 10, across * (84 + 10) + 10, 3)
    assert png == contact_sheet(images, [Caption("7")] * count, columns=columns)


@pytest.mark.parametrize("name", ["a name that is far too long for any caption below a picture", "日本", ""])
def test_any_class_name_and_large_images(name: str) -> None:
    sheet = shown(contact_sheet(np.zeros((2, 100, 90, 3), np.uint8), [Caption(name)] * 2))
    assert 90 <= sheet.shape[1] <= 2 * 230 + 10


def test_a_caption_says_truth_prediction_and_confidence() -> None:
    assert Caption.of_prediction("5", 0.874, "3") == Caption("3 -> 5, 87 %", wrong=True)
    assert Caption.of_prediction("3", 1.0, "3") == Caption("3 -> 3, 100 %")
    assert Caption.of_prediction("3", 0.5) == Caption("3, 50 %")
    assert Caption.of_prediction("a very long name of a class", 0.5).text == "a very long na.., 50 %"


@pytest.mark.parametrize("dark", [False, True])
def test_the_ground_is_the_themes_and_mistakes_stand_out(dark: bool) -> None:
    colours, image = DARK if dark else LIGHT, np.zeros((1, 28, 28, 1), np.uint8)
    with drawn_dark(dark):
        wrong, right = (contact_sheet(image, [Caption("3 -> 5", wrong)]) for wrong in (True, False))
    assert tuple(shown(wrong)[0, 0]) == tuple(bytes.fromhex(colours.paper[1:]))
    assert wrong != right


@given(st.integers(1, 300), st.integers(60, 240), st.integers(60, 320))
def test_a_sheet_is_nearly_square(count: int, across: int, down: int) -> None:
    columns = near_square(count, across, down)
    rows = -(-count // columns)
    assert rows * columns - count < columns
    if count >= 12 and 0.5 <= across / down <= 2:
        assert 0.5 <= columns * across / (rows * down) <= 2


@pytest.mark.parametrize(
    ("count", "classes", "columns"), [(100, 10, 10), (100, 2, 10), (20, 10, 5), (100, 16, 16), (8, 2, 4)]
)
def test_a_class_has_columns_of_its_own_where_the_sheet_stays_square(count: int, classes: int, columns: int) -> None:
    assert near_square(count, 94, 111, classes) == columns
