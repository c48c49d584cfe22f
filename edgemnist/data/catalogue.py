"""What ``edgemnist data list`` and ``data show`` return."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.data.base import Dataset
from edgemnist.data.checks import DatasetChecks, check_dataset
from edgemnist.data.contact_sheet import Caption, contact_sheet
from edgemnist.data.loading import load_dataset
from edgemnist.data.locations import find_files
from edgemnist.data.mnist5k import mnist_5k_file
from edgemnist.data.published import KnownDataset
from edgemnist.data.registry import known_datasets
from edgemnist.data.splits import class_balanced_sample
from edgemnist.support.choices import unknown
from edgemnist.support.files import write_bytes

SPLITS = ("train", "test")
MAX_SHEET_COLUMNS = 16
SHEET_IMAGES = 100


@dataclass(frozen=True)
class Listing:
    """A known dataset and where it is on this machine; None when it would have to be fetched or installed."""

    known: KnownDataset
    where: Path | None

    @property
    def remedy(self) -> str:
        """The command that brings the dataset here."""
        return f"edgemnist data fetch {self.known.name}" if self.known.files else "pip install 'edgemnist[mnist5k]'"

    def as_json(self) -> dict[str, Any]:
        """Return the listing as JSON values."""
        return {
            "name": self.known.name,
            "description": self.known.description,
            "licence": self.known.licence,
            "classes": len(self.known.class_names),
            "train": self.known.train_count,
            "test": self.known.test_count,
            "image_shape": list(self.known.image_shape),
            "download_bytes": self.known.download_size or None,
            "here": self.where is not None,
            "where": str(self.where) if self.where else None,
        }


@dataclass(frozen=True, eq=False)
class Sheet:
    """A contact sheet that was written: ``path`` and what is on it; the dataset with its facts, and its checks."""

    path: Path
    dataset: Dataset
    split: str
    count: int
    checks: DatasetChecks

    def as_json(self) -> dict[str, Any]:
        """Return what was written as JSON values."""
        return {
            "path": str(self.path),
            "dataset": self.dataset.name,
            "split": self.split,
            "count": self.count,
            "source": self.dataset.source,
            "note": self.dataset.note,
            "facts": self.dataset.facts.as_json(),
            "checks": self.checks.as_json(),
        }


def list_datasets() -> tuple[Listing, ...]:
    """Return every known dataset with where its files are; reads none of them."""
    return tuple(Listing(known, _where(known)) for known in known_datasets())


def write_sheet(
    name: str,
    *,
    split: str,
    count: int | None,
    seed: int,
    target: Path | None,
    image_size: tuple[int, int] | None = None,
    skip_unreadable: bool = False,
) -> Sheet:
    """Write a PNG contact sheet of ``count`` images with equally many of every class, and return where it is.

    ``count`` None: :data:`SHEET_IMAGES`, or all where there are fewer. ``target`` None writes
    ``<name>-<split>.png`` into the current folder. ``image_size``, ``skip_unreadable``: as for ``load_dataset``. What
    the checks find is returned and refuses nothing: a sheet shows what is wrong.

    :raises InputError: ``split`` is not one of :data:`SPLITS`, or it has fewer than ``count`` images.
    """
    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    dataset = load_dataset(name, image_size=image_size, skip_unreadable=skip_unreadable)
    images = dataset.train if split == "train" else dataset.test
    count = min(SHEET_IMAGES, len(images)) if count is None else count
    sample = class_balanced_sample(images, count, seed)
    captions = [Caption(dataset.class_names[int(label)]) for label in sample.labels]
    a_class_each = dataset.classes if dataset.classes <= min(MAX_SHEET_COLUMNS, count) else 1
    png = contact_sheet(sample.images, captions, in_columns=a_class_each)
    path = write_bytes(target or Path(f"{Path(dataset.name).stem}-{split}.png"), png)
    return Sheet(path, dataset, split, count, check_dataset(dataset))


def _where(known: KnownDataset) -> Path | None:
    if not known.files:
        return mnist_5k_file()
    found = next(find_files(known), None)
    return found.where if found else None
