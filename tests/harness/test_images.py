"""Which images: how many, and of which dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.loading import load_dataset
from edgemnist.harness.images import (
    ANY_SHAPE,
    DEFAULT_IMAGES,
    ImageSettings,
    choose_dataset,
    choose_images,
    image_settings_from,
)
from edgemnist.support.errors import InputError
from edgemnist.tflite.preprocessing import Preprocessing


@pytest.mark.parametrize(
    ("images", "everything", "count"), [(None, False, DEFAULT_IMAGES), (7, False, 7), (None, True, None)]
)
def test_what_the_flags_come_to(images: int | None, everything: bool, count: int | None) -> None:
    assert image_settings_from(images, everything, "usps") == ImageSettings(count=count, dataset="usps")


def test_flags_that_contradict_each_other() -> None:
    with pytest.raises(InputError, match="--images 7 and --all contradict each other"):
        image_settings_from(7, True, None)


@pytest.fixture
def black(tmp_path: Path) -> str:
    """Return a dataset of two black images."""
    path = tmp_path / "black.npz"
    images, labels = np.zeros((2, 28, 28), np.uint8), np.array([0, 1])
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return str(path)


def test_the_named_dataset_else_the_recorded_one_else_mnist(black: str, real_data: Path) -> None:
    """In the shape of the model, where that is known."""
    context = ModelContext(black, "cnn", Preprocessing((14, 14, 1), ("up", "down")))
    for known, name, wanted, shape in (
        (None, None, "mnist", (28, 28, 1)),
        (None, black, black, (28, 28, 1)),
        (context, None, black, (14, 14, 1)),
        (context, "mnist", "mnist", (14, 14, 1)),
    ):
        dataset = choose_dataset(known, name, known.preprocessing if known else Preprocessing(ANY_SHAPE))
        assert (dataset.name, dataset.image_shape) == (wanted, shape)


def test_a_model_of_which_nobody_knows_what_it_was_trained_on() -> None:
    with pytest.raises(InputError, match="name the dataset with --dataset"):
        known = Preprocessing((28, 28, 1), tuple("0123456789"))
        choose_dataset(ModelContext("", "", known), None, known)


def test_equally_many_per_class_or_all_of_them(real_data: Path) -> None:
    dataset = load_dataset("mnist", fetch=False)
    some, words = choose_images(dataset, 50)
    assert np.bincount(some.labels).tolist() == [5] * 10
    assert words == "50 of 10000 test images, equally many per class (seed 0)"
    np.testing.assert_array_equal(choose_images(dataset, 50)[0].images, some.images)
    for count in (None, 10_000, 20_000):
        everything, words = choose_images(dataset, count)
        assert (len(everything), words) == (10_000, "all 10000 test images")
