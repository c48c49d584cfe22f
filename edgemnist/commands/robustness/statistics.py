"""Means over images, with their standard errors; models are compared on the same images, image by image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Estimate:
    """A mean over images and its standard error; shares, so 0.01 is one percentage point."""

    mean: float
    standard_error: float


def estimate(values: NDArray[np.float64]) -> Estimate:
    """Return the mean of one value per image, shape (images,), and its standard error, deviation / sqrt(images).

    The images are the sample; the corruptions that a value may be a mean over are taken as given.
    """
    return Estimate(float(values.mean()), float(values.std()) / math.sqrt(len(values)))


def accuracy(correct: NDArray[np.bool_]) -> Estimate:
    """Return the accuracy from (conditions, images), each condition counting the same."""
    return estimate(correct.mean(axis=0))


def drop(reference: NDArray[np.bool_], other: NDArray[np.bool_]) -> Estimate:
    """Return how much less often ``other`` is right than ``reference``, both (conditions, images) of the same images.

    Where both are right or both wrong the image says nothing; that is why the standard error is so much smaller than
    that of the difference of two accuracies from different images.
    """
    return estimate(reference.mean(axis=0) - other.mean(axis=0))


def excess_drop(reference: NDArray[np.bool_], other: NDArray[np.bool_]) -> Estimate:
    """Return the drop over the corrupted conditions less that on the clean images, which are the first row."""
    lost = reference.astype(np.float64) - other
    return estimate(lost[1:].mean(axis=0) - lost[0])
