"""The real MNIST and Fashion-MNIST, where this machine has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgemnist.data.base import Dataset
from edgemnist.data.loading import load_dataset
from edgemnist.data.locations import DEBIAN_FASHION_MNIST


@pytest.fixture(scope="module")
def mnist(real_data: Path) -> Dataset:
    return load_dataset("mnist", fetch=False)


def test_mnist_counts(mnist: Dataset) -> None:
    assert mnist.train.images.shape == (60_000, 28, 28, 1)
    assert mnist.test.images.shape == (10_000, 28, 28, 1)
    assert np.bincount(mnist.train.labels).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.test.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_mnist_5k_is_part_of_the_training_set(mnist: Dataset) -> None:
    known = {image.tobytes(): int(label) for image, label in zip(mnist.train.images, mnist.train.labels, strict=True)}
    small = load_dataset("mnist-5k")
    for split in (small.train, small.test):
        for image, label in zip(split.images, split.labels, strict=True):
            assert known[image.tobytes()] == label


def test_digits_stand_upright(mnist: Dataset) -> None:
    """A one is taller than wide, and a seven is wider at its top than at its foot."""
    ones = mnist.test.images[mnist.test.labels == 1][..., 0].astype(float).mean(axis=0)
    rows, columns = np.nonzero(ones > 60)
    assert np.ptp(rows) > 2 * np.ptp(columns)
    sevens = mnist.test.images[mnist.test.labels == 7][..., 0].astype(float).mean(axis=0)
    assert (sevens[7:11].max(axis=0) > 60).sum() > 1.5 * (sevens[19:23].max(axis=0) > 60).sum()


def test_fashion_mnist_of_debian(monkeypatch: pytest.MonkeyPatch) -> None:
    if not DEBIAN_FASHION_MNIST.is_dir():
        pytest.skip("the package dataset-fashion-mnist is not installed")
    monkeypatch.delenv("EDGEMNIST_DATA", raising=False)
    dataset = load_dataset("fashion-mnist", fetch=False)
    assert dataset.note == ""
    assert np.bincount(dataset.train.labels).tolist() == [6000] * 10
    assert dataset.class_names[int(dataset.train.labels[0])] == "Ankle boot"
