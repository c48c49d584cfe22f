"""The augmentation suits the dataset: digits, letters and directions are never mirrored, photos are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.data.base import Dataset, Split
from edgemnist.data.published import KnownDataset
from edgemnist.data.registry import known_datasets
from edgemnist.training.augmentation_choice import augmentation_for, choose_augmentation

PAIR = ("cat", "dog")


def pixels(channels: int, *, drawing: bool = False) -> NDArray[np.uint8]:
    """Return 20 images: noise, or ink on a white ground."""
    noise = np.random.default_rng(0).integers(0, 256, (20, 8, 8, channels), np.uint8)
    if drawing:
        noise[:, :, 2:] = 255
    return noise


def dataset(name: str, images: NDArray[np.uint8], class_names: tuple[str, ...] = PAIR) -> Dataset:
    split = Split(images, np.arange(len(images)) % len(class_names))
    return Dataset(name, split, split, class_names, source="made", sha256="made")


@pytest.mark.unit
@pytest.mark.parametrize("known", known_datasets(), ids=lambda known: known.name)
def test_a_known_dataset_gets_what_its_row_names(known: KnownDataset) -> None:
    made = dataset(known.name, pixels(1), known.class_names)
    assert augmentation_for(made).name == known.augmentation
    assert known.augmentation in ("handwriting", "garments", "photos")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("images", "class_names", "in_folder", "as_array"),
    [
        (pixels(3), PAIR, "photos", "photos"),
        (pixels(3), ("0", "1", "2"), "signs", "photos"),
        (pixels(3), ("A", "B"), "signs", "signs"),
        (pixels(3), ("turn-left", "turn-right"), "signs", "signs"),
        (pixels(3), ("upright", "leftover"), "photos", "photos"),
        (pixels(1), PAIR, "photos", "gentle"),
        (pixels(1), ("0", "1"), "signs", "gentle"),
        (pixels(1, drawing=True), PAIR, "gentle", "gentle"),
        (255 - pixels(1, drawing=True), ("0", "1"), "gentle", "gentle"),
    ],
    ids=["colour", "numbers", "letters", "directions", "words", "grey", "grey-numbers", "drawings", "ink-on-black"],
)
def test_others_get_what_suits_their_pictures(
    images: NDArray[np.uint8], class_names: tuple[str, ...], in_folder: str, as_array: str, tmp_path: Path
) -> None:
    assert augmentation_for(dataset(str(tmp_path), images, class_names)).name == in_folder
    assert augmentation_for(dataset("/nowhere/made.npz", images, class_names)).name == as_array


@pytest.mark.unit
def test_auto_is_what_suits_and_a_name_is_a_name() -> None:
    made = dataset("made", pixels(3))
    assert choose_augmentation("auto", "none", made) == "photos"
    assert choose_augmentation(None, "none", made) == "none"
    assert choose_augmentation("garments", "none", made) == "garments"
