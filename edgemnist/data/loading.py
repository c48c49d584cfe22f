"""The one loader: a known dataset by name, or a path, to a :class:`~edgemnist.data.base.Dataset`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgemnist.data.assembling import check_memory
from edgemnist.data.base import Dataset, Split, fingerprint
from edgemnist.data.facts import UNREADABLE
from edgemnist.data.published import KnownDataset
from edgemnist.data.registry import MNIST_5K, known_dataset, unknown_dataset
from edgemnist.support.choices import unknown
from edgemnist.support.errors import DatasetError, DownloadError, StorageError
from edgemnist.support.progress import say
from edgemnist.support.reading import require_file
from edgemnist.tflite.preprocessing import FITS

if TYPE_CHECKING:
    from edgemnist.artifacts.context import ModelContext

AUTO = "auto"


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What the images are to be brought to, and how."""

    image_size: tuple[int, int] | None
    channels: int | None
    fit: str
    skip_unreadable: bool


def load_dataset(
    name: str,
    *,
    fetch: bool = True,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    fit: str = "pad",
    skip_unreadable: bool = False,
) -> Dataset:
    """Load a dataset by its known name or from a path.

    ``name``: a name in :mod:`~edgemnist.data.registry`; or the path of a folder with one folder of images per class
    (:mod:`~edgemnist.data.image_folder`), of an .npz (:mod:`~edgemnist.data.npz`), of a .csv
    (:mod:`~edgemnist.data.csv_table`), or of a folder with IDX files. A known name wins over a folder of that name;
    write ``./mnist`` for the folder.
    ``fetch``: download a known dataset that is not here (:mod:`~edgemnist.data.locations` lists where).
    ``image_size`` (height, width) and ``channels`` (1 or 3): bring every image to that; None keeps what is there.
    ``fit``: how, one of :data:`~edgemnist.tflite.preprocessing.FITS`; images of a folder are brought to it from their
    files.
    ``skip_unreadable``: go on without images of a folder that cannot be read; the dataset's facts name them.

    :raises DatasetError: unknown, damaged, not to be had.
    :raises InputError: an unknown ``fit``.
    :raises MissingDependencyError: mnist-5k without its package.
    :raises StorageError: a download cannot be written.
    """
    if name == AUTO:
        raise DatasetError("'auto' is for `edgemnist run`; everywhere else name the dataset, for example 'mnist'")
    if fit not in FITS:
        raise unknown("fit", fit, FITS)
    if (image_size and min(image_size) < 1) or channels not in (None, 1, 3):
        raise DatasetError(
            f"cannot make images of size {image_size} with {channels} channels; sizes start at 1, channels are 1 or 3"
        )
    wanted = _Wanted(image_size=image_size, channels=channels, fit=fit, skip_unreadable=skip_unreadable)
    known = known_dataset(name)
    if known is not None:
        return _resized(_load_known(known, fetch), wanted)
    path = Path(name).expanduser()
    if not name or not path.exists():
        raise unknown_dataset(name) if path.name == name else DatasetError(f"no such file or folder: {name!r}")
    return _resized(_load_path(path, wanted), wanted)


def load_dataset_for(context: ModelContext, name: str | None = None) -> Dataset:
    """Load the dataset that a model was trained on, or another one, as the model takes its images.

    They are brought to the model's shape by its fit, and the labels are in the order of its outputs where these have
    the dataset's own classes. Files of the model's dataset that cannot be read are passed over, and it is said: whoever
    trained on them decided so; the dataset's hash tells whether it is still the same.

    :raises EdgeMnistError: as :func:`load_dataset`.
    """
    preprocessing = context.preprocessing
    height, width, channels = preprocessing.image_shape
    dataset = load_dataset(
        name or context.dataset,
        image_size=(height, width),
        channels=channels,
        fit=preprocessing.fit,
        skip_unreadable=name is None or _same(name, context.dataset),
    )
    for passed in dataset.facts.passed_over:
        if passed.reason == UNREADABLE:
            say(f"{dataset.name}: passed over {passed.count:,} unreadable: {', '.join(passed.examples)}")
    return dataset.as_named(preprocessing.class_names)


def _same(name: str, recorded: str) -> bool:
    """Tell whether a user's name of a dataset is the recorded one; paths are recorded whole."""
    return name == recorded or str(Path(name).expanduser().resolve()) == recorded


def load_for_run(
    *, fetch: bool = True, image_size: tuple[int, int] | None = None, channels: int | None = None
) -> Dataset:
    """Load what ``auto`` is, for the main job: MNIST where it is to be had, else mnist-5k; the note says so.

    The options are those of :func:`load_dataset`.

    :raises DatasetError: neither of the two is to be had; says how to get either.
    """
    try:
        return load_dataset("mnist", fetch=fetch, image_size=image_size, channels=channels)
    except _UnavailableError as error:
        reason = error
    except StorageError as error:
        reason = _UnavailableError(str(error))
    from edgemnist.data.mnist5k import mnist_5k_file

    if mnist_5k_file() is None:
        raise _UnavailableError(f"{reason}") from reason
    substitute = load_dataset(MNIST_5K, image_size=image_size, channels=channels)
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


def _load_path(path: Path, wanted: _Wanted) -> Dataset:
    from edgemnist.data.csv_table import find_table, is_table, load_table
    from edgemnist.data.idx import reading
    from edgemnist.data.local_files import load_known_files
    from edgemnist.data.npz import load_npz

    name = str(path.resolve())
    if not path.is_dir():
        with reading(path):
            require_file(path)
        if is_table(path):
            return load_table(path, name)
        if path.suffix.lower() != ".npz":
            raise _not_a_dataset(path)
        return load_npz(path, name)
    try:
        found = load_known_files(path, name)
        if found:
            return found
        table = None if any(entry.is_dir() for entry in path.iterdir()) else find_table(path)
        return load_table(table, name) if table else _load_images(path, name, wanted)
    except OSError as error:
        raise DatasetError(f"cannot read {str(path)!r}: {error.strerror or error}") from error


def _load_images(path: Path, name: str, wanted: _Wanted) -> Dataset:
    from edgemnist.data.image_folder import FolderSettings, load_image_folder

    settings = FolderSettings(
        size=wanted.image_size, channels=wanted.channels, fit=wanted.fit, skip_unreadable=wanted.skip_unreadable
    )
    return load_image_folder(path, name, settings)


def _not_a_dataset(path: Path) -> DatasetError:
    if path.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar"):
        remedy = "unpack it and give the folder"
    else:
        remedy = "save images and labels as arrays with numpy.savez('data.npz', images=x, labels=y)"
    return DatasetError(
        f"{str(path)!r} is not a dataset; a file must be an .npz or a .csv, anything else a folder: {remedy}"
    )


def _resized(dataset: Dataset, wanted: _Wanted) -> Dataset:
    height, width, present = dataset.image_shape
    size, channels = wanted.image_size or (height, width), wanted.channels or present
    if (*size, channels) == dataset.image_shape:
        return dataset
    check_memory(len(dataset.train) + len(dataset.test), size, channels)
    train, test = (_resized_split(split, size, channels, wanted.fit) for split in (dataset.train, dataset.test))
    fitted = wanted.fit if size != (height, width) else ""
    facts = replace(dataset.facts, fitted=fitted)
    return replace(dataset, train=train, test=test, sha256=fingerprint(train, test), facts=facts)


def _resized_split(split: Split, size: tuple[int, int], channels: int, fit: str) -> Split:
    from edgemnist.data.images import fit_image

    images = np.empty((len(split), *size, channels), dtype=np.uint8)
    for target, image in zip(images, split.images, strict=True):
        target[:] = fit_image(image, size, channels, fit)
    return replace(split, images=images)
