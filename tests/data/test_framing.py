"""Pictures of any size, ground and place come out as the dataset would have laid them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from edgemnist.data.base import Split
from edgemnist.data.images import frame_image
from edgemnist.data.loading import load_dataset
from edgemnist.support.errors import InputError

MNIST = (28, 28, 1)
Picture = NDArray[np.uint8]


@pytest.fixture(scope="session")
def digits(real_data: Path) -> Split:
    """Return MNIST's test images."""
    return load_dataset("mnist", fetch=False).test


def enlarged(digit: Picture, width: int, height: int) -> Picture:
    return np.asarray(Image.fromarray(digit).resize((width, height), Image.Resampling.BICUBIC), dtype=np.uint8)


def in_a_corner(digit: Picture) -> Picture:
    page = np.zeros((480, 640), np.uint8)
    page[20:140, 500:620] = enlarged(digit, 120, 120)
    return page


def photographed(digit: Picture) -> Picture:
    random = np.random.default_rng(1)
    grey = enlarged(digit, 200, 200) * 0.5 + 60 + np.linspace(-8, 8, 200)
    return np.asarray(np.clip(grey + random.normal(0, 5, grey.shape), 0, 255), dtype=np.uint8)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(
    "change",
    [lambda digit: enlarged(digit, 56, 56), lambda digit: enlarged(digit, 301, 301), in_a_corner, photographed],
    ids=["56", "301", "corner", "photo"],
)
def test_a_digit_comes_back_nearly_as_it_was(change: Callable[[Picture], Picture], invert: bool, digits: Split) -> None:
    correlations = []
    for image in digits.images[:25]:
        picture = change(image[..., 0])
        framed = frame_image(np.invert(picture) if invert else picture, MNIST, "mnist")

        assert framed.inverted == invert
        assert framed.pixels.shape == MNIST
        correlations.append(np.corrcoef(framed.pixels.ravel(), image.ravel())[0, 1])
    # A thin stroke that lands one pixel further, by rounding, correlates at 0.6 only.
    assert np.mean(correlations) > 0.9


def test_a_picture_of_the_right_size_is_taken_as_it_is(digits: Split) -> None:
    image = digits.images[0]
    framed = frame_image(image[..., 0], MNIST, "mnist")

    np.testing.assert_array_equal(framed.pixels, image)
    assert (framed.inverted, framed.framing) == (False, "as it is")


@pytest.mark.parametrize(("invert", "inverted"), [("yes", True), ("no", False), ("auto", True)])
def test_inversion_can_be_commanded(invert: str, inverted: bool) -> None:
    page = np.full((28, 28), 255, np.uint8)
    page[10:18, 13:15] = 0

    framed = frame_image(page, MNIST, "mnist", invert)

    assert framed.inverted is inverted
    assert framed.pixels[14, 14, 0] == (255 if inverted else 0)


def test_a_box_of_20_centred_by_mass() -> None:
    page = np.zeros((300, 300), np.uint8)
    page[50:250, 40:60] = 255  # an L: its mass is low and to the left
    page[230:250, 40:140] = 255

    framed = frame_image(page, MNIST, "mnist").pixels[..., 0]

    rows, columns = np.flatnonzero(framed.any(axis=1)), np.flatnonzero(framed.any(axis=0))
    assert len(rows) == 20
    assert len(columns) == 10
    weights = framed.astype(float)
    for axis in (0, 1):
        centre = (weights.sum(axis=1 - axis) * np.arange(28)).sum() / weights.sum()
        assert abs(centre - 14) <= 0.5


def test_emnist_centres_the_box_and_leaves_two_pixels() -> None:
    page = np.zeros((300, 300), np.uint8)
    page[50:250, 40:60] = 255
    page[230:250, 40:140] = 255

    framed = frame_image(page, MNIST, "emnist-letters").pixels[..., 0]

    rows, columns = np.flatnonzero(framed.any(axis=1)), np.flatnonzero(framed.any(axis=0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (2, 25, 8, 19)


def test_other_datasets_are_only_scaled() -> None:
    page = np.zeros((64, 32), np.uint8)
    page[:, 8:24] = 200

    clothes = frame_image(page, MNIST, "fashion-mnist")
    colour = frame_image(np.full((10, 10, 3), 250, np.uint8), (16, 16, 3), "leaves")

    assert clothes.framing == colour.framing.replace("16 x 16", "28 x 28") == "scaled to 28 x 28"
    assert colour.pixels.shape == (16, 16, 3)
    assert not colour.inverted


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_picture_is_noted(value: int) -> None:
    framed = frame_image(np.full((50, 60), value, np.uint8), MNIST, "mnist")

    assert framed.note == "there is no ink in it"
    assert not framed.pixels.any()


def test_unknown_inversion_lists_the_choices() -> None:
    with pytest.raises(InputError, match="'perhaps'; choose one of auto, yes, no"):
        frame_image(np.zeros((5, 5), np.uint8), MNIST, "mnist", "perhaps")


@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    channels=st.sampled_from([(), (3,)]),
    dataset=st.sampled_from(["mnist", "emnist-balanced", "fashion-mnist", ""]),
    seed=st.integers(0, 999),
    contrast=st.integers(0, 255),
)
@settings(max_examples=80, deadline=None)
def test_any_picture_fits(
    height: int, width: int, channels: tuple[int, ...], dataset: str, seed: int, contrast: int
) -> None:
    random = np.random.default_rng(seed)
    picture = (random.random((height, width, *channels)) * contrast).astype(np.uint8)

    framed = frame_image(picture, MNIST, dataset)

    assert framed.pixels.shape == MNIST
    assert framed.pixels.dtype == np.uint8
