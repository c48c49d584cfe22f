"""Datasets as folders of images: one sub-folder per class, or ``train/`` and ``test/`` with such sub-folders each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.arrays import divide_train_test, make_dataset
from edgemnist.data.base import Dataset, Split
from edgemnist.data.images import SUFFIXES, fit_image, image_size, read_image
from edgemnist.support.errors import DatasetError, InputError
from edgemnist.support.progress import Task, progress_task

DEFAULT_SIZE = (28, 28)
LARGEST_KEPT_SIDE = 96
"""Images that all have one size, with sides up to this, keep it; others are brought to :data:`DEFAULT_SIZE`."""

Labelled = list[tuple[Path, int]]


def load_image_folder(
    root: Path, name: str, *, size: tuple[int, int] | None = None, channels: int | None = None
) -> Dataset:
    """Load a folder of images. Classes are the sub-folders' names in sorted order; hidden and other files are skipped.

    ``size`` (height, width): what every image is brought to, keeping proportions
    (:func:`~edgemnist.data.images.fit_image`); None keeps a size that all share, else takes :data:`DEFAULT_SIZE`.
    ``channels``: 1 grey, 3 colour; None is colour only when every image is coloured. Without ``train/`` and ``test/``
    a test set is divided off, class by class.

    :raises DatasetError: no classes, a class without images or with a single one, an unreadable image.
    """
    if (root / "train").is_dir() and (root / "test").is_dir():
        class_names = _class_names(root / "train")
        if _class_names(root / "test") != class_names:
            raise DatasetError(f"{str(root)!r}: 'train' and 'test' must have the same class folders")
        train_files, test_files = (_files(root / part, class_names) for part in ("train", "test"))
    else:
        class_names = _class_names(root)
        train_files, test_files = _files(root, class_names), []
    images, labels = _read(root, train_files + test_files, size, channels)
    train = Split(images[: len(train_files)], labels[: len(train_files)])
    if test_files:
        test, note = Split(images[len(train_files) :], labels[len(train_files) :]), ""
    else:
        train, test = divide_train_test(train, class_names, repr(str(root)))
        note = (
            f"{root} has no train/ and test/: {len(test):,} of its images were divided off for testing, class by class"
        )
    return make_dataset(name, train, test, class_names, source=str(root), note=note)


def _class_names(root: Path) -> tuple[str, ...]:
    names = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if len(names) < 2:
        raise DatasetError(
            f"{str(root)!r} has {len(names)} sub-folder(s); needed is one sub-folder of images per class, at least two"
        )
    return tuple(names)


def _files(root: Path, class_names: tuple[str, ...]) -> Labelled:
    files: Labelled = []
    for label, class_name in enumerate(class_names):
        found = sorted(
            path
            for path in (root / class_name).iterdir()
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
        )
        if not found:
            raise DatasetError(
                f"the class folder {str(root / class_name)!r} has no images ({', '.join(sorted(SUFFIXES))}); "
                "add some or remove the folder"
            )
        files += [(path, label) for path in found]
    return files


def _read(
    root: Path, files: Labelled, size: tuple[int, int] | None, channels: int | None
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    try:
        with progress_task(f"Reading images from {root.name}", total=len(files)) as task:
            chosen = size or _common_size([path for path, _ in files])
            pictures = [_read_one(path, chosen, channels, task) for path, _ in files]
    except InputError as error:
        raise DatasetError(f"{error}; repair or remove that file") from error
    wanted = channels or (3 if all(picture.shape[2] == 3 for picture in pictures) else 1)
    images = np.stack([fit_image(picture, chosen, wanted) for picture in pictures])
    return images, np.array([label for _, label in files], dtype=np.int64)


def _read_one(path: Path, size: tuple[int, int], channels: int | None, task: Task) -> NDArray[np.uint8]:
    image = read_image(path)
    task.update(advance=1)
    return fit_image(image, size, channels or (3 if image.ndim == 3 else 1))


def _common_size(paths: list[Path]) -> tuple[int, int]:
    sizes = {image_size(path) for path in paths}
    only = sizes.pop()
    return only if not sizes and max(only) <= LARGEST_KEPT_SIDE else DEFAULT_SIZE
