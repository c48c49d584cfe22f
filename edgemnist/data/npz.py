"""Datasets in an .npz archive of numpy, as Keras and MedMNIST write them. Pickles are never loaded."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.array_sets import ArraySet, ArraySplit, dataset_of_arrays
from edgemnist.data.base import Dataset
from edgemnist.data.facts import PassedOver
from edgemnist.data.folders import PARTS
from edgemnist.data.idx import MAX_ARRAY_BYTES, damaged
from edgemnist.support.errors import DatasetError

IMAGE_WORDS = frozenset({"x", "images", "image", "imgs", "data", "pixels", "features"})
LABEL_WORDS = frozenset({"y", "labels", "label", "targets", "target"})
CLASS_NAMES_KEY = "class_names"

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
    arrays = read_npz(path)
    keys = _keys(path, arrays)
    splits = {}
    for part in ("train", "validation", "test"):
        images, labels = keys.get((part, "images")), keys.get((part, "labels"))
        if images is None and labels is None:
            continue
        if images is None or labels is None:
            raise DatasetError(
                f"{str(path)!r} has {images or labels!r} without its {'labels' if images else 'images'}, among the "
                f"keys {', '.join(sorted(arrays))}; needed are {_ALLOWED}"
            )
        splits[part] = ArraySplit(
            images=arrays[images], labels=arrays[labels],
            image_name=repr(images), label_name=repr(labels),
        )  # fmt: skip
    if "train" not in splits:
        raise DatasetError(f"{str(path)!r} has the keys {', '.join(sorted(arrays)) or 'none'}; needed are {_ALLOWED}")
    return dataset_of_arrays(
        ArraySet(
            path=path, splits=splits, class_names=arrays.get(CLASS_NAMES_KEY),
            passed_over=_others(arrays, {*keys.values(), CLASS_NAMES_KEY}),
        ),
        name,
    )  # fmt: skip


def _keys(path: Path, arrays: Mapping[str, NDArray[Any]]) -> dict[tuple[str, str], str]:
    """Return the key of every (split, "images" or "labels"); undivided arrays are the training split's.

    :raises DatasetError: two keys for the same.
    """
    found: dict[tuple[str, str], str] = {}
    for key in arrays:
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


def _others(arrays: Mapping[str, NDArray[Any]], used: set[str]) -> tuple[PassedOver, ...]:
    others = sorted(arrays.keys() - used)
    return (
        (PassedOver(count=len(others), reason="arrays of other names", examples=tuple(others[:5])),) if others else ()
    )


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
