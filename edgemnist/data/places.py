"""Where a known dataset's files may lie on this machine, in the order in which they are looked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgemnist.data.idx import IdxFile
from edgemnist.data.known import IdxLayout, KnownDataset

DATA_VARIABLE = "EDGEMNIST_DATA"
CACHE_VARIABLE = "EDGEMNIST_CACHE"
DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts its files."""


@dataclass(frozen=True)
class FoundIdx:
    """The four IDX files of a dataset, in the order of :attr:`IdxLayout.names`, and the folder or archive they are in."""

    where: Path
    files: tuple[IdxFile, IdxFile, IdxFile, IdxFile]


def cache_folder() -> Path:
    """Return the folder of downloaded datasets: EDGEMNIST_CACHE, or ``edgemnist`` in the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser() / "datasets"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "edgemnist" / "datasets"


def data_folder() -> Path | None:
    """Return the folder that EDGEMNIST_DATA names, or None."""
    chosen = os.environ.get(DATA_VARIABLE)
    return Path(chosen).expanduser() if chosen else None


def candidate_folders(known: KnownDataset) -> Iterator[Path]:
    """Yield the folders in which a known dataset's IDX files are looked for, first choice first."""
    data = data_folder()
    if data is not None:
        yield from (data / name for name in known.folders)
    yield from _keras_folders(known)
    if known.torchvision_folder:
        yield from (root / known.torchvision_folder / "raw" for root in _torchvision_roots())
    if known.name == "fashion-mnist":
        yield DEBIAN_FASHION_MNIST
    yield from (cache_folder() / name for name in known.folders)


def find_idx(folder: Path, layout: IdxLayout) -> FoundIdx | None:
    """Return a layout's four files in a folder (gzipped, plain, or in an EMNIST archive), or None unless all are there."""
    files = [_find_file(folder, name) for name in layout.names]
    if all(files):
        train_images, train_labels, test_images, test_labels = (file for file in files if file)
        return FoundIdx(folder, (train_images, train_labels, test_images, test_labels))
    return None


def _find_file(folder: Path, name: str) -> IdxFile | None:
    dotted = name.replace("-idx", ".idx")
    for candidate in (f"{name}.gz", name, f"{dotted}.gz", dotted):
        if (folder / candidate).is_file():
            return IdxFile(folder / candidate)
    archive = folder / "gzip.zip"
    return IdxFile(archive, f"gzip/{name}.gz") if name.startswith("emnist-") and archive.is_file() else None


def _keras_folders(known: KnownDataset) -> Iterator[Path]:
    if known.keras_name:
        yield keras_cache() / known.keras_name


def keras_cache() -> Path:
    """Return the folder in which Keras keeps datasets."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


def _torchvision_roots() -> Iterator[Path]:
    """Yield the ``root`` folders that torchvision users give: it has no default of its own."""
    data = data_folder()
    if data is not None:
        yield data
    torch_home = os.environ.get("TORCH_HOME")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    yield (Path(torch_home).expanduser() if torch_home else cache / "torch") / "datasets"
    yield Path("data")
    yield Path("~/data").expanduser()
