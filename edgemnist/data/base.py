"""What a dataset is once loaded: values that every later stage takes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.facts import DatasetFacts
from edgemnist.support.errors import DatasetError


@dataclass(frozen=True, eq=False)
class Split:
    """Images and labels of one split.

    ``images``: uint8, shape (count, height, width, channels), 0..255, ink bright on dark for the MNIST family.
    ``labels``: int64, shape (count,), 0..classes-1.
    ``names``: text, shape (count,), the images' files below the dataset's folder; None where they have none.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    names: NDArray[np.str_] | None = None

    def __post_init__(self) -> None:
        """Check shapes and types."""
        if self.images.ndim != 4 or self.images.dtype != np.uint8:
            raise DatasetError(
                "images must be uint8 of shape (count, height, width, channels), "
                f"got {self.images.dtype} {self.images.shape}"
            )
        if self.labels.shape != (self.images.shape[0],):
            raise DatasetError(
                f"{self.images.shape[0]} images but labels of shape {self.labels.shape}; every image needs one label"
            )

    def __len__(self) -> int:
        """Return the number of images."""
        return int(self.images.shape[0])

    def take(self, indices: NDArray[np.int64] | slice) -> Split:
        """Return the chosen images and labels as a new split."""
        names = None if self.names is None else self.names[indices]
        return Split(self.images[indices], self.labels[indices], names)

    def name_of(self, index: int) -> str:
        """Return what an image is called in messages: its file, or its number from 0."""
        return f"image {index}" if self.names is None else str(self.names[index])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset as loaded: ``train`` and ``test`` never overlap; ``source`` says where the files came from, for people.

    ``class_names`` has one name per class, in label order. ``sha256`` is of the content (shapes, pixels, labels),
    whatever file format it came in. ``note`` is a sentence the user must see
    (a substitute, a rebuilt file). ``facts`` is what the loader understood.
    """

    name: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    source: str
    sha256: str
    note: str = ""
    facts: DatasetFacts = field(default_factory=DatasetFacts)

    def __post_init__(self) -> None:
        """Add to the facts what follows from the arrays."""
        complete = self.facts.completed(self.image_shape, self.class_names, self.train.labels, self.test.labels)
        object.__setattr__(self, "facts", complete)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        height, width, channels = self.train.images.shape[1:]
        return int(height), int(width), int(channels)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def in_order(self, names: Sequence[str]) -> Dataset:
        """Return this dataset with its classes in another order: its labels are renumbered, its images stay.

        :raises DatasetError: ``names`` are not this dataset's classes, each once.
        """
        if tuple(names) == self.class_names:
            return self
        if sorted(names) != sorted(self.class_names) or len(set(names)) != len(names):
            raise DatasetError(
                f"cannot bring the classes {', '.join(self.class_names)} into the order {', '.join(names)}; "
                "name each of them once"
            )
        numbers = np.array([list(names).index(name) for name in self.class_names], dtype=np.int64)
        train, test = (replace(split, labels=numbers[split.labels]) for split in (self.train, self.test))
        return replace(self, train=train, test=test, class_names=tuple(names), sha256=fingerprint(train, test))

    def as_named(self, names: Sequence[str]) -> Dataset:
        """Return this dataset with its classes in the order of ``names``, or as it is if these are not its own."""
        own = len(set(names)) == len(names) and sorted(names) == sorted(self.class_names)
        return self.in_order(names) if own else self


def chance_level(labels: NDArray[np.int64]) -> float:
    """Return the share of the most frequent class, 0..1: what a model gets right that always says the same.

    ``labels``: int64, shape (count,), at least one.
    """
    return float(np.bincount(labels).max()) / len(labels)


def fingerprint(train: Split, test: Split) -> str:
    """Return the SHA-256 of a dataset's content: shapes, pixels and labels, whatever file format they came in."""
    digest = hashlib.sha256()
    arrays: tuple[NDArray[Any], ...] = (train.images, train.labels, test.images, test.labels)
    for array in arrays:
        digest.update(f"{array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
