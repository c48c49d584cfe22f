"""Folders of images as datasets."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgemnist.data.images import read_image
from edgemnist.data.loading import load_dataset
from edgemnist.support.errors import DatasetError
from tests.data.pictures import wide_png

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
    assert dataset.note == ""
    assert (dataset.facts.division.share, dataset.facts.division.seed) == (0.2, 0)
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


def test_a_size_that_most_have_is_kept_and_the_others_are_named(pets: Path) -> None:
    paint(pets / "cat/other.png", 9, (30, 30))
    dataset = load_dataset(str(pets))
    assert dataset.image_shape == (12, 10, 1)
    assert dataset.facts.sizes == (((12, 10), 15), ((30, 30), 1))
    assert "1 of 16 pictures is of another size: cat/other.png" in dataset.facts.remarks


def test_without_a_usual_size_all_become_28_by_28(pets: Path) -> None:
    for number in range(15):
        paint(pets / f"cat/other{number}.png", 9, (30 + number, 30))
    dataset = load_dataset(str(pets))
    assert dataset.image_shape == (28, 28, 1)
    assert dataset.facts.fitted == "pad, no other size was asked for"


def test_large_images_become_28_by_28(tmp_path: Path) -> None:
    for name in ("a/0", "a/1", "b/0", "b/1"):
        paint(tmp_path / f"{name}.png", 7, (200, 150))
    assert load_dataset(str(tmp_path)).image_shape == (28, 28, 1)


@pytest.mark.parametrize(("size", "channels"), [((16, 16), 1), ((8, 20), 3)])
def test_size_and_channels_can_be_chosen(pets: Path, size: tuple[int, int], channels: int) -> None:
    dataset = load_dataset(str(pets), image_size=size, channels=channels)
    assert dataset.image_shape == (*size, channels)
    assert set(np.unique(dataset.train.images)) <= {*range(10, 15), *range(100, 110)}


@pytest.mark.parametrize(
    ("coloured", "grey", "channels", "remark"),
    [
        (4, 0, 3, None),
        (4, 1, 3, "1 of 5 pictures is grey: a/grey0.png"),
        (2, 2, 3, "2 of 4 pictures are grey: a/grey0.png, b/grey1.png"),
        (1, 4, 1, "1 of 5 pictures is coloured, and taken as grey: a/0.png"),
    ],
)
def test_most_of_the_images_decide_about_colour(
    tmp_path: Path, coloured: int, grey: int, channels: int, remark: str | None
) -> None:
    for number in range(coloured):
        paint(tmp_path / "ab"[number % 2] / f"{number}.png", 100, colour=True)
    for number in range(grey):
        paint(tmp_path / "ab"[number % 2] / f"grey{number}.png", 100)
    dataset = load_dataset(str(tmp_path))
    assert dataset.image_shape == (12, 10, channels)
    assert dataset.facts.remarks == ((remark,) if remark else ())
    assert load_dataset(str(tmp_path), channels=4 - channels).image_shape == (12, 10, 4 - channels)


def deep(path: Path, value: float, dtype: type = np.uint16) -> None:
    """Write a file of wide values, all the same but for a black corner."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels: NDArray[Any] = np.full((12, 10), value, dtype)
    pixels[0, 0] = 0
    Image.fromarray(pixels).save(path)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize(
    ("brightest", "white"), [(4095, 4095), (60_000, 65_535), (1000, 1023), (9000, 16_383), (200, 255)]
)
def test_sixteen_bit_files_have_one_scale_from_the_range_of_all(
    tmp_path: Path, suffix: str, brightest: int, white: int
) -> None:
    for number, value in enumerate((brightest, brightest // 2, brightest // 4, brightest // 8)):
        deep(tmp_path / "ab"[number % 2] / f"{number}.{suffix}", value)
    dataset = load_dataset(str(tmp_path))
    images = np.concatenate([dataset.train.images, dataset.test.images])
    expected = [round(value * 255 / white) for value in (brightest, brightest // 2, brightest // 4, brightest // 8)]
    assert sorted(images[:, 5, 5, 0].tolist(), reverse=True) == expected
    assert dataset.facts.values == ("8 bits" if white == 255 else dataset.facts.values)
    assert white == 255 or f"scaled as {white.bit_length()} bits" in dataset.facts.values
    alone = read_image(tmp_path / f"a/2.{suffix}", dict(dataset.facts.scales))
    assert alone[5, 5] == expected[2], "a single picture has the brightness that it has in the set"
    assert dataset.facts.as_json()["scales"] == {"integers": {"black": 0, "white": white}}


def test_floating_point_files_have_one_scale(tmp_path: Path) -> None:
    for number, value in enumerate((1.0, 0.5, 0.25, 0.1)):
        deep(tmp_path / "ab"[number % 2] / f"{number}.tif", value, np.float32)
    dataset = load_dataset(str(tmp_path))
    images = np.concatenate([dataset.train.images, dataset.test.images])
    assert sorted(images[:, 5, 5, 0].tolist()) == [26, 64, 128, 255]
    assert dataset.facts.values == "fractions from 0 to 1"


@pytest.mark.parametrize("others", [7, 60])
def test_one_file_of_other_values_does_not_decide_for_all(tmp_path: Path, others: int) -> None:
    for number in range(others):
        deep(tmp_path / "ab"[number % 2] / f"{number}.png", 2100 + number)
    deep(tmp_path / "a/odd.png", 65_535)
    dataset = load_dataset(str(tmp_path))
    assert 130 < np.median(dataset.train.images) < 140
    assert f"1 of {others + 1} pictures is far beyond that and cut off: a/odd.png" in dataset.facts.remarks[0]


@pytest.mark.parametrize(("brightest", "least", "remarks"), [(4095, 250, 1), (65_535, 250, 0)])
def test_sixteen_bit_colours_are_not_black(tmp_path: Path, brightest: int, least: int, remarks: int) -> None:
    for name in ("a/0", "a/1", "b/0", "b/1"):
        wide_png(tmp_path / f"{name}.png", brightest)
    dataset = load_dataset(str(tmp_path))
    assert dataset.train.images[..., 0].min() >= least
    assert len(dataset.facts.remarks) == remarks


def test_other_and_hidden_files_are_skipped(pets: Path) -> None:
    (pets / "cat/notes.txt").write_text("x")
    (pets / "cat/.hidden.png").write_text("x")
    (pets / ".git").mkdir()
    (pets / "README.md").write_text("x")
    dataset = load_dataset(str(pets))
    assert dataset.class_names == ("cat", "dog")
    assert {one.reason: (one.count, one.examples) for one in dataset.facts.passed_over} == {
        "hidden, or left by a system": (2, (".git", "cat/.hidden.png")),
        "no pictures by their names": (2, ("README.md", "cat/notes.txt")),
    }


def test_an_unreadable_image_is_named(pets: Path) -> None:
    (pets / "dog/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(DatasetError, match=r"broken\.png.*repair or remove that file, or .* --skip-unreadable"):
        load_dataset(str(pets))


def test_all_unreadable_images_are_named_at_once_and_can_be_passed_over(pets: Path) -> None:
    whole = (pets / "cat/0.png").read_bytes()
    for number in range(25):
        (pets / f"cat/broken{number:02}.png").write_bytes(whole[: 8 + number])
    with pytest.raises(DatasetError, match=r"25 pictures in .* cannot be read; repair or remove them") as raised:
        load_dataset(str(pets))
    lines = str(raised.value).splitlines()
    assert [f"broken{number:02}.png" in line for number, line in enumerate(lines[1:21])] == [True] * 20
    assert lines[21:] == ["  and 5 more"]
    dataset = load_dataset(str(pets), skip_unreadable=True)
    assert len(dataset.train) + len(dataset.test) == 15
    (skipped,) = dataset.facts.passed_over
    assert (skipped.count, skipped.reason, skipped.examples[0]) == (25, "unreadable", "cat/broken00.png")


def test_a_class_of_which_nothing_can_be_read(pets: Path) -> None:
    for path in (pets / "dog").iterdir():
        path.write_bytes(b"x")
    with pytest.raises(DatasetError, match="no picture of class 'dog' can be read"):
        load_dataset(str(pets), skip_unreadable=True)


def test_a_test_split_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    for name in ("train/a", "train/b", "test/a", "test/b"):
        paint(tmp_path / name / "0.png", 9)
        if name.startswith("test"):
            (tmp_path / name / "0.png").write_bytes(b"x")
    with pytest.raises(DatasetError, match="no picture of the test split can be read"):
        load_dataset(str(tmp_path), skip_unreadable=True)


def test_images_keep_their_names_through_the_division(pets: Path) -> None:
    dataset = load_dataset(str(pets))
    for split in (dataset.train, dataset.test):
        for at, value in enumerate(split.images[:, 0, 0, 0].tolist()):
            name = f"cat/{value - 100}.png" if value >= 100 else f"dog/{value - 10}.png"
            assert split.name_of(at) == name


def test_images_come_from_their_files_not_from_small_copies(tmp_path: Path) -> None:
    stripes = np.tile(np.repeat(np.array([0, 255], np.uint8), 2), (256, 64))
    for name in ("a/0", "a/1", "b/0", "b/1"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(stripes).save(tmp_path / f"{name}.png")
    sharp = load_dataset(str(tmp_path), image_size=(64, 64), fit="centre").train.images[0, ..., 0]
    np.testing.assert_array_equal(sharp, stripes[96:160, 96:160])


def test_class_without_images(pets: Path) -> None:
    (pets / "emu").mkdir()
    (pets / "emu/notes.txt").write_text("x")
    with pytest.raises(DatasetError, match=r"the class folder 'emu' has no images .*add some or remove the folder"):
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
