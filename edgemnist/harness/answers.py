"""What a device answered to pictures or to a dataset's images, as a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import InputError
from edgemnist.support.limits import MAX_ANSWERS_BYTES
from edgemnist.support.reading import require_file

MOST_PICTURES = 500
"""Of a file's pictures; what is behind them is not looked at."""


@dataclass(frozen=True, eq=False)
class DeviceAnswers:
    """What a device answered to each of ``asked``, the first column: names of pictures, or numbers of images.

    ``values``: its outputs as numbers, float64, shape (count, outputs), raw integers or reals; None where it gave
    classes, which then are in ``classes``: names, or indices as text.
    """

    path: Path
    asked: tuple[str, ...]
    values: NDArray[np.float64] | None
    classes: tuple[str, ...]

    def numbers(self) -> tuple[int, ...]:
        """Return the numbers of the images, where such were asked."""
        return tuple(map(int, self.asked))

    def outputs(self) -> NDArray[np.float64]:
        """Return the outputs, of shape (count, outputs).

        :raises InputError: it gave classes instead.
        """
        if self.values is None:
            raise InputError(
                f"{str(self.path)!r} has classes; give the outputs, a column for each, as the device has them in memory"
            )
        return self.values


def answers_to_pictures(outputs: Path, inputs: Path) -> DeviceAnswers:
    """Read a line for each picture: its file name, relative to the folder ``inputs``, then its outputs or its class.

    A first line of headings is passed over; ``asked`` are at most :data:`MOST_PICTURES`.

    :raises InputError: a file or the folder is missing, or the CSV malformed.
    """
    if not inputs.is_dir():
        raise InputError(f"--inputs {str(inputs)!r} is no folder; name the one that holds the pictures")
    rows = _rows(outputs, lambda name: (inputs / name).is_file())
    missing = [row[0] for row in rows if not (inputs / row[0]).is_file()]
    if missing or not rows:
        what = f"{missing[0]!r} and {len(missing) - 1} more" if missing else "any picture"
        raise InputError(f"{str(outputs)!r} names pictures that are not in {str(inputs)!r}: {what}")
    return _answers(outputs, rows[:MOST_PICTURES])


def answers_to_images(outputs: Path) -> DeviceAnswers:
    """Read a line for each image of a dataset: its number, from 0, then its outputs or its class.

    A first line of headings is passed over.

    :raises InputError: the file is missing or malformed, or a number is none, or there twice.
    """
    rows = _rows(outputs, _is_number)
    wrong = [row[0] for row in rows if not _is_number(row[0])]
    if wrong or not rows:
        what = f"{wrong[0]!r} is no number of an image" if wrong else "it has no image"
        raise InputError(
            f"{str(outputs)!r}: {what}; begin each line with one, from 0, or name the pictures' folder with --inputs"
        )
    seen = {int(row[0]) for row in rows}
    if len(seen) < len(rows):
        raise InputError(f"{str(outputs)!r} has an image twice; leave one answer to each")
    return _answers(outputs, rows)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _rows(path: Path, is_asked: Callable[[str], bool]) -> list[list[str]]:
    """Return the cells of every line but the first one's where that has headings."""
    try:
        require_file(path, MAX_ANSWERS_BYTES)
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot read {str(path)!r} as CSV: {error}") from error
    widths = {len(row) for row in rows}
    if len(widths) != 1 or widths.pop() < 2:
        raise InputError(
            f"{str(path)!r} has to have in every line a file name, or an image's number, and the outputs, or the class "
            "that the device gave"
        )
    return rows if is_asked(rows[0][0]) else rows[1:]


def _answers(path: Path, rows: list[list[str]]) -> DeviceAnswers:
    asked, cells = tuple(row[0] for row in rows), [row[1:] for row in rows]
    if len(cells[0]) == 1:
        return DeviceAnswers(path, asked, None, tuple(row[0] for row in cells))
    try:
        values = np.array(cells, dtype=np.float64)
    except ValueError as error:
        raise InputError(f"{str(path)!r} has an output that is no number: {error}") from error
    return DeviceAnswers(path, asked, values, ())
