"""``edgemnist data fetch``: bringing known datasets into edgemnist's cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.data.download import Patience, download
from edgemnist.data.locations import downloads_folder, find_files
from edgemnist.data.mnist5k import require_mnist_5k_file
from edgemnist.data.published import KnownDataset
from edgemnist.data.registry import find_dataset
from edgemnist.support.progress import say


@dataclass(frozen=True)
class Fetched:
    """Where a dataset's files are now and which of them were downloaded (none: they were here already)."""

    name: str
    where: Path
    downloaded: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {"name": self.name, "where": str(self.where), "downloaded": list(self.downloaded)}


def fetch_datasets(names: Sequence[str], patience: Patience | None = None) -> tuple[Fetched, ...]:
    """Make sure that known datasets are on this machine; download into edgemnist's cache what is missing.

    Files in the cache are checked against their published checksums and replaced when they differ; those that lie
    elsewhere (:mod:`~edgemnist.data.locations`) are left alone.

    :raises DatasetError: an unknown name (before anything is downloaded), or no mirror delivers.
    :raises MissingDependencyError: mnist-5k, which comes with a Python package.
    :raises StorageError: no permission, disk full.
    """
    return tuple(_fetch(known, patience) for known in [find_dataset(name) for name in names])


def download_dataset(known: KnownDataset, patience: Patience | None = None) -> Fetched:
    """Download a known dataset's files into edgemnist's cache, except those of which a good copy is there.

    :raises DatasetError: no mirror delivers.
    :raises StorageError: no permission, disk full.
    """
    folder = download_folder(known)
    if any(not (folder / file.name).exists() for file in known.files):
        say(f"downloading {known.name} into {folder}")
    mirrors, downloaded = list(known.mirrors), []
    for file in known.files:
        mirror = download(file, mirrors, folder, patience)
        if mirror:
            downloaded.append(file.name)
            # The mirror that works comes first for the next file: a dead one costs its timeout only once.
            mirrors.sort(key=lambda candidate, good=mirror: candidate != good)  # type: ignore[misc]
    return Fetched(known.name, folder, tuple(downloaded))


def download_folder(known: KnownDataset) -> Path:
    """Return the folder of edgemnist's cache into which a dataset is downloaded."""
    return downloads_folder() / known.folders[-1]


def _fetch(known: KnownDataset, patience: Patience | None) -> Fetched:
    if not known.files:
        return Fetched(known.name, require_mnist_5k_file())
    found = next(find_files(known), None)
    if found is not None and not found.where.is_relative_to(downloads_folder()):
        return Fetched(known.name, found.where)
    return download_dataset(known, patience)
