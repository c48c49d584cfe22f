"""What is made with Pillow is what any of its versions makes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgemnist.data.images import SCALING, fit_image
from edgemnist.data.stored_pixels import _laid_over

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("height", "width", "size", "first"),
    [
        (90, 40, (10, 30), (40, 10)),
        (40, 90, (30, 10), (10, 40)),
        (50, 50, (20, 20), (20, 50)),
        (9, 9, (30, 20), (20, 9)),
    ],
)
def test_the_height_comes_first_where_it_loses_more_than_twice_as_much(
    height: int, width: int, size: tuple[int, int], first: tuple[int, int]
) -> None:
    """``first``: (width, height) after the first pass; each pass alone is the same in every version."""
    pixels = np.random.default_rng(height).integers(0, 256, (height, width), dtype=np.uint8)
    for filter, found in (
        (Image.Resampling.BICUBIC, SCALING.resize(pixels, size)),
        (Image.Resampling.LANCZOS, fit_image(pixels, size, 1, "stretch")[..., 0]),
    ):
        half = Image.fromarray(pixels).resize(first, filter)
        np.testing.assert_array_equal(found, np.asarray(half.resize((size[1], size[0]), filter)))


@pytest.mark.parametrize(("name", "background"), [("black", 0), ("white", 255)])
def test_every_colour_with_every_alpha_is_rounded_to_the_nearest(name: str, background: int) -> None:
    alpha, colour = np.meshgrid(np.arange(256), np.arange(256), indexing="ij")
    rgba = np.dstack([colour, colour, colour, alpha]).astype(np.uint8)
    expected = np.rint((colour * alpha + background * (255 - alpha)) / 255)
    found = _laid_over(Image.fromarray(rgba), name)
    np.testing.assert_array_equal(found, np.repeat(expected[..., None], 3, axis=2))
