"""Where a known dataset's files may lie on this machine, in the order in which they are looked for.

1. ``EDGEMNIST_DATA``: ``<name>/`` with the IDX files, gzipped or plain; or ``<name>/<name>.npz`` or ``<name>.npz``; for
   CIFAR the archive of the binary version or what comes out of it (the other version is pickled and not read)
2. Keras's cache: ``~/.keras/datasets`` (``KERAS_HOME``)
3. torchvision's layout (``MNIST/raw/...``) below ``EDGEMNIST_DATA``, ``TORCH_HOME/datasets`` (default
   ``~/.cache/torch/datasets``), ``./data`` and ``~/data``: torchvision itself has no default folder
4. Debian's package dataset-fashion-mnist: ``/usr/share/datasets/fashion-mnist``
5. what ``edgemnist data fetch`` downloaded: ``~/.cache/edgemnist/datasets`` (``EDGEMNIST_CACHE``, ``XDG_CACHE_HOME``)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edgemnist.data.cifar import find_binary
from edgemnist.data.idx import IdxFile, is_file
from edgemnist.data.published import BinaryLayout, IdxLayout, KnownDataset
from edgemnist.data.registry import EMNIST_ARCHIVE
from edgemnist.support import environment
from edgemnist.support.errors import DatasetError
from edgemnist.support.resources import cache_folder, user_cache

DEBIAN_FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")

IdxFiles = tuple[IdxFile, IdxFile, IdxFile, IdxFile]
"""Train images, train labels, test images, test labels."""


@dataclass(frozen=True)
class Location:
    """A folder to look in. ``ours``: the user or edgemnist put the files there, so a damaged one is an error.

    Damaged files in another program's cache are passed over.
    """

    folder: Path
    ours: bool


@dataclass(frozen=True)
class DatasetFiles:
    """A known dataset's files: four IDX files in the folder ``where``; else ``idx`` is None and ``where`` the .npz, or
    CIFAR's archive or folder.
    """

    where: Path
    location: Location
    idx: IdxFiles | None


def downloads_folder() -> Path:
    """Return the folder of downloaded datasets; see the module's list."""
    return cache_folder() / "datasets"


def data_folder() -> Path | None:
    """Return the folder that EDGEMNIST_DATA names, or None when it is not set.

    :raises DatasetError: it names something that is not a folder.
    """
    folder = environment.DATA.folder()
    if folder is not None and not folder.is_dir():
        raise DatasetError(
            f"{environment.DATA.name} is {environment.DATA.text()!r}, which is not a folder; "
            "set it to a folder with one folder per dataset, or unset it"
        )
    return folder


def find_files(known: KnownDataset) -> Iterator[DatasetFiles]:
    """Yield every complete set of a known dataset's files on this machine, first choice first. Reads no content."""
    for location in _locations(known):
        found = _files_in(location, known)
        if found is not None:
            yield found


def find_idx_files(folder: Path, layout: IdxLayout) -> IdxFiles | None:
    """Return a layout's four files in a folder (gzipped, plain, in EMNIST's archive), or None unless all are there."""
    train_images, train_labels, test_images, test_labels = (_find_idx_file(folder, name) for name in layout.names)
    if train_images and train_labels and test_images and test_labels:
        return train_images, train_labels, test_images, test_labels
    return None


def incomplete_sets(known: KnownDataset) -> Iterator[str]:
    """Yield, for people, each place with some but not all of a known dataset's files, and which are missing."""
    if known.binary is not None:
        yield from _pickled_copies(known.binary)
    if known.layout is None:
        return
    for location in _locations(known):
        missing = [name for name in known.layout.names if _find_idx_file(location.folder, name) is None]
        if 0 < len(missing) < len(known.layout.names):
            yield f"passed over: {str(location.folder)!r} lacks {', '.join(missing)}"


def _pickled_copies(layout: BinaryLayout) -> Iterator[str]:
    data = data_folder()
    for folder in (_keras_folder(), *(root for root, _ in _torchvision_roots(data))):
        for name in layout.pickled:
            if (folder / name).exists():
                yield f"passed over: {str(folder / name)!r} is pickled, and pickles are never loaded"


def _files_in(location: Location, known: KnownDataset) -> DatasetFiles | None:
    idx = find_idx_files(location.folder, known.layout) if known.layout else None
    if idx is not None:
        return DatasetFiles(location.folder, location, idx)
    binary = find_binary(location.folder, known)
    if binary is not None:
        return DatasetFiles(binary, location, None)
    for npz in (location.folder / f"{known.name}.npz", location.folder.with_name(f"{location.folder.name}.npz")):
        if is_file(npz):
            return DatasetFiles(npz, location, None)
    return None


def _find_idx_file(folder: Path, name: str) -> IdxFile | None:
    dotted = name.replace("-idx", ".idx")
    for candidate in (f"{name}.gz", name, f"{dotted}.gz", dotted):
        if is_file(folder / candidate):
            return IdxFile(folder / candidate)
    archive = folder / EMNIST_ARCHIVE.name
    return IdxFile(archive, f"gzip/{name}.gz") if name.startswith("emnist-") and is_file(archive) else None


def _locations(known: KnownDataset) -> Iterator[Location]:
    data = data_folder()
    if data is not None:
        yield from (Location(data / name, ours=True) for name in known.folders)
    if known.keras_name:
        yield Location(_keras_folder() / known.keras_name, False)
    if known.torchvision_folder:
        for root, ours in _torchvision_roots(data):
            yield Location(root / known.torchvision_folder / "raw", ours)
    if known.name == "fashion-mnist":
        yield Location(DEBIAN_FASHION_MNIST, ours=False)
    yield from (Location(downloads_folder() / name, ours=True) for name in known.folders)


def _keras_folder() -> Path:
    return (environment.KERAS_HOME.folder() or Path("~/.keras").expanduser()) / "datasets"


def _torchvision_roots(data: Path | None) -> Iterator[tuple[Path, bool]]:
    if data is not None:
        yield data, True
    yield (environment.TORCH_HOME.folder() or user_cache() / "torch") / "datasets", False
    yield Path("data"), False
    yield Path("~/data").expanduser(), False
