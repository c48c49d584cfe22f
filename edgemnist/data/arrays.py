"""From arrays as they come to a :class:`Dataset`: types and shapes checked, labels made dense, content hashed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Dataset, Split
from edgemnist.data.splits import divide
from edgemnist.support.errors import DatasetError

TEST_SHARE = 0.2
"""Share of the images that become the test set where a dataset brings none."""

DIVISION_SEED = 0
"""Fixed: figures on one dataset are comparable only while its division stays the same."""


def as_images(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Return images as uint8 of shape (count, height, width, channels).

    Takes shapes (count, height, width) and (count, height, width, 1 or 3); integers 0..255, or floats 0..1 or whole
    floats 0..255. ``name`` says in messages where the array is from.

    :raises DatasetError: another shape or type, or values outside the range.
    """
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3) or 0 in array.shape:
        raise DatasetError(
            f"{name} has shape {array.shape}; images must have shape (count, height, width) or "
            "(count, height, width, channels) with 1 or 3 channels, and there must be some"
        )
    return array if array.dtype == np.uint8 else _as_pixels(array, name)


def _as_pixels(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if array.dtype.kind not in "biuf":
        raise DatasetError(f"{name} has type {array.dtype}; pixels must be numbers, best uint8 from 0 to 255")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 255):
        raise DatasetError(
            f"{name} has values from {low:g} to {high:g}; pixels must lie in 0..255, or as floats in 0..1"
        )
    if array.dtype.kind == "b" or (array.dtype.kind == "f" and high <= 1):
        array = np.rint(array.astype(np.float64) * 255)
    elif array.dtype.kind == "f" and not np.array_equal(array, np.rint(array)):
        raise DatasetError(f"{name} has fractional values up to {high:g}; floats must lie in 0..1 or be whole")
    return array.astype(np.uint8)


def as_labels(array: NDArray[Any], count: int, name: str) -> NDArray[Any]:
    """Return labels, integers or text, with shape (count,).

    :raises DatasetError: another number of labels than images, or neither integers nor text.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.shape != (count,):
        raise DatasetError(f"{name} has shape {array.shape}, but there are {count} images; every image needs one label")
    if array.dtype.kind not in "biuU":
        raise DatasetError(f"{name} has type {array.dtype}; labels must be integers or text")
    return array


def number_classes(
    train: NDArray[Any], test: NDArray[Any], name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[str, ...]]:
    """Return (train labels, test labels, class names) with the labels renumbered 0..classes-1 in sorted order.

    The class names are the original labels.

    :raises DatasetError: fewer than two classes, or the test labels have one that the training labels lack.
    """
    classes = np.unique(train)
    if len(classes) < 2:
        raise DatasetError(f"{name} has the label {classes[0]} only; a classifier needs at least two classes")
    unknown = np.setdiff1d(test, classes)
    if len(unknown):
        raise DatasetError(f"{name} has the label {unknown[0]} among the test images but not among the training images")
    return (
        np.searchsorted(classes, train).astype(np.int64),
        np.searchsorted(classes, test).astype(np.int64),
        tuple(str(label) for label in classes),
    )


def divide_train_test(whole: Split, class_names: Sequence[str], name: str) -> tuple[Split, Split]:
    """Divide a dataset without a test set of its own, class by class; always the same way.

    :raises DatasetError: a class has only one image.
    """
    counts = np.bincount(whole.labels, minlength=len(class_names))
    if counts.min() < 2:
        poorest = class_names[int(counts.argmin())]
        raise DatasetError(
            f"{name}: class {poorest!r} has {counts.min()} image(s); it needs at least 2, one to train and one to test"
        )
    return divide(whole, TEST_SHARE, DIVISION_SEED)


def make_dataset(
    name: str, train: Split, test: Split, class_names: Sequence[str], *, source: str, note: str = ""
) -> Dataset:
    """Return a dataset with its content hash, after a last check that both splits fit together.

    :raises DatasetError: no images, or image shapes that differ.
    """
    if train.images.shape[1:] != test.images.shape[1:]:
        raise DatasetError(
            f"{source}: training images have shape {train.images.shape[1:]}, test images {test.images.shape[1:]}; "
            "they must be alike"
        )
    return Dataset(name, train, test, tuple(class_names), source, fingerprint(train, test), note)


def fingerprint(train: Split, test: Split) -> str:
    """Return the SHA-256 of a dataset's content: shapes, pixels and labels, whatever file format they came in."""
    digest = hashlib.sha256()
    for array in (train.images, train.labels, test.images, test.labels):
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
