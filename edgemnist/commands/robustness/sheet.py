"""What the corruptions look like: a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.robustness.report import CLEAN, Condition
from edgemnist.commands.robustness.stage import plan
from edgemnist.data.base import Dataset
from edgemnist.data.contact_sheet import Caption, contact_sheet
from edgemnist.data.corruptions import corrupt, select_corruptions
from edgemnist.data.splits import class_balanced_sample
from edgemnist.harness.images import ANY_SHAPE, choose_dataset
from edgemnist.support.files import check_png, write_bytes
from edgemnist.tflite.preprocessing import Preprocessing

_CELL = 112
_MOST_COLUMNS = 10


@dataclass(frozen=True)
class CorruptionSheet:
    """A contact sheet that was written: where, of which dataset, and which corruptions are on it."""

    path: Path
    dataset: str
    corruptions: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what was written as JSON values."""
        return {**asdict(self), "path": str(self.path)}


def write_sheet(
    path: Path, work: Path, dataset: str | None, names: Sequence[str], severities: Sequence[int], seed: int
) -> CorruptionSheet:
    """Write a PNG with a row for each corruption, or for two beside each other where there are many.

    ``dataset`` None is the work folder's, else MNIST. With one severity a row has one image of each class, the clean
    ones on top; otherwise it has a clean image and the same one at each severity.

    :raises InputError: an unknown corruption, severity or dataset, or a name that does not end in .png.
    :raises StorageError: the file cannot be written.
    """
    check_png(path)
    conditions = plan(select_corruptions(names), severities)
    loaded = _dataset(_context_of(WorkFolder(work)), dataset)
    rows = _by_class if len(set(severities)) == 1 else _by_severity
    cells, columns = rows(loaded, conditions, seed)
    images, captions = (
        np.stack([cell.image for cell in cells]),
        [Caption(cell.caption, empty=not cell.caption) for cell in cells],
    )
    png = contact_sheet(images, captions, in_columns=columns, cell=_CELL)
    names_shown = tuple(dict.fromkeys(condition.corruption for condition in conditions))
    return CorruptionSheet(write_bytes(path, png), loaded.name, names_shown)


@dataclass(frozen=True, eq=False)
class _Cell:
    image: NDArray[np.uint8]
    caption: str


def _by_class(dataset: Dataset, conditions: Sequence[Condition], seed: int) -> tuple[list[_Cell], int]:
    """Return a row of clean images of all classes, then a row of the same images for each condition, and its length."""
    columns = min(dataset.classes, _MOST_COLUMNS)
    images = class_balanced_sample(dataset.test, columns, seed).images
    cells = [_Cell(image, CLEAN) for image in images]
    for one in conditions:
        changed = corrupt(images, one.corruption, one.severity, seed=seed)
        cells.extend(_Cell(image, _caption(one)) for image in changed)
    return cells, columns


def _by_severity(dataset: Dataset, conditions: Sequence[Condition], seed: int) -> tuple[list[_Cell], int]:
    """Return a row for each corruption, a clean image and the same at its severities, and the longest row's length."""
    groups = [list(group) for _, group in groupby(conditions, key=lambda condition: condition.corruption)]
    columns = 1 + max(len(group) for group in groups)
    images = class_balanced_sample(dataset.test, min(len(groups), len(dataset.test)), seed).images
    cells = []
    for row, group in enumerate(groups):
        image = images[row % len(images)][np.newaxis]
        cells.append(_Cell(image[0], CLEAN))
        changed = [corrupt(image, one.corruption, one.severity, seed=seed)[0] for one in group]
        cells.extend(_Cell(*pair) for pair in zip(changed, map(_caption, group), strict=True))
        cells.extend([_Cell(np.zeros_like(image[0]), "")] * (columns - 1 - len(group)))
    return cells, columns


def _caption(condition: Condition) -> str:
    return f"{condition.corruption.replace('_', ' ')} {condition.severity}"


def _dataset(context: ModelContext | None, name: str | None) -> Dataset:
    known = context.preprocessing if context else Preprocessing(ANY_SHAPE)
    return choose_dataset(context, name, known)


def _context_of(work: WorkFolder) -> ModelContext | None:
    """Return what a work folder's models were trained on, None where there are none."""
    record = work.find("convert") or work.find("train")
    return ModelContext.from_json(record.settings) if record else None
