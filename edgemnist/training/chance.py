"""Whether a fit came to more than chance, how well a count of right answers tells a share, and what to say of both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import GateFailedError
from edgemnist.support.statistics import STANDARD_ERRORS, is_at_chance

if TYPE_CHECKING:
    from edgemnist.training.report import FitResult

HIGHEST_USUAL_RATE = 0.02
_FEW_STEPS = 500
_SMALL_SIDE = 32


def seen_at_chance(labels: NDArray[np.int64], predicted: NDArray[np.int64], class_names: tuple[str, ...]) -> str:
    """Return what shows that predictions are at chance, as a clause; "" where they are not.

    ``labels`` and ``predicted``: int64 (images,). At chance is who says one class for everything, or whose accuracy is
    within two standard errors of the most frequent class's share while the mean recall is within two of one in
    ``classes``: a rare class that is recognised is worth more than the accuracy shows.
    """
    said = np.unique(predicted)
    if len(said) == 1 and len(np.unique(labels)) > 1:
        return (
            f"the model says {class_names[int(said[0])]!r} for every one of {len(labels):,} validation and test images"
        )
    counts = np.bincount(labels, minlength=len(class_names))
    present = np.flatnonzero(counts)
    frequent = counts.max() / len(labels)
    accuracy = float(np.mean(predicted == labels))
    recalls = [float(np.mean(predicted[labels == label] == label)) for label in present]
    if not is_at_chance(accuracy, float(frequent), len(labels)):
        return ""
    if np.mean(recalls) > 1 / len(present) + STANDARD_ERRORS * _error_of_mean_recall(counts[present]):
        return ""
    return (
        f"the model is right on {accuracy:.1%} of {len(labels):,} validation and test images, "
        f"where saying {class_names[int(counts.argmax())]!r} every time is right on {frequent:.1%}"
    )


def _error_of_mean_recall(counts: NDArray[np.int64]) -> float:
    """Return the standard error of the mean of recalls that are each 1 / classes, over so many images of each class."""
    classes = len(counts)
    variances = (1 / classes) * (1 - 1 / classes) / counts
    return float(np.sqrt(variances.sum()) / classes)


def remedy_for_chance(settings: Mapping[str, Any], steps: int, image_shape: tuple[int, int, int]) -> str:
    """Return the likely cause of a fit that came to nothing, and what to do, by its settings (JSON values)."""
    rate, epochs, (height, width, _) = settings["learning_rate"], settings["epochs"], image_shape
    if rate > HIGHEST_USUAL_RATE:
        return (
            f"the likely cause is the learning rate {rate:g}, usual are 0.0005 to {HIGHEST_USUAL_RATE:g}: "
            "leave --learning-rate out, or give a lower one such as 0.005"
        )
    if steps < _FEW_STEPS:
        return f"the likely cause is that {steps:,} steps are too few: give more, say --epochs {_more(epochs, steps)}"
    larger = max(2 * _SMALL_SIDE, 2 * max(height, width))
    size = f", or with larger images (--image-size {larger})" if max(height, width) <= _SMALL_SIDE else ""
    return (
        f"the labels may not belong to the images, or {height}x{width} pixels may not show what tells the classes "
        f"apart: see `edgemnist data show`, then try more --epochs{size}"
    )


def _more(epochs: int, steps: int) -> int:
    return math.ceil(epochs * 2 * _FEW_STEPS / max(steps, 1))


def require_learned(result: FitResult) -> None:
    """Check that a fit came to more than chance.

    :raises GateFailedError: it did not; its model stays where it was written.
    """
    if result.at_chance:
        raise GateFailedError(
            f"the {result.stage} stage ended at chance: {result.at_chance}; {str(result.model_path)!r} is kept to be "
            "looked at, not to be used"
        )


def share_interval(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of which ``right`` of ``count`` draws are known (Wilson 1927)."""
    z = 1.96
    share, spread = right / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, middle - half), min(1.0, middle + half)


def words_for_accuracy(accuracy: float, count: int) -> str:
    """Return how well an accuracy (0..1) on so many test images is known, "" where it is within a point."""
    low, high = share_interval(round(accuracy * count), count)
    if high - low <= 0.02:
        return ""
    return f"a rough estimate: {count:,} test images put it between {low:.0%} and {high:.0%} (95 % interval)"
