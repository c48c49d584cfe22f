"""Datasets in an .npz archive of numpy, as Keras and MedMNIST write them. Pickles are never loaded."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.arrays import as_images, as_labels, divide_train_test, make_dataset, number_classes
from edgemnist.data.base import Dataset, Split
from edgemnist.data.idx import MAX_ARRAY_BYTES, damaged
from edgemnist.support.errors import DatasetError

DIVIDED_KEYS = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
)
WHOLE_KEYS = (("images", "labels"), ("x", "y"))
CLASS_NAMES_KEY = "class_names"


def load_npz(path: Path, name: str) -> Dataset:
    """Load a dataset from an .npz.

    Keys: one of :data:`DIVIDED_KEYS`, or one of :data:`WHOLE_KEYS` (then a test set is divided off), and optionally
    ``class_names``: text, one per class, for labels 0..classes-1. Images and labels are as
    :func:`~edgemnist.data.arrays.as_images` and ``as_labels`` take them.

    :raises DatasetError: damaged, other keys, pickled, or content that is not a dataset.
    """
    arrays = read_npz(path)
    for keys in (*DIVIDED_KEYS, *WHOLE_KEYS):
        if all(key in arrays for key in keys):
            splits = [_labelled(arrays, keys[at], keys[at + 1], path) for at in range(0, len(keys), 2)]
            return _assemble(splits, arrays.get(CLASS_NAMES_KEY), path, name)
    allowed = "; or ".join(", ".join(keys) for keys in (*DIVIDED_KEYS, *WHOLE_KEYS))
    raise DatasetError(f"{str(path)!r} has the keys {', '.join(sorted(arrays)) or 'none'}; needed are {allowed}")


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of an .npz by key, without loading pickles and without decompressing bombs.

    :raises DatasetError: unreadable, damaged, pickled, or larger than :data:`MAX_ARRAY_BYTES` when decompressed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > MAX_ARRAY_BYTES:
                raise damaged(path, f"it decompresses to {size:,} bytes, more than the {MAX_ARRAY_BYTES:,} allowed")
        with np.load(path, allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except ValueError as error:
        if "allow_pickle" in str(error):
            reason = "it holds pickled Python objects, which are never loaded; save plain arrays with numpy.savez"
            raise DatasetError(f"{str(path)!r} cannot be used: {reason}") from error
        raise damaged(path, str(error)) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        NotImplementedError,
        RuntimeError,
        MemoryError,
    ) as error:
        raise damaged(path, f"it is not a readable .npz ({error})") from error
    except OSError as error:
        raise DatasetError(f"cannot read {str(path)!r}: {error.strerror or error}") from error


def _labelled(
    arrays: Mapping[str, NDArray[Any]], image_key: str, label_key: str, path: Path
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    images = as_images(arrays[image_key], f"{image_key!r} in {str(path)!r}")
    return images, as_labels(arrays[label_key], len(images), f"{label_key!r} in {str(path)!r}")


def _assemble(
    splits: list[tuple[NDArray[np.uint8], NDArray[Any]]], class_names: NDArray[Any] | None, path: Path, name: str
) -> Dataset:
    train_labels, test_labels, labels_as_names = number_classes(splits[0][1], splits[-1][1], repr(str(path)))
    names = labels_as_names if class_names is None else _given_names(class_names, labels_as_names, path)
    train, test, note = Split(splits[0][0], train_labels), Split(splits[-1][0], test_labels), ""
    if len(splits) == 1:
        train, test = divide_train_test(train, names, repr(str(path)))
        note = f"{path} has no test set: {len(test):,} of its images were divided off as one, class by class"
    return make_dataset(name, train, test, names, source=str(path), note=note)


def _given_names(class_names: NDArray[Any], labels: tuple[str, ...], path: Path) -> tuple[str, ...]:
    expected = tuple(str(label) for label in range(len(class_names))) if class_names.ndim == 1 else ()
    if class_names.dtype.kind != "U" or labels != expected:
        raise DatasetError(
            f"{CLASS_NAMES_KEY!r} in {str(path)!r} must be text, one name for each of the labels 0..classes-1; "
            f"it is {class_names.dtype} of shape {class_names.shape} for the labels {', '.join(labels)}"
        )
    return tuple(str(name) for name in class_names)
