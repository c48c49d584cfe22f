"""Datasets as tables: a CSV file with an image in each row, its pixels row by row, and the label first or last.

``mnist_train.csv`` with ``mnist_test.csv`` beside it, Kaggle's ``train.csv``, and the like; gzipped or not.
"""

from __future__ import annotations

import gzip
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.array_sets import ArraySet, ArraySplit, dataset_of_arrays
from edgemnist.data.base import Dataset
from edgemnist.data.facts import PassedOver
from edgemnist.data.idx import MAX_ARRAY_BYTES, damaged
from edgemnist.support.errors import DatasetError
from edgemnist.support.progress import progress_task

CSV_SUFFIXES = (".csv", ".csv.gz")

LABEL_HEADINGS = frozenset({"label", "labels", "class", "target", "y", "category"})
"""What the label's column is called, in any case."""

MAX_ROW_BYTES = 8 << 20
"""A longer line is no row of a small image."""

MAX_LABELS = 1000
"""Without a header, a column with more different values than this is taken for pixels."""

_ROWS = 2048


@dataclass(frozen=True)
class Layout:
    """How a table's rows are to be read: the separator, whether there is a header, the label's column or None."""

    separator: str
    header: bool
    columns: int
    label: int | None

    def pixels(self) -> int:
        """How many columns hold pixels."""
        return self.columns - (self.label is not None)


def is_table(path: Path) -> bool:
    """Tell by its name whether a file is a CSV."""
    return path.name.lower().endswith(CSV_SUFFIXES)


def find_table(folder: Path) -> Path | None:
    """Return the one table of training images in a folder, or None."""
    tables = sorted(path for path in folder.iterdir() if is_table(path) and path.is_file())
    training = [path for path in tables if re.search("train", path.name, re.IGNORECASE)]
    chosen = training or tables
    return chosen[0] if len(chosen) == 1 else None


def load_table(path: Path, name: str) -> Dataset:
    """Load a CSV; one of the same name with "test" for "train" beside it is the test split, if it has labels.

    :raises DatasetError: damaged, no pixels of square images, no column that is clearly the label's.
    """
    layout = read_layout(path)
    if layout.label is None:
        raise _no_label(path, layout)
    splits, remarks, passed = {"train": _read(path, layout)}, [_said(path, layout)], []
    beside = _test_beside(path)
    if beside is not None:
        tested = read_layout(beside, label=layout.label)
        if tested.columns == layout.columns:
            splits["test"] = _read(beside, tested)
        elif tested.columns == layout.pixels():
            passed.append(PassedOver(count=1, reason="without labels", examples=(beside.name,)))
        else:
            raise DatasetError(
                f"{str(beside)!r} has {tested.columns:,} columns, {path.name!r} has {layout.columns:,}; remove or "
                "rename it if it is not the test split"
            )
    found = ArraySet(path=path, splits=splits, remarks=tuple(remarks), passed_over=tuple(passed))
    return dataset_of_arrays(found, name)


def _said(path: Path, layout: Layout) -> str:
    heading = "as its header says" if layout.header else "the only column that can be"
    place = "first" if layout.label == 0 else "last" if layout.label == layout.columns - 1 else f"{layout.label}th"
    return f"in {path.name} the {place} of {layout.columns:,} columns is the label, {heading}"


def _test_beside(path: Path) -> Path | None:
    other = re.sub("train(ing)?", lambda word: "TEST" if word[0].isupper() else "test", path.name, flags=re.IGNORECASE)
    if other == path.name:
        return None
    return next((one for one in path.parent.iterdir() if one.name.lower() == other.lower() and one.is_file()), None)


# --- the layout -----------------------------------------------------------------------------------------------------


def read_layout(path: Path, label: int | None = None) -> Layout:
    """Work out a table's layout from its header and its first rows.

    ``label``: the column of the label where it is known and there is one.

    :raises DatasetError: unreadable, empty, or rows of different lengths.
    """
    with _lines(path) as lines:
        first = [line for line in islice(lines, _ROWS) if line.strip()]
    if not first:
        raise damaged(path, "it is empty")
    separator = max(",;\t", key=first[0].count)
    rows = [[cell.strip().strip('"') for cell in line.strip().split(separator)] for line in first]
    header = sum(not _is_number(cell) for cell in rows[0]) > 1
    columns = len(rows[0])
    if any(len(row) != columns for row in rows):
        wrong = next(at for at, row in enumerate(rows) if len(row) != columns)
        raise damaged(path, f"row {wrong + 1} has {len(rows[wrong])} columns, the first {columns}")
    body = rows[1:] if header else rows
    if label is None:
        label = _labels_heading(rows[0]) if header else _label_column(path, body)
    return Layout(separator, header, columns, label)


def _labels_heading(headings: list[str]) -> int | None:
    named = [at for at, heading in enumerate(headings) if heading.lower() in LABEL_HEADINGS]
    return named[0] if len(named) == 1 else None


def _label_column(path: Path, rows: list[list[str]]) -> int | None:
    """Return the first or the last column, if exactly one of them can be the label's; None if none can."""
    last = len(rows[0]) - 1
    if last < 1 or not _square(last):
        return None  # every column is a pixel, or it is no table of images
    possible = [column for column in (0, last) if _can_be_labels([row[column] for row in rows])]
    if len(possible) > 1:
        raise DatasetError(
            f"{str(path)!r} has no header, and its first and its last column could both be the label; add a line "
            "at its beginning that names the columns: label,pixel0,pixel1,..."
        )
    return possible[0] if possible else None


def _can_be_labels(cells: list[str]) -> bool:
    """Tell whether values repeat as labels do: several different ones, each number whole, none of them rare."""
    different = set(cells)
    if not 2 <= len(different) <= min(MAX_LABELS, max(2, len(cells) // 2)):
        return False
    if not all(map(_is_number, different)):
        return True
    # Numbers of classes leave no gaps; the grey levels of a corner do.
    numbers = sorted(float(cell) for cell in different)
    return all(number == int(number) for number in numbers) and numbers[-1] - numbers[0] < 2 * len(numbers)


def _no_label(path: Path, layout: Layout) -> DatasetError:
    if layout.header:
        return DatasetError(
            f"{str(path)!r} has no column for the label among its {layout.columns:,}; name it 'label' in the header"
        )
    return DatasetError(
        f"{str(path)!r} has rows of {layout.columns:,} columns without a header, of which neither the first nor the "
        "last is a label beside the pixels of a square image; write one image a row as label,pixel0,pixel1,... with "
        "the pixels row by row, or save the images as an .npz"
    )


def _square(count: int) -> bool:
    return round(count**0.5) ** 2 == count or (count % 3 == 0 and round((count // 3) ** 0.5) ** 2 == count // 3)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


# --- the rows -------------------------------------------------------------------------------------------------------


def _read(path: Path, layout: Layout) -> ArraySplit:
    parts, labels, rows = [], [], 0
    with _lines(path) as lines, progress_task(f"Reading {path.name}") as task:
        if layout.header:
            next(lines, None)
        while block := list(islice(lines, _ROWS)):
            pixels, text = _parsed(path, layout, [line for line in block if line.strip()], rows)
            parts.append(pixels)
            labels += text
            rows += len(block)
            if rows * layout.pixels() * 4 > MAX_ARRAY_BYTES:
                raise damaged(path, f"its pixels take more than the {MAX_ARRAY_BYTES:,} bytes allowed")
            task.update(advance=len(block))
    images = np.concatenate(parts)
    if np.array_equal(images, np.rint(images)):
        images = images.astype(np.int32)  # whole numbers of 0 and 1 are not fractions
    return ArraySplit(
        images=images, labels=_as_array(labels),
        image_name=repr(path.name), label_name=f"the label column of {str(path)!r}",
    )  # fmt: skip


def _parsed(path: Path, layout: Layout, lines: list[str], before: int) -> tuple[NDArray[np.float32], list[str]]:
    """Return (pixels, float32, shape (rows, pixels); labels as text) of some lines."""
    labels: list[str] = []
    rest: list[str] = []
    for line in lines:
        text, label = _without_label(line.strip().replace('"', ""), layout)
        labels.append(label)
        rest.append(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of text that is no number: the count tells
        pixels = np.fromstring(layout.separator.join(rest), dtype=np.float32, sep=layout.separator)
    if pixels.size != len(lines) * layout.pixels():
        raise _malformed(path, layout, lines, before)
    return pixels.reshape(len(lines), layout.pixels()), labels


def _without_label(line: str, layout: Layout) -> tuple[str, str]:
    """Return a line without its label, and the label."""
    if layout.label == 0:
        label, _, rest = line.partition(layout.separator)
    elif layout.label == layout.columns - 1:
        rest, _, label = line.rpartition(layout.separator)
    else:
        cells = line.split(layout.separator)
        label = cells.pop(layout.label or 0)
        rest = layout.separator.join(cells)
    return rest, label.strip()


def _malformed(path: Path, layout: Layout, lines: list[str], before: int) -> DatasetError:
    for number, line in enumerate(lines, before + layout.header + 1):
        cells = line.strip().replace('"', "").split(layout.separator)
        if len(cells) != layout.columns:
            return damaged(path, f"line {number} has {len(cells)} columns, the first {layout.columns}")
        wrong = [cell for at, cell in enumerate(cells) if at != layout.label and not _is_number(cell)]
        if wrong:
            return damaged(path, f"line {number} has {wrong[0]!r} where a pixel should be")
    return damaged(path, f"between lines {before + 1} and {before + len(lines)} a pixel cannot be read")


def _as_array(labels: list[str]) -> NDArray[np.int64] | NDArray[np.str_]:
    if all(map(_is_number, set(labels))):
        numbers = np.array(labels, dtype=np.float64)
        if np.array_equal(numbers, np.rint(numbers)):
            return numbers.astype(np.int64)
    return np.array(labels, dtype=np.str_)


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """Open a file, gzipped or plain, as decoded lines; no more than :data:`MAX_ARRAY_BYTES` of them are read."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield _decoded(path, cast(BinaryIO, file))
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise damaged(path, f"it cannot be decompressed ({error})") from error
    except OSError as error:
        raise DatasetError(f"cannot read {str(path)!r}: {error.strerror or error}") from error


def _decoded(path: Path, file: BinaryIO) -> Iterator[str]:
    read = 0
    while line := file.readline(MAX_ROW_BYTES):
        read += len(line)
        if read > MAX_ARRAY_BYTES:
            raise damaged(path, f"it has more than the {MAX_ARRAY_BYTES:,} bytes allowed")
        yield line.decode("utf-8-sig", "replace")
