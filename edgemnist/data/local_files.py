"""Reading a known dataset from files on this machine, and a folder of IDX files that somebody gives by path."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.arrays import as_images, as_labels, number_classes
from edgemnist.data.assembling import make_dataset
from edgemnist.data.base import Dataset, Split
from edgemnist.data.cifar import find_binary, load_binary
from edgemnist.data.idx import IdxFile, damaged, encode_idx, read_idx
from edgemnist.data.locations import (
    DatasetFiles,
    IdxFiles,
    downloads_folder,
    find_files,
    find_idx_files,
    incomplete_sets,
)
from edgemnist.data.npz import load_npz
from edgemnist.data.published import IdxLayout, KnownDataset
from edgemnist.data.registry import known_datasets
from edgemnist.support.errors import DatasetError


def load_from_disk(known: KnownDataset) -> tuple[Dataset | None, list[str]]:
    """Return (the dataset from the first location that has it, or None; what was passed over on the way, for people).

    :raises DatasetError: the files in EDGEMNIST_DATA or in edgemnist's cache are damaged.
    """
    passed_over: list[str] = []
    for found in find_files(known):
        try:
            dataset = _read_files(known, found)
        except DatasetError as error:
            if found.location.ours:
                raise _with_remedy(error, known, found) from error
            passed_over.append(f"passed over: {error}")
            continue
        return replace(dataset, note="; ".join([*passed_over, dataset.note]).strip("; ")), passed_over
    return None, [*incomplete_sets(known), *passed_over]


def load_known_files(folder: Path, name: str) -> Dataset | None:
    """Return the dataset of a folder with files named like a known dataset's, IDX or CIFAR's; None without such files.

    :raises DatasetError: as :func:`load_idx_folder`, or damaged files.
    """
    for row in known_datasets():
        where = find_binary(folder, row)
        if row.binary is not None and where is not None:
            return replace(load_binary(row, row.binary, where), name=name)
    return load_idx_folder(folder, name)


def load_idx_folder(folder: Path, name: str) -> Dataset | None:
    """Return the dataset of a folder with four IDX files named like a known dataset's; None when it has no such files.

    :raises DatasetError: damaged files, or files of several datasets.
    """
    rows = {row.layout: row for row in known_datasets() if row.layout}
    matches = [(layout, files) for layout in rows if (files := find_idx_files(folder, layout))]
    if not matches:
        return None
    if len(matches) > 1:
        several = ", ".join(rows[layout].name for layout, _ in matches)
        raise DatasetError(f"{str(folder)!r} has the files of several datasets; name the one you mean: {several}")
    layout, files = matches[0]
    if layout != IdxLayout():
        return replace(_read_idx(rows[layout], layout, files, folder), name=name)
    train, test = (_labelled(layout, images, labels) for images, labels in (files[:2], files[2:]))
    train_labels, test_labels, class_names = number_classes(train[1], test[1], repr(str(folder)))
    return make_dataset(
        name, Split(train[0], train_labels), Split(test[0], test_labels), class_names, source=str(folder)
    )


def _read_files(known: KnownDataset, found: DatasetFiles) -> Dataset:
    if found.idx is not None and known.layout is not None:
        return _read_idx(known, known.layout, found.idx, found.where)
    if known.binary is not None and found.where.suffix != ".npz":
        return load_binary(known, known.binary, found.where)
    dataset = load_npz(found.where, known.name)
    _check_counts(known, dataset.train, dataset.test, found.where)
    if dataset.class_names not in (known.class_names, tuple(str(label) for label in range(len(known.class_names)))):
        raise damaged(
            found.where, f"its labels are {', '.join(dataset.class_names)}, not 0..{len(known.class_names) - 1}"
        )
    return replace(dataset, class_names=known.class_names)


def _read_idx(known: KnownDataset, layout: IdxLayout, files: IdxFiles, where: Path) -> Dataset:
    train = _known_split(known, layout, files[0], files[1])
    test = _known_split(known, layout, files[2], files[3])
    _check_counts(known, train, test, where)
    rebuilt = [
        note
        for file, array in zip(files, _contents(layout, train, test), strict=True)
        if (note := _rebuilt(known, file, array))
    ]
    return make_dataset(known.name, train, test, known.class_names, source=str(where), note="; ".join(rebuilt))


def _known_split(known: KnownDataset, layout: IdxLayout, image_file: IdxFile, label_file: IdxFile) -> Split:
    images, labels = _labelled(layout, image_file, label_file)
    classes = len(known.class_names)
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= classes:
        first = layout.first_label
        raise damaged(
            label_file,
            f"its labels run from {labels.min() + first} to {labels.max() + first}, "
            f"{known.name} has {first} to {classes - 1 + first}",
        )
    return Split(images, labels.astype(np.int64))


def _labelled(layout: IdxLayout, image_file: IdxFile, label_file: IdxFile) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    pixels, labels = read_idx(image_file), read_idx(label_file)
    if pixels.dtype != np.uint8:
        raise damaged(image_file, f"it holds {pixels.dtype} of shape {pixels.shape}, not bytes")
    images = as_images({"the array": pixels}, repr(str(image_file))).images[0]
    if layout.transposed:
        images = np.ascontiguousarray(images.transpose(0, 2, 1, 3))
    if labels.ndim == 2:  # QMNIST: the class and seven columns about the writer
        labels = labels[:, 0]
    return images, as_labels(labels.astype(np.int64) - layout.first_label, len(images), repr(str(label_file)))


def _check_counts(known: KnownDataset, train: Split, test: Split, where: Path) -> None:
    for part, split, count in (("training", train, known.train_count), ("test", test, known.test_count)):
        if split.images.shape != (count, *known.image_shape):
            raise DatasetError(
                f"{str(where)!r} has {part} images of shape {split.images.shape}, {known.name} has "
                f"{(count, *known.image_shape)}; delete or replace the files, or give the path instead of the name "
                "to use them as a dataset of their own"
            )


def _contents(layout: IdxLayout, train: Split, test: Split) -> list[NDArray[Any]]:
    """Return what the four IDX files hold, for datasets whose labels are plain bytes."""
    return [
        array
        for split in (train, test)
        for array in (split.images[..., 0], (split.labels + layout.first_label).astype(np.uint8))
    ]


def _rebuilt(known: KnownDataset, file: IdxFile, content: NDArray[Any]) -> str:
    """Return a note when a file's content is not the published one; empty when it is, or when nobody can tell."""
    name = file.path.name.replace(".idx", "-idx").removesuffix(".gz")
    published = next((remote.content_md5 for remote in known.files if remote.name.removesuffix(".gz") == name), "")
    if not published:
        return ""
    actual = hashlib.md5(encode_idx(content), usedforsecurity=False).hexdigest()
    if actual == published:
        return ""
    return (
        f"the content of {file} is not that of the published {known.name} (MD5 {actual}, published {published}): "
        "figures may differ a little from published ones"
    )


def _with_remedy(error: DatasetError, known: KnownDataset, found: DatasetFiles) -> DatasetError:
    if not found.where.is_relative_to(downloads_folder()):
        return error
    return DatasetError(f"{error} (`edgemnist data fetch {known.name}` downloads it anew)")
