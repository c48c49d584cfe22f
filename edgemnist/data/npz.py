"""Datasets in an .npz archive of numpy, as Keras and MedMNIST write them. Pickles are never loaded."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from numpy.typing import NDArray

from edgemnist.data.array_sets import ArraySet, ArraySplit, dataset_of_arrays
from edgemnist.data.base import Dataset
from edgemnist.data.facts import PassedOver
from edgemnist.data.folders import PARTS
from edgemnist.data.idx import damaged, reading
from edgemnist.data.npy import read_npy
from edgemnist.support.errors import DatasetError
from edgemnist.support.limits import MAX_DATASET_BYTES
from edgemnist.support.reading import open_zip
from edgemnist.support.words import some

IMAGE_WORDS = frozenset({"x", "images", "image", "imgs", "data", "pixels", "features"})
LABEL_WORDS = frozenset({"y", "labels", "label", "targets", "target"})
CLASS_NAMES_KEY = "class_names"

_SUFFIX = ".npy"
_LISTED = 20  # keys that a message names

_ALLOWED = (
    "x_train, y_train, x_test, y_test; or train_images, train_labels, test_images, test_labels; or images, labels; "
    "or x, y; with val beside train and test where there is such a split"
)


def load_npz(path: Path, name: str) -> Dataset:
    """Load a dataset from an .npz.

    Keys, in any case and order of their two words: one of :data:`IMAGE_WORDS` or :data:`LABEL_WORDS`, alone or with one
    of :data:`~edgemnist.data.folders.PARTS`, such as ``x_train`` or ``val_labels``; and optionally ``class_names``:
    text, one per class, for labels 0..classes-1. Images and labels are as :func:`~edgemnist.data.arrays.as_images` and
    ``as_labels`` take them.

    :raises DatasetError: damaged, other keys, pickled, or content that is not a dataset.
    """
    try:
        with reading(path, KeyError, NotImplementedError, RuntimeError), open_zip(path, MAX_DATASET_BYTES) as archive:
            return _load(path, name, _Archive(path, archive))
    except UnicodeError as error:
        raise damaged(path, f"text in it cannot be read ({error})") from error


class _Archive:
    """The arrays of an open .npz by key; each is read when it is asked for."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path, self._archive = path, archive
        self.keys = tuple(one.removesuffix(_SUFFIX) for one in archive.namelist() if one.endswith(_SUFFIX))

    def read(self, key: str) -> NDArray[Any]:
        entry = self._archive.getinfo(f"{key}{_SUFFIX}")
        with self._archive.open(entry) as stream:
            return read_npy(cast(BinaryIO, stream), entry.file_size, f"{self._path}:{key}")


def _load(path: Path, name: str, archive: _Archive) -> Dataset:
    keys = _keys(path, archive.keys)
    splits = {}
    for part in ("train", "validation", "test"):
        images, labels = keys.get((part, "images")), keys.get((part, "labels"))
        if images is None and labels is None:
            continue
        if images is None or labels is None:
            raise DatasetError(
                f"{str(path)!r} has {images or labels!r} without its {'labels' if images else 'images'}, among the "
                f"keys {some(sorted(archive.keys), _LISTED)}; needed are {_ALLOWED}"
            )
        splits[part] = ArraySplit(
            images=archive.read(images), labels=archive.read(labels),
            image_name=repr(images), label_name=repr(labels),
        )  # fmt: skip
    if "train" not in splits:
        listed = some(sorted(archive.keys), _LISTED) or "none"
        raise DatasetError(f"{str(path)!r} has the keys {listed}; needed are {_ALLOWED}")
    class_names = archive.read(CLASS_NAMES_KEY) if CLASS_NAMES_KEY in archive.keys else None
    return dataset_of_arrays(
        ArraySet(
            path=path, splits=splits, class_names=class_names,
            passed_over=_others(archive.keys, {*keys.values(), CLASS_NAMES_KEY}),
        ),
        name,
    )  # fmt: skip


def _keys(path: Path, names: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return the key of every (split, "images" or "labels"); undivided arrays are the training split's.

    :raises DatasetError: two keys for the same.
    """
    found: dict[tuple[str, str], str] = {}
    for key in names:
        role = _role(key)
        if role is None:
            continue
        if role in found:
            raise DatasetError(f"{str(path)!r} has both {found[role]!r} and {key!r}; leave out one of them")
        found[role] = key
    divided = {role: key for role, key in found.items() if role[0]}
    return divided or {("train", kind): key for (_, kind), key in found.items()}


def _role(key: str) -> tuple[str, str] | None:
    """Return (split, "" for none; "images" or "labels") of a key, None for others."""
    words = re.split(r"[\s_.-]+", key.lower())
    parts = [PARTS[word] for word in words if word in PARTS]
    others = [word for word in words if word not in PARTS]
    if len(parts) > 1 or len(others) != 1:
        return None
    kind = "images" if others[0] in IMAGE_WORDS else "labels" if others[0] in LABEL_WORDS else None
    return None if kind is None else (parts[0] if parts else "", kind)


def _others(names: Sequence[str], used: set[str]) -> tuple[PassedOver, ...]:
    others = sorted(set(names) - used)
    return (
        (PassedOver(count=len(others), reason="arrays of other names", examples=tuple(others[:5])),) if others else ()
    )
