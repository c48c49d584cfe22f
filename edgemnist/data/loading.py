"""The one loader: a known dataset by name, or a path, to a :class:`~edgemnist.data.base.Dataset`."""

from __future__ import annotations

import hashlib

import numpy as np

from edgemnist.data.base import Dataset, Split
from edgemnist.data.idx import IdxFile, read_idx
from edgemnist.data.known import MNIST_5K, KnownDataset, find_known
from edgemnist.data.places import FoundIdx, candidate_folders, find_idx
from edgemnist.errors import DatasetError

AUTO = "auto"


def load_dataset(name: str, *, fetch: bool = True) -> Dataset:
    """Load a dataset by its known name."""
    known = find_known(name)
    if known.name == MNIST_5K:
        from edgemnist.data.mnist5k import load_mnist_5k

        return load_mnist_5k(known)
    assert known.layout is not None
    for folder in candidate_folders(known):
        found = find_idx(folder, known.layout)
        if found is not None:
            return _load_idx(known, found)
    raise DatasetError(f"{name} not found")


def load_for_run(name: str = AUTO) -> Dataset:
    """Load a dataset for the main job; ``auto`` takes MNIST where it is to be had, else mnist-5k, and says so."""
    if name != AUTO:
        return load_dataset(name)
    try:
        return load_dataset("mnist")
    except DatasetError:
        return load_dataset(MNIST_5K)


def fingerprint(train: Split, test: Split) -> str:
    """Return the SHA-256 of a dataset's content: shapes, pixels and labels, whatever file format they came in."""
    digest = hashlib.sha256()
    for array in (train.images, train.labels, test.images, test.labels):
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array))
    return digest.hexdigest()


def _load_idx(known: KnownDataset, found: FoundIdx) -> Dataset:
    train = _read_split(known, found.files[0], found.files[1])
    test = _read_split(known, found.files[2], found.files[3])
    return Dataset(known.name, train, test, known.class_names, str(found.where), fingerprint(train, test))


def _read_split(known: KnownDataset, image_file: IdxFile, label_file: IdxFile) -> Split:
    images, labels = read_idx(image_file), read_idx(label_file)
    return Split(images[..., None], labels.astype(np.int64))
