"""The one loader: a known dataset by name, or a path, to a :class:`~edgemnist.data.base.Dataset`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgemnist.data.arrays import make_dataset
from edgemnist.data.base import Dataset, Split
from edgemnist.data.registry import MNIST_5K, KnownDataset, find_dataset, known_dataset, unknown_dataset
from edgemnist.support.errors import DatasetError, DownloadError, StorageError

if TYPE_CHECKING:
    from edgemnist.artifacts.context import ModelContext

AUTO = "auto"

MAX_RESIZED_BYTES = 4 << 30
"""Resized images that would take more memory are refused."""


def load_dataset(
    name: str, *, fetch: bool = True, image_size: tuple[int, int] | None = None, channels: int | None = None
) -> Dataset:
    """Load a dataset by its known name or from a path.

    ``name``: a name in :mod:`~edgemnist.data.registry`; or the path of a folder with one folder of images per class
    (:mod:`~edgemnist.data.image_folder`), of an .npz (:mod:`~edgemnist.data.npz`), or of a folder with IDX files. A
    known name wins over a folder of that name; write ``./mnist`` for the folder.
    ``fetch``: download a known dataset that is not here (:mod:`~edgemnist.data.locations` lists where).
    ``image_size`` (height, width) and ``channels`` (1 or 3): bring every image to that; None keeps what is there.

    :raises DatasetError: unknown, damaged, not to be had.
    :raises MissingDependencyError: mnist-5k without its package.
    :raises StorageError: a download cannot be written.
    """
    if name == AUTO:
        raise DatasetError("'auto' is for `edgemnist run`; everywhere else name the dataset, for example 'mnist'")
    known = known_dataset(name)
    if known is not None:
        return _resized(_load_known(known, fetch), image_size, channels)
    path = Path(name).expanduser()
    if not name or not path.exists():
        raise unknown_dataset(name) if path.name == name else DatasetError(f"no such file or folder: {name!r}")
    return _resized(_load_path(path, image_size, channels), image_size, channels)


def load_dataset_for(context: ModelContext, name: str | None = None) -> Dataset:
    """Load the dataset that a model was trained on, or another one, with its images brought to the model's shape.

    :raises EdgeMnistError: as :func:`load_dataset`.
    """
    height, width, channels = context.preprocessing.image_shape
    return load_dataset(name or context.dataset, image_size=(height, width), channels=channels)


def load_for_run(name: str = AUTO, *, fetch: bool = True) -> Dataset:
    """Load a dataset for the main job: ``auto`` takes MNIST where it is to be had, else mnist-5k; the note says so.

    Every other name is loaded strictly, as by :func:`load_dataset`.

    :raises DatasetError: also when neither of the two is to be had; says how to get either.
    """
    if name != AUTO:
        return load_dataset(name, fetch=fetch)
    try:
        return _load_known(find_dataset("mnist"), fetch)
    except _UnavailableError as error:
        reason = error
    except StorageError as error:
        reason = _UnavailableError(str(error))
    from edgemnist.data.mnist5k import mnist_5k_file

    if mnist_5k_file() is None:
        raise _UnavailableError(f"{reason}") from reason
    substitute = load_dataset(MNIST_5K)
    note = "MNIST is neither on this machine nor to be downloaded; using mnist-5k, 5,000 of its digits, instead"
    return replace(substitute, note=note)


class _UnavailableError(DownloadError):
    """A known dataset is not on this machine and could not be downloaded: what ``auto`` may substitute."""


def _load_known(known: KnownDataset, fetch: bool) -> Dataset:
    if known.name == MNIST_5K:
        from edgemnist.data.mnist5k import load_mnist_5k

        return load_mnist_5k(known)
    from edgemnist.data.local_files import load_from_disk

    dataset, passed_over = load_from_disk(known)
    if dataset is None and fetch:
        _download(known, passed_over)
        dataset, passed_over = load_from_disk(known)
    if dataset is None:
        raise _UnavailableError(
            "\n  ".join([f"the dataset {known.name!r} is not on this machine", *passed_over, _remedy(known)])
        )
    return dataset


def _download(known: KnownDataset, passed_over: list[str]) -> None:
    from edgemnist.data.fetch import download_dataset

    try:
        download_dataset(known)
    except DatasetError as error:
        raise _UnavailableError("\n  ".join([str(error), *passed_over, _remedy(known)])) from error


def _remedy(known: KnownDataset) -> str:
    remedy = (
        f"get it with `edgemnist data fetch {known.name}` where there is a network, or put its files into "
        f"{known.folders[0]}/ in the folder that EDGEMNIST_DATA names"
    )
    if known.name == "mnist":
        remedy += "; or use --dataset mnist-5k, which comes with `pip install 'edgemnist[mnist5k]'`"
    return remedy


def _load_path(path: Path, image_size: tuple[int, int] | None, channels: int | None) -> Dataset:
    from edgemnist.data.image_folder import load_image_folder
    from edgemnist.data.local_files import load_idx_folder
    from edgemnist.data.npz import load_npz

    name = str(path.resolve())
    if path.is_file():
        if path.suffix != ".npz":
            raise DatasetError(f"{str(path)!r} is not a dataset; a file must be an .npz, anything else a folder")
        return load_npz(path, name)
    try:
        found = load_idx_folder(path, name)
        return found if found else load_image_folder(path, name, size=image_size, channels=channels)
    except OSError as error:
        raise DatasetError(f"cannot read {str(path)!r}: {error.strerror or error}") from error


def _resized(dataset: Dataset, image_size: tuple[int, int] | None, channels: int | None) -> Dataset:
    height, width, present = dataset.image_shape
    size, wanted = image_size or (height, width), channels or present
    if min(size) < 1 or wanted not in (1, 3):
        raise DatasetError(
            f"cannot make images of size {size} with {wanted} channels; sizes start at 1, channels are 1 or 3"
        )
    if (*size, wanted) == dataset.image_shape:
        return dataset
    _check_memory(dataset, size, wanted)
    train, test = (_resized_split(split, size, wanted) for split in (dataset.train, dataset.test))
    return make_dataset(dataset.name, train, test, dataset.class_names, source=dataset.source, note=dataset.note)


def _resized_split(split: Split, size: tuple[int, int], channels: int) -> Split:
    from edgemnist.data.images import fit_image

    images = np.empty((len(split), *size, channels), dtype=np.uint8)
    for target, image in zip(images, split.images, strict=True):
        target[:] = fit_image(image, size, channels)
    return Split(images, split.labels)


def _check_memory(dataset: Dataset, size: tuple[int, int], channels: int) -> None:
    images = len(dataset.train) + len(dataset.test)
    needed = images * size[0] * size[1] * channels
    if needed > MAX_RESIZED_BYTES:
        raise DatasetError(
            f"{images:,} images of {size[0]}x{size[1]}x{channels} would take {needed / 1e9:.1f} GB of memory, more "
            f"than {MAX_RESIZED_BYTES / 1e9:.1f}; choose a smaller image size"
        )
