"""The metrics of parity, on plain arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.statistics import standard_error


@dataclass(frozen=True)
class Share:
    """``count`` of ``total``, and the share in 0..1."""

    count: int
    total: int

    @property
    def share(self) -> float:
        """``count / total``; 0 of 0 is 0."""
        return self.count / self.total if self.total else 0.0

    @property
    def standard_error(self) -> float:
        """Standard error of the share when each of ``total`` is an independent draw."""
        return standard_error(self.share, self.total)


@dataclass(frozen=True)
class Difference:
    """How far values are from the oracle's.

    ``elements``: how many are not equal. ``images``: in how many images at least one is not. ``max_difference``: the
    largest absolute difference, in LSB for integers and in the value's own unit for floats.
    """

    elements: Share
    images: int
    max_difference: float

    @property
    def exact(self) -> bool:
        """Whether every value is equal."""
        return self.elements.count == 0


def top1(outputs: NDArray[Any]) -> NDArray[np.int64]:
    """Return the class of each row of (N, classes): the index of its maximum, the lowest where several are equal."""
    return np.asarray(np.argmax(outputs, axis=1), dtype=np.int64)


def ties(outputs: NDArray[Any]) -> int:
    """Return how many rows of (N, classes) have their maximum more than once."""
    maxima = outputs.max(axis=1, keepdims=True)
    return int(((outputs == maxima).sum(axis=1) > 1).sum())


def leads(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Return by how much the highest score of each row of (N, classes) leads the second, two classes at least."""
    ordered = np.sort(scores.astype(np.float64), axis=1)
    lead: NDArray[np.float64] = ordered[:, -1] - ordered[:, -2]
    return lead


def agreement(left: NDArray[np.int64], right: NDArray[np.int64]) -> Share:
    """Return in how many places two lists of classes, shape (N,), are equal; with labels this is the accuracy."""
    return Share(int((left == right).sum()), len(left))


def difference(found: NDArray[Any], oracle: NDArray[Any]) -> Difference:
    """Compare two arrays of shape (N, ...) and the same dtype, integer or float; NaN equals NaN.

    Floats are equal only when they are the same number: no tolerance.
    """
    unequal = ~same(found, oracle)
    gap = np.abs(found.astype(np.float64) - oracle.astype(np.float64))[unequal]
    return Difference(
        elements=Share(int(unequal.sum()), int(unequal.size)),
        images=int(unequal.reshape(len(unequal), -1).any(axis=1).sum()),
        max_difference=float(np.nan_to_num(gap, nan=math.inf).max(initial=0.0)),
    )


def difference_of_all(found: Sequence[NDArray[Any]], oracle: Sequence[NDArray[Any]]) -> Difference:
    """Compare a model's outputs one by one, each as :func:`difference` does."""
    each = [difference(one, other) for one, other in zip(found, oracle, strict=True)]
    unequal = [(~same(one, other)).reshape(len(one), -1).any(axis=1) for one, other in zip(found, oracle, strict=True)]
    return Difference(
        Share(sum(one.elements.count for one in each), sum(one.elements.total for one in each)),
        int(np.any(unequal, axis=0).sum()),
        max(one.max_difference for one in each),
    )


def same(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which elements are equal; NaN is NaN."""
    equal = np.asarray(one == other)
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return equal
    return np.asarray(equal | (np.isnan(one) & np.isnan(other)))
