"""Datasets as tables: a CSV file with an image in each row, its pixels row by row, and the label first or last.

``mnist_train.csv`` with ``mnist_test.csv`` beside it, Kaggle's ``train.csv``, and the like; gzipped or not.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.array_sets import ArraySet, ArraySplit, dataset_of_arrays
from edgemnist.data.arrays import LEAST_FLAT_SIDE
from edgemnist.data.base import Dataset
from edgemnist.data.facts import PassedOver
from edgemnist.data.idx import damaged, reading
from edgemnist.support.errors import DatasetError
from edgemnist.support.limits import BLOCK_BYTES, MAX_DATASET_BYTES, MAX_EMPTY_LINES, MAX_ROW_BYTES
from edgemnist.support.progress import progress_task
from edgemnist.support.reading import bytes_allowed, open_file, open_unzipped, too_large

CSV_SUFFIXES = (".csv", ".csv.gz")

ROW_HEADINGS = frozenset({"", "id", "index", "unnamed: 0"})
"""What a first column is called that numbers the rows; it is left out."""

LABEL_HEADINGS = frozenset({"label", "labels", "class", "target", "y", "category"})
"""What the label's column is called, in any case."""

MAX_LABELS = 1000
"""Without a header, a column with more different values than this is taken for pixels."""

_ROWS = 2048
_SAMPLE = 50  # rows that tell the layout


@dataclass(frozen=True)
class Layout:
    """How a table's rows are to be read: the separator, whether there is a header, the label's column or None, whether
    the header names it, and whether the first column numbers the rows.
    """

    separator: str
    header: bool
    columns: int
    label: int | None
    named: bool = False
    numbered: bool = False

    def pixels(self) -> int:
        """How many columns hold pixels."""
        return self.columns - (self.label is not None) - self.numbered


def is_table(path: Path) -> bool:
    """Tell by its name whether a file is a CSV."""
    return path.name.lower().endswith(CSV_SUFFIXES)


def find_table(folder: Path) -> Path | None:
    """Return the table of training images in a folder, or None where there is no table.

    :raises DatasetError: there are several.
    """
    tables = sorted(path for path in folder.iterdir() if is_table(path) and path.is_file())
    training = [path for path in tables if re.search("train", path.name, re.IGNORECASE)]
    chosen = training or tables
    if len(chosen) > 1:
        names = ", ".join(path.name for path in chosen)
        raise DatasetError(f"{str(folder)!r} has several tables, {names}; give the path of the one to train on")
    return chosen[0] if chosen else None


def load_table(path: Path, name: str) -> Dataset:
    """Load a CSV; one of the same name with "test" for "train" beside it is the test split, if it has labels.

    :raises DatasetError: damaged, no pixels of square images, no column that is clearly the label's.
    """
    layout = read_layout(path)
    if layout.label is None or not _square(layout.pixels()):
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
    heading = "as its header says" if layout.named else "the only column that can be"
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
        sample = [line for line in islice(lines, _SAMPLE) if line.strip()]
    if not sample:
        raise damaged(path, "it is empty")
    separator = max(",;\t", key=sample[0].count)
    columns = sample[0].count(separator) + 1
    for number, line in enumerate(sample, 1):
        if line.count(separator) + 1 != columns:
            raise damaged(path, f"row {number} has {line.count(separator) + 1} columns, the first {columns}")
    first = [_cell(cell) for cell in sample[0].split(separator)]
    header = _is_header(first, sample[1:])
    named = _labels_heading(first) if header else None
    numbered = header and first[0].lower() in ROW_HEADINGS
    layout = Layout(separator, header, columns, named if label is None else label, named is not None, numbered)
    return replace(layout, label=_label_column(path, layout)) if layout.label is None else layout


def _is_header(first: list[str], others: list[str]) -> bool:
    """Tell whether the first row names the columns; names may be numbers, as when a program made them up."""
    if sum(not _is_number(cell) for cell in first) > 1 or any(cell.lower() in LABEL_HEADINGS for cell in first):
        return True
    counted = first == [str(at + int(first[0] == "1")) for at in range(len(first))]
    return counted or (bool(others) and "." in "".join(first) and not any("." in line for line in others))


def _labels_heading(headings: list[str]) -> int | None:
    named = [at for at, heading in enumerate(headings) if heading.lower() in LABEL_HEADINGS]
    return named[0] if len(named) == 1 else None


def _label_column(path: Path, layout: Layout) -> int | None:
    """Return the first or the last column, if exactly one of them can be the label's; None if none can."""
    last = layout.columns - 1
    if layout.numbered or not _square(last):
        return None  # every column is a pixel, or it is no table of images
    # All rows are looked at: many tables are sorted by their labels.
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    with _lines(path) as lines:
        for line in islice(lines, int(layout.header), None):
            row = line.strip()
            if row and max(map(len, counts)) <= MAX_LABELS:
                counts[0][_cell(row.partition(layout.separator)[0])] += 1
                counts[1][_cell(row.rpartition(layout.separator)[2])] += 1
    possible = [column for column, found in zip((0, last), counts, strict=True) if _can_be_labels(found)]
    if len(possible) > 1:
        raise DatasetError(
            f"the first and the last column of {str(path)!r} could both be the label; name the columns in its first "
            "line: label,pixel0,pixel1,..."
        )
    return possible[0] if possible else None


def _can_be_labels(counts: Counter[str]) -> bool:
    """Tell whether values repeat as labels do: several different ones, on the average twice, numbers without gaps."""
    if not 2 <= len(counts) <= min(MAX_LABELS, counts.total() // 2):
        return False
    if not all(map(_is_number, counts)):
        return True
    # Numbers of classes leave no gaps; the grey levels of a corner do.
    numbers = sorted(map(float, counts))
    return all(number.is_integer() for number in numbers) and numbers[-1] - numbers[0] < 2 * len(numbers)


def _cell(text: str) -> str:
    return text.strip().strip('"')


def _no_label(path: Path, layout: Layout) -> DatasetError:
    what = "none of which is clearly the label" if layout.label is None else "one of them the label"
    return DatasetError(
        f"{str(path)!r} has rows of {layout.columns:,} columns, {what} beside the pixels of a square image; write one "
        "image a row as label,pixel0,pixel1,... with the pixels row by row and those names as the first line, or save "
        "images and labels as an .npz"
    )


def _square(count: int) -> bool:
    sides = {channels: math.isqrt(count // channels) for channels in (1, 3)}
    return any(channels * side * side == count and side >= LEAST_FLAT_SIDE for channels, side in sides.items())


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


# --- the rows -------------------------------------------------------------------------------------------------------


def _read(path: Path, layout: Layout) -> ArraySplit:
    parts, labels, rows, size = [], [], 0, 0
    with _lines(path) as lines, progress_task(f"Reading {path.name}") as task:
        if layout.header:
            next(lines, None)
        while block := _block(lines):
            pixels, text = _parsed(path, layout, [line for line in block if line.strip()], rows)
            parts.append(pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32))
            labels += text
            rows += len(block)
            size += parts[-1].nbytes
            if size > bytes_allowed(MAX_DATASET_BYTES):
                raise too_large(path, "has pixels of more than", size, bytes_allowed(MAX_DATASET_BYTES))
            task.update(advance=len(block))
    return ArraySplit(
        images=_whole_where_whole(np.concatenate(parts)), labels=_as_array(labels),
        image_name=repr(path.name), label_name="the label column",
    )  # fmt: skip


def _block(lines: Iterator[str]) -> list[str]:
    """Return the next lines: few enough that what they take does not depend on how long they are."""
    block, size = [], 0
    for line in lines:
        block.append(line)
        size += len(line)
        if len(block) == _ROWS or size > BLOCK_BYTES:
            break
    return block


def _whole_where_whole(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return whole numbers as integers: of 0 and 1 they are not fractions."""
    if pixels.dtype == np.uint8 or not np.array_equal(pixels, np.rint(pixels)) or np.abs(pixels).max() >= 2**31:
        return pixels
    return pixels.astype(np.int32)


def _as_bytes(pixels: NDArray[np.float32]) -> NDArray[np.float32] | NDArray[np.uint8]:
    """Return pixels in a quarter of the memory if they are whole numbers of 0 to 255."""
    if pixels.size and pixels.min() >= 0 and pixels.max() <= 255 and np.array_equal(pixels, np.rint(pixels)):
        return pixels.astype(np.uint8)
    return pixels


def _parsed(path: Path, layout: Layout, lines: list[str], before: int) -> tuple[NDArray[Any], list[str]]:
    """Return (pixels, uint8 or float32, shape (rows, pixels); labels as text) of some lines."""
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
    return _as_bytes(pixels).reshape(len(lines), layout.pixels()), labels


def _without_label(line: str, layout: Layout) -> tuple[str, str]:
    """Return a line without its label and its number, and the label."""
    if layout.numbered:
        line = line.partition(layout.separator)[2]
        layout = replace(layout, label=None if layout.label is None else layout.label - 1, columns=layout.columns - 1)
    if layout.label == 0:
        label, _, rest = line.partition(layout.separator)
    elif layout.label == layout.columns - 1:
        rest, _, label = line.rpartition(layout.separator)
    else:
        cells = line.split(layout.separator)
        label = "" if layout.label is None else cells.pop(layout.label)
        rest = layout.separator.join(cells)
    return rest, label.strip()


def _malformed(path: Path, layout: Layout, lines: list[str], before: int) -> DatasetError:
    for number, line in enumerate(lines, before + layout.header + 1):
        cells = line.strip().replace('"', "").split(layout.separator)
        if len(cells) != layout.columns:
            return damaged(path, f"line {number} has {len(cells)} columns, the first {layout.columns}")
        wrong = [
            cell
            for at, cell in enumerate(cells)
            if at != layout.label and not _is_number(cell) and at >= layout.numbered
        ]
        if wrong:
            return damaged(path, f"line {number} has {wrong[0]!r} where a pixel should be")
    return damaged(path, f"between lines {before + 1} and {before + len(lines)} a pixel cannot be read")


def _as_array(labels: list[str]) -> NDArray[np.int64] | NDArray[np.str_]:
    if all(map(_is_number, set(labels))):
        numbers = np.array(labels, dtype=np.float64)
        if np.array_equal(numbers, np.rint(numbers)) and np.abs(numbers).max(initial=0) < 2**53:
            return numbers.astype(np.int64)
    return np.array(labels, dtype=np.str_)


@contextmanager
def _lines(path: Path) -> Iterator[Iterator[str]]:
    """Open a file, gzipped or plain, as decoded lines; no more than ``MAX_DATASET_BYTES`` of them are read."""
    with reading(path), open_file(path) as file, open_unzipped(file, path) as content:
        yield _decoded(path, content)


def _decoded(path: Path, file: BinaryIO) -> Iterator[str]:
    read, empty, allowed = 0, 0, bytes_allowed(MAX_DATASET_BYTES)
    while line := file.readline(MAX_ROW_BYTES):
        read += len(line)
        if len(line) == MAX_ROW_BYTES:
            raise damaged(path, f"a line has more than {MAX_ROW_BYTES:,} bytes")
        if read > allowed:
            raise too_large(path, "has more than", read, allowed)
        empty += not line.strip()
        if empty > MAX_EMPTY_LINES:
            raise damaged(path, f"it has more than {MAX_EMPTY_LINES:,} empty lines")
        yield line.decode("utf-8-sig", "replace")
