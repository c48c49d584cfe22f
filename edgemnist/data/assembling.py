"""From images and labels to a :class:`Dataset`: a test split divided off where there is none, content hashed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgemnist.data.base import Dataset, Split, fingerprint
from edgemnist.data.facts import DatasetFacts, Division
from edgemnist.data.splits import divide
from edgemnist.support.errors import DatasetError

TEST_SHARE = 0.2
"""Share of the images that become the test set where a dataset brings none."""

DIVISION_SEED = 0
"""Fixed: figures on one dataset are comparable only while its division stays the same."""

MAX_RESIZED_BYTES = 4 << 30
"""Images that would take more memory are refused."""

DIVIDED_OFF = Division(how="divided off: the dataset has no test split", share=TEST_SHARE, seed=DIVISION_SEED)
"""What :func:`divide_train_test` does, as a fact."""


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
    name: str,
    train: Split,
    test: Split,
    class_names: Sequence[str],
    *,
    source: str,
    note: str = "",
    facts: DatasetFacts | None = None,
) -> Dataset:
    """Return a dataset with its content hash, after a last check that both splits fit together.

    :raises DatasetError: image shapes that differ.
    """
    if train.images.shape[1:] != test.images.shape[1:]:
        raise DatasetError(
            f"{source}: training images have shape {train.images.shape[1:]}, test images {test.images.shape[1:]}; "
            "they must be alike"
        )
    sha256 = fingerprint(train, test)
    return Dataset(name, train, test, tuple(class_names), source, sha256, note, facts or DatasetFacts())


def check_memory(images: int, size: tuple[int, int], channels: int) -> None:
    """Refuse images of a size, (height, width), that would take too much memory.

    :raises DatasetError: says how much.
    """
    needed = images * size[0] * size[1] * channels
    if needed > MAX_RESIZED_BYTES:
        raise DatasetError(
            f"{images:,} images of {size[0]}x{size[1]}x{channels} would take {needed / 1e9:.1f} GB of memory, more "
            f"than {MAX_RESIZED_BYTES / 1e9:.1f}; choose a smaller image size"
        )
