"""Datasets as CSV tables: every way in which MNIST and its kin go round, and refusals that say what to do."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgemnist.data.loading import load_dataset
from edgemnist.support.errors import DatasetError

pytestmark = pytest.mark.unit

IMAGES = np.random.RandomState(0).randint(0, 256, size=(60, 8, 8)).astype(np.uint8)
IMAGES[:, 7, 7] = 0  # as in MNIST: a corner that never says anything
LABELS = np.arange(60) % 5
PIXELS = [f"pixel{number}" for number in range(64)]
Row = Callable[[int], list[str]]


def first(number: int) -> list[str]:
    return [str(LABELS[number]), *map(str, IMAGES[number].ravel())]


def last(number: int) -> list[str]:
    return [*first(number)[1:], first(number)[0]]


def write(path: Path, row: Row = first, header: list[str] | None = None, separator: str = ",", count: int = 60) -> Path:
    """Write a table with a row for each image."""
    lines = [separator.join(header)] if header else []
    lines += [separator.join(row(number)) for number in range(count)]
    content = ("\n".join(lines) + "\n").encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize(
    ("row", "header", "separator"),
    [
        (first, ["label", *PIXELS], ","),
        (first, ['"Label"', *(f'"{name}"' for name in PIXELS)], ","),
        (first, None, ","),
        (last, [*PIXELS, "class"], ";"),
        (last, None, "\t"),
        (first, [str(number) for number in range(65)], ","),
        (first, ["0", *(f"0.{number}" for number in range(1, 65))], ","),
        (lambda number: [f"r{number}", *first(number)], ["", "label", *PIXELS], ","),
        (lambda number: [str(number), *last(number)], ["id", *PIXELS, "label"], ","),
    ],
)
def test_label_first_or_last_with_or_without_a_header(
    tmp_path: Path, row: Row, header: list[str] | None, separator: str
) -> None:
    dataset = load_dataset(str(write(tmp_path / "a.csv", row, header, separator)))
    assert dataset.image_shape == (8, 8, 1)
    assert dataset.class_names == ("0", "1", "2", "3", "4")
    found = {
        image.tobytes(): int(label) for image, label in zip(dataset.train.images, dataset.train.labels, strict=True)
    }
    assert len(dataset.train) + len(dataset.test) == 60
    expected = {image.tobytes(): int(label) for image, label in zip(IMAGES, LABELS, strict=True)}
    assert found.items() <= expected.items()
    assert "columns is the label" in dataset.facts.remarks[0]


@pytest.mark.parametrize("name", ["mnist_train.csv", "Train.csv", "digits-training.csv.gz"])
def test_a_test_table_beside_it(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, header=["label", *PIXELS])
    beside = name.replace("training", "test").replace("train", "test").replace("Train", "test")
    write(tmp_path / beside, header=["label", *PIXELS], count=10)
    for given in (path, tmp_path):
        dataset = load_dataset(str(given))
        np.testing.assert_array_equal(dataset.train.images[..., 0], IMAGES)
        np.testing.assert_array_equal(dataset.test.images[..., 0], IMAGES[:10])
        assert dataset.facts.division.how == f"given: {name}, {beside}"


def test_rows_may_be_sorted_by_their_label(tmp_path: Path) -> None:
    """As many tables of letters are: the first thousands of rows have one label."""
    order = np.sort(np.arange(3000) % 2)
    rows = [f"{label},{','.join(map(str, IMAGES[at % 60].ravel()))}" for at, label in enumerate(order)]
    (tmp_path / "a.csv").write_text("\n".join(rows))
    assert load_dataset(str(tmp_path / "a.csv")).class_names == ("0", "1")


def test_a_test_table_without_labels_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", header=["label", *PIXELS])
    write(tmp_path / "test.csv", lambda number: first(number)[1:], PIXELS)
    dataset = load_dataset(str(path))
    assert len(dataset.train) + len(dataset.test) == 60
    (passed,) = dataset.facts.passed_over
    assert (passed.reason, passed.examples) == ("without labels", ("test.csv",))


def test_labels_as_text_and_fractions(tmp_path: Path) -> None:
    def row(number: int) -> list[str]:
        return ["cat" if LABELS[number] else "dog", *(f"{value / 255:.5f}" for value in IMAGES[number].ravel())]

    dataset = load_dataset(str(write(tmp_path / "a.csv", row)))
    assert dataset.class_names == ("cat", "dog")
    assert {image.tobytes() for image in dataset.train.images} <= {image.tobytes() for image in IMAGES}


@pytest.mark.parametrize(
    ("row", "header", "message"),
    [
        (lambda number: first(number)[:5], None, "rows of 5 columns.*write one image a row as label,pixel0"),
        (lambda number: ["a.png", "cat"], ["file", "label"], "rows of 2 columns, one of them the label beside"),
        (lambda number: first(number)[:64], ["label", *PIXELS[:63]], "beside the pixels of a square image"),
        (lambda number: [*first(number)[:64], str(number % 3)], None, "could both be the label; name the columns"),
        (lambda number: first(number) if number else ["1", "2"], ["label", *PIXELS], "row 2 has 2 columns, the first"),
        (lambda number: [*first(number)[:9], "x", *first(number)[10:]] if number == 7 else first(number),
         ["label", *PIXELS], "line 9 has 'x' where a pixel should be"),
        (lambda number: [*first(number)[:9], "999999", *first(number)[10:]], ["label", *PIXELS], "values from 0 to"),
    ],
)  # fmt: skip
def test_refused_with_what_to_do(tmp_path: Path, row: Row, header: list[str] | None, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        load_dataset(str(write(tmp_path / "a.csv", row, header)))


def test_a_folder_with_several_tables(tmp_path: Path) -> None:
    for name in ("letters-train.csv", "digits-train.csv"):
        write(tmp_path / name)
    with pytest.raises(DatasetError, match=r"digits-train\.csv, letters-train\.csv; give the path of the one"):
        load_dataset(str(tmp_path))


def test_another_table_that_only_looks_like_the_test_table(tmp_path: Path) -> None:
    path = write(tmp_path / "train.csv", header=["label", *PIXELS])
    (tmp_path / "test.csv").write_text("id,answer\n1,2\n")
    with pytest.raises(DatasetError, match=r"has 2 columns, 'train.csv' has 65; remove or rename it"):
        load_dataset(str(path))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xff\xfe\x00" * 50, b"," * 9_000_000, b"a"])
def test_anything_else_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(DatasetError, match=r"a\.csv"):
        load_dataset(str(tmp_path / "a.csv"))


def test_damaged_gzip(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.gz", header=["label", *PIXELS])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DatasetError, match="cannot be decompressed"):
        load_dataset(str(path))


def test_no_more_is_read_than_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv.gz", header=["label", *PIXELS])
    monkeypatch.setenv("EDGEMNIST_MAX_BYTES", "5000")
    with pytest.raises(DatasetError, match="more than the 5,000 allowed; make it smaller, or set EDGEMNIST_MAX_BYTES"):
        load_dataset(str(path))
