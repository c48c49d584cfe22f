"""A small real problem that trains in seconds: which way a stroke in a 12x12 image runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Dataset, Split

CLASSES = ("horizontal", "vertical", "falling", "rising")
SIDE = 12


def draw(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images, uint8 (count, 12, 12), and labels: noise and one bright stroke of 6 pixels."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    images = random.integers(0, 80, (count, SIDE, SIDE), dtype=np.uint8)
    steps = np.arange(6)
    down, right = np.array([0, 1, 1, -1]), np.array([1, 0, 1, 1])
    for image, label in zip(images, labels, strict=True):
        row = random.integers(6, 7) if label == 3 else random.integers(0, 6)
        image[row + down[label] * steps, random.integers(0, 6) + right[label] * steps] = 255
    return images, labels.astype(np.int64)


def make_split(count: int, seed: int) -> Split:
    """Return ``count`` strokes as a split."""
    images, labels = draw(count, seed)
    return Split(images[..., np.newaxis], labels)


def make_dataset(train: int = 600, test: int = 200, name: str = "strokes") -> Dataset:
    """Return strokes as a dataset."""
    return Dataset(name, make_split(train, 1), make_split(test, 2), CLASSES, source="drawn", sha256=f"drawn {train}")


def write_npz(path: Path, train: int = 600, test: int = 200) -> Path:
    """Write strokes as an .npz that ``--dataset`` takes."""
    (x_train, y_train), (x_test, y_test) = draw(train, 1), draw(test, 2)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test, class_names=np.array(CLASSES))
    return path
