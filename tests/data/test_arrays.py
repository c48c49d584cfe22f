"""Arrays in every layout that people save: read into the same images and labels, or refused with what to do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.data.arrays import as_images, as_labels
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit

GREY = np.random.RandomState(0).randint(0, 256, size=(7, 12, 12, 1)).astype(np.uint8)
GREY[0, 0, :2, 0] = 0, 255  # the whole range is there
COLOUR = np.random.RandomState(1).randint(0, 256, size=(7, 12, 9, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    ("array", "images"),
    [
        (GREY[..., 0], GREY),
        (GREY.reshape(7, 144), GREY),
        (GREY.transpose(0, 3, 1, 2), GREY),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR),
        (COLOUR, COLOUR),
        ((GREY / 255).astype(np.float16), GREY),
        (GREY.astype(np.int64), GREY),
        (GREY.astype(np.uint16) * 257, GREY),
        (np.rint(GREY * (4095 / 255)).astype(np.int32), GREY),
        (np.rint(GREY * (1023 / 255)), GREY),
        (GREY + np.float32(0.25) - np.float32(0.5) * (GREY == 255), GREY),
    ],
)
def test_layouts_and_ranges(array: NDArray[Any], images: NDArray[np.uint8]) -> None:
    read = as_images({"x": array}, "'a.npz'").images[0]
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, images)


def test_arrays_that_belong_together_have_one_scale() -> None:
    """A dark test split of 12-bit values must not be brightened."""
    dark = np.full((2, 8, 8), 400, np.uint16)
    bright = np.full((2, 8, 8), 4000, np.uint16)
    read = as_images({"x_train": bright, "x_test": dark}, "'a.npz'")
    assert [int(images.max()) for images in read.images] == [249, 25]
    assert "4,000, scaled as 12 bits" in read.values


def test_arrays_of_different_ranges_are_refused() -> None:
    with pytest.raises(DatasetError, match=r"x_test in 'a' lies in 0\.\.1, x_train goes up to 255; save both"):
        as_images({"x_train": GREY.astype(np.float32), "x_test": GREY / 255}, "'a'")


def test_what_was_worked_out_is_said() -> None:
    assert as_images({"x": GREY.reshape(7, 144)}, "").remarks == (
        "x: rows of 144 numbers, taken for 12x12 pixels row by row",
    )
    assert "channels come first" in as_images({"x": COLOUR.transpose(0, 3, 1, 2)}, "").remarks[0]
    assert as_images({"x": GREY}, "").remarks == ()


@pytest.mark.parametrize(
    ("array", "remedy"),
    [
        (COLOUR.transpose(0, 3, 1, 2)[:, :, :8, :8].reshape(7, 192), "x.reshape(-1, 3, 8, 8)"),
        (np.zeros((150, 4)), "x.reshape(-1, height, width)"),
        (np.zeros((5, 700)), "x.reshape(-1, height, width)"),
        (COLOUR.transpose(1, 2, 3, 0), "x.transpose(3, 0, 1, 2)"),
        (np.zeros((5, 8, 8, 4), np.uint8), "x[..., :3]"),
        (GREY / 127.5 - 1, "(x + 1) * 127.5"),
        (GREY.astype(np.int16) - 128, "+ 128"),
        ((GREY - 40.0) / 17, "before they were standardised"),
        (np.where(GREY, np.nan, 1), "numpy.nan_to_num"),
        (GREY / 100, "numpy.rint(x * (255 / 2.55))"),
        (GREY * 2.0, "numpy.rint(x * (255 / 510))"),
        (GREY.astype(complex), "best uint8 from 0 to 255"),
    ],
)
def test_refused_with_what_to_do(array: NDArray[Any], remedy: str) -> None:
    with pytest.raises(DatasetError, match=re.escape(remedy)):
        as_images({"x": array}, "'a.npz'")


@pytest.mark.parametrize(("low", "high", "back"), [(-1, 1, "x"), (-128, 127, "x"), (0, 2.55, "x")])
def test_the_remedy_works_when_followed(low: float, high: float, back: str) -> None:
    x = GREY / 255 * (high - low) + low
    x = np.rint(x) if high == 127 else x
    with pytest.raises(DatasetError) as raised:
        as_images({"x": x}, "'a.npz'")
    saved = eval(str(raised.value).rpartition("save ")[2], {"numpy": np, "x": x})
    np.testing.assert_array_equal(as_images({"x": saved}, "'a.npz'").images[0], GREY)


@pytest.mark.parametrize(
    "labels",
    [
        np.array([2, 0, 1]), np.array([[2], [0], [1]]), np.array([2.0, 0.0, 1.0]), np.eye(3)[[2, 0, 1]],
        np.eye(3, dtype=bool)[[2, 0, 1]], np.eye(3, dtype=np.uint8)[[2, 0, 1]],
    ],
)  # fmt: skip
def test_labels(labels: NDArray[Any]) -> None:
    assert as_labels(labels, 3, "y").tolist() == [2, 0, 1]


def test_labels_as_text() -> None:
    assert as_labels(np.array([b"b", b"a"]), 2, "y").tolist() == ["b", "a"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0.5, 1, 2]), "save the number or the name"),
        (np.array([np.nan, 1, 2]), "save the number or the name"),
        (np.array([[0.2, 0.8], [1, 0], [0, 1]]), r"save y.argmax\(axis=1\)"),
        (np.ones((3, 2)), "not one-hot"),
        (np.zeros((3, 2)), "not one-hot"),
        (np.eye(4), "every image needs one label"),
    ],
)
def test_wrong_labels(labels: NDArray[Any], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        as_labels(labels, 3, "y")
