"""Folders of images as datasets."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgemnist.data.loading import load_dataset
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit


def paint(path: Path, value: int, size: tuple[int, int] = (12, 10), *, colour: bool = False) -> Path:
    """Write a PNG of (height, width) full of a value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full(size, value, np.uint8)
    Image.fromarray(np.stack([pixels, pixels // 2, pixels], axis=-1) if colour else pixels).save(path)
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Return a folder with two classes: 5 dogs of values 10.., 10 cats of values 100..; all 12 x 10, grey."""
    for number in range(5):
        paint(tmp_path / f"pets/dog/{number}.png", 10 + number)
    for number in range(10):
        paint(tmp_path / f"pets/cat/{number}.png", 100 + number)
    return tmp_path / "pets"


def test_classes_are_the_folders_in_order(pets: Path) -> None:
    dataset = load_dataset(str(pets))
    assert dataset.class_names == ("cat", "dog")
    assert dataset.image_shape == (12, 10, 1)
    assert np.bincount(dataset.train.labels).tolist() == [8, 4]
    assert np.bincount(dataset.test.labels).tolist() == [2, 1]
    values = dataset.train.images[:, 0, 0, 0]
    np.testing.assert_array_equal(dataset.train.labels, np.where(values >= 100, 0, 1))
    assert "3 of its images were divided off for testing" in dataset.note
    assert dataset.source == str(pets)
    assert Path(dataset.name) == pets


def test_same_folder_same_division(pets: Path, tmp_path: Path) -> None:
    shutil.copytree(pets, tmp_path / "copy")
    assert load_dataset(str(pets)).sha256 == load_dataset(str(tmp_path / "copy")).sha256


def test_train_and_test_folders_are_kept(tmp_path: Path) -> None:
    for part, count in (("train", 3), ("test", 1)):
        for name in ("a", "b"):
            for number in range(count):
                paint(tmp_path / part / name / f"{number}.png", 50 + number)
    dataset = load_dataset(str(tmp_path))
    assert (len(dataset.train), len(dataset.test)) == (6, 2)
    assert dataset.note == ""


def test_train_and_test_need_the_same_classes(tmp_path: Path) -> None:
    for path in ("train/a", "train/b", "test/a", "test/c"):
        paint(tmp_path / path / "0.png", 1)
    with pytest.raises(DatasetError, match="'train' and 'test' must have the same class folders"):
        load_dataset(str(tmp_path))


def test_sizes_that_differ_or_are_large_become_28_by_28(pets: Path) -> None:
    paint(pets / "cat/other.png", 9, (30, 30))
    assert load_dataset(str(pets)).image_shape == (28, 28, 1)


def test_large_images_become_28_by_28(tmp_path: Path) -> None:
    for name in ("a/0", "a/1", "b/0", "b/1"):
        paint(tmp_path / f"{name}.png", 7, (200, 150))
    assert load_dataset(str(tmp_path)).image_shape == (28, 28, 1)


@pytest.mark.parametrize(("size", "channels"), [((16, 16), 1), ((8, 20), 3)])
def test_size_and_channels_can_be_chosen(pets: Path, size: tuple[int, int], channels: int) -> None:
    dataset = load_dataset(str(pets), image_size=size, channels=channels)
    assert dataset.image_shape == (*size, channels)
    assert set(np.unique(dataset.train.images)) <= {*range(10, 15), *range(100, 110)}


def test_colour_is_kept_only_when_all_is_colour(tmp_path: Path) -> None:
    for name in ("a/0", "a/1", "b/0", "b/1"):
        paint(tmp_path / f"{name}.png", 100, colour=True)
    assert load_dataset(str(tmp_path)).image_shape == (12, 10, 3)
    assert load_dataset(str(tmp_path), channels=1).image_shape == (12, 10, 1)
    paint(tmp_path / "b/2.png", 100)
    assert load_dataset(str(tmp_path)).image_shape == (12, 10, 1)


def test_other_and_hidden_files_are_skipped(pets: Path) -> None:
    (pets / "cat/notes.txt").write_text("x")
    (pets / "cat/.hidden.png").write_text("x")
    (pets / ".git").mkdir()
    (pets / "README.md").write_text("x")
    assert load_dataset(str(pets)).class_names == ("cat", "dog")


def test_unreadable_image_is_named(pets: Path) -> None:
    (pets / "dog/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DatasetError, match=r"broken\.png.*repair or remove that file"):
        load_dataset(str(pets))


def test_class_without_images(pets: Path) -> None:
    (pets / "emu").mkdir()
    (pets / "emu/notes.txt").write_text("x")
    with pytest.raises(DatasetError, match=r"emu' has no images .*add some or remove the folder"):
        load_dataset(str(pets))


def test_class_with_a_single_image(pets: Path) -> None:
    paint(pets / "emu/0.png", 1)
    with pytest.raises(DatasetError, match=r"class 'emu' has 1 image.*at least 2"):
        load_dataset(str(pets))


@pytest.mark.parametrize("classes", [0, 1])
def test_too_few_classes(tmp_path: Path, classes: int) -> None:
    for number in range(classes):
        paint(tmp_path / f"root/{number}/0.png", 1)
    (tmp_path / "root").mkdir(exist_ok=True)
    with pytest.raises(DatasetError, match=f"{classes} sub-folder.*one sub-folder of images per class, at least two"):
        load_dataset(str(tmp_path / "root"))
