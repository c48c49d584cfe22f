"""What a dataset is once loaded: values that every later stage takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import DatasetError


@dataclass(frozen=True, eq=False)
class Split:
    """Images and labels of one split.

    ``images``: uint8, shape (count, height, width, channels), 0..255, ink bright on dark for the MNIST family.
    ``labels``: int64, shape (count,), 0..classes-1.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

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
        return Split(self.images[indices], self.labels[indices])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A dataset as loaded: ``train`` and ``test`` never overlap; ``source`` says where the files came from, for people.

    ``class_names`` has one name per class, in label order. ``sha256`` is of the content (shapes, pixels, labels),
    whatever file format it came in. ``note`` is a sentence the user must see
    (a substitute, a rebuilt file).
    """

    name: str
    train: Split
    test: Split
    class_names: tuple[str, ...]
    source: str
    sha256: str
    note: str = ""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        height, width, channels = self.train.images.shape[1:]
        return int(height), int(width), int(channels)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)
