"""What a corruption is, and the random numbers it draws."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import InputError

MAX_SEVERITY = 5
"""Severities are 0 (untouched) to 5; a corruption of one strength has severity 1 only."""

REFERENCE_SIDE = 28
"""The side in pixels of the images for which MNIST-C gives its lengths."""

Pixels = NDArray[np.float64]
"""Images as the effects see them: float64, shape (count, height, width, channels), 0..1."""


class Draws:
    """Random numbers for a batch of images: every image has streams of its own, whatever the batch it is in.

    ``first`` is the index of the batch's first image among all images. Successive calls give independent numbers.
    """

    def __init__(self, seed: int, name: str, first: int, count: int) -> None:
        self.seed = seed
        self.indices = range(first, first + count)
        self._key = zlib.crc32(name.encode())
        self._calls = 0
        # numpy's legacy generator is the only one whose stream is promised never to change between versions.
        self._random = np.random.RandomState(0)

    def uniform(self, *shape: int) -> Pixels:
        """Return numbers in [0, 1), shape (count, *shape)."""
        return self._stacked(lambda: self._random.random_sample(shape), shape)

    def normal(self, *shape: int) -> Pixels:
        """Return numbers with mean 0 and standard deviation 1, shape (count, *shape)."""
        return self._stacked(lambda: self._random.standard_normal(shape), shape)

    def whole(self, low: int, high: int, *shape: int) -> NDArray[np.int64]:
        """Return whole numbers from ``low`` to ``high`` - 1, shape (count, *shape)."""
        return np.asarray(np.floor(self.uniform(*shape) * (high - low)) + low, dtype=np.int64)

    def signs(self, *shape: int) -> NDArray[np.int64]:
        """Return -1 or 1, either as often, shape (count, *shape)."""
        return 2 * self.whole(0, 2, *shape) - 1

    def _stacked(self, draw: Callable[[], Any], shape: tuple[int, ...]) -> Pixels:
        numbers = np.empty((len(self.indices), *shape))
        for row, index in enumerate(self.indices):
            self._random.seed([self.seed, self._key, index, self._calls])
            numbers[row] = draw()
        self._calls += 1
        return numbers


@dataclass(frozen=True)
class Corruption:
    """A corruption: ``levels`` has the parameters of ``effect`` for severity 1, 2 and so on.

    ``effect(images, draws, *level)`` takes and returns :data:`Pixels` of the same shape; results beyond 0..1 are
    clipped. ``published`` is the severity at which the MNIST-C dataset was published, None for one that is not in it.
    """

    name: str
    description: str
    levels: tuple[tuple[float, ...], ...]
    published: int | None
    effect: Callable[..., Pixels]

    @property
    def severities(self) -> range:
        """The severities it has, 0 left out."""
        return range(1, len(self.levels) + 1)

    def level(self, severity: int) -> tuple[float, ...]:
        """Return the effect's parameters at a severity.

        :raises InputError: the corruption has no such severity.
        """
        if severity not in self.severities:
            raise InputError(
                f"the corruption {self.name!r} has no severity {severity!r}; allowed are 0 to {len(self.levels)}"
            )
        return self.levels[severity - 1]


def corruption(
    description: str, levels: tuple[tuple[float, ...], ...], *, published: int | None = None
) -> Callable[[Callable[..., Pixels]], Corruption]:
    """Make a corruption of an effect, named as the function is (see :class:`Corruption`)."""

    def decorate(effect: Callable[..., Pixels]) -> Corruption:
        return Corruption(effect.__name__, description, levels, published, effect)

    return decorate


def enlargement(images: Pixels) -> float:
    """Return how many times larger than MNIST-C's the images are, by their shorter side."""
    return min(images.shape[1:3]) / REFERENCE_SIDE
