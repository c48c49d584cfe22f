"""What is told of a dataset before anything is trained: problems with their remedy, and warnings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.data.assembling import make_dataset
from edgemnist.data.base import Dataset, Split
from edgemnist.data.checks import check_dataset, require_usable
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit

PICTURES = np.random.RandomState(0).randint(0, 256, (600, 6, 6, 1)).astype(np.uint8)
DIM = (PICTURES // 3).astype(np.uint8)


def dataset_of(
    train: NDArray[np.uint8],
    test: NDArray[np.uint8],
    train_labels: Any = None,
    test_labels: Any = None,
    names: NDArray[np.str_] | None = None,
) -> Dataset:
    """Return a dataset of two classes that alternate unless labels are given."""
    labels = [
        np.arange(len(images)) % 2 if given is None else np.asarray(given, dtype=np.int64)
        for images, given in ((train, train_labels), (test, test_labels))
    ]
    splits = Split(train, labels[0]), Split(test, labels[1], names)
    return make_dataset("mine", *splits, ("even", "odd"), source="mine.npz")


def warnings(dataset: Dataset) -> list[str]:
    checks = check_dataset(dataset)
    assert not checks.problem
    return list(checks.warnings)


def test_a_good_dataset_is_silent() -> None:
    assert check_dataset(dataset_of(PICTURES[:400], PICTURES[400:])).as_json() == {"problem": None, "warnings": []}


@pytest.mark.parametrize(
    ("divisor", "said", "remedy"),
    [
        (255, "lie in 0..1 of 0..255; they look like fractions", "numpy.rint(fractions * 255).astype('uint8')"),
        (64, "lie in 0..3 of", "numpy.rint(levels * (255 / 3)).astype('uint8')"),
        (16, "lie in 0..15 of", "numpy.rint(levels * (255 / 15)).astype('uint8')"),
        (15.9, "lie in 0..16 of", "numpy.rint(levels * (255 / 16)).astype('uint8')"),
    ],
)
def test_values_of_another_range_are_refused_with_a_remedy_that_works(divisor: float, said: str, remedy: str) -> None:
    levels = (PICTURES / divisor).astype(np.uint8)
    dataset = dataset_of(levels[:400], levels[400:])
    with pytest.raises(DatasetError, match="'mine': the pixels of its training images all lie in") as raised:
        require_usable(dataset, check_dataset(dataset))
    assert said in str(raised.value)
    assert remedy in str(raised.value)
    if divisor != 255:
        saved = eval(remedy, {"numpy": np, "levels": levels})
        assert not check_dataset(dataset_of(saved[:400], saved[400:])).problem


def test_low_contrast_and_nothing_at_all_are_refused() -> None:
    bright = (240 + PICTURES // 17).astype(np.uint8)
    problem = check_dataset(dataset_of(bright[:400], bright[400:])).problem
    assert "lie in 240..255" in problem
    assert "(levels - 240) * (255 / 15)" in problem
    blank = np.full_like(PICTURES, 7)
    assert "every pixel of its training images is 7" in check_dataset(dataset_of(blank[:400], blank[400:])).problem


def test_dim_images_are_warned_of() -> None:
    (warning,) = warnings(dataset_of(PICTURES[:400], DIM[400:]))
    assert "no pixel of the test images is brighter than 85 of 255" in warning
    assert len(warnings(dataset_of(DIM[:400], DIM[400:]))) == 2


def test_a_test_split_of_another_range_is_refused() -> None:
    divided = (PICTURES[400:] / 255).astype(np.uint8)
    assert "pixels of its test images all lie in 0..1" in check_dataset(dataset_of(PICTURES[:400], divided)).problem


def test_blank_images_are_named() -> None:
    test = PICTURES[400:].copy()
    test[[3, 8]] = 0
    (warning,) = warnings(dataset_of(PICTURES[:400], test))
    assert warning == "2 of 200 test images are blank: image 3, image 8"


def test_test_images_that_were_trained_on_are_counted_and_named() -> None:
    test = PICTURES[400:].copy()
    test[5], test[7] = PICTURES[11], PICTURES[12]
    names = np.array([f"test/{number}.png" for number in range(200)])
    (warning,) = warnings(dataset_of(PICTURES[:400], test, names=names))
    assert warning.startswith("2 of 200 test images are among the training images too, 1 of them with another label")
    assert "test/5.png = image 11, test/7.png = image 12" in warning


def test_uneven_classes() -> None:
    assert warnings(dataset_of(PICTURES[:400], PICTURES[400:], [0] * 363 + [1] * 37)) == []
    (warning,) = warnings(dataset_of(PICTURES[:400], PICTURES[400:], [0] * 364 + [1] * 36))
    assert "364 training images of 'even', 36 of 'odd'; always answering 'even' would be right for 91%" in warning


@pytest.mark.parametrize(("count", "points"), [(138, 5), (36, 10), (10, 19)])
def test_a_small_test_split(count: int, points: int) -> None:
    (warning,) = warnings(dataset_of(PICTURES[:400], PICTURES[400 : 400 + count]))
    assert f"{count} test images are few" in warning
    assert f"+-{points} points" in warning


@pytest.mark.parametrize(
    ("labels", "words"),
    [([0] * 199 + [1], "a single test image of odd: nothing can be said of it"), ([0] * 200, "no test image of odd")],
)
def test_classes_of_which_nothing_can_be_said(labels: list[int], words: str) -> None:
    (warning,) = warnings(dataset_of(PICTURES[:400], PICTURES[400:], test_labels=labels))
    assert words in warning
