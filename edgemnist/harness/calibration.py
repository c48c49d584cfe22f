"""How far a classifier's confidence is its accuracy: the reliability curve, and one figure of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True)
class ConfidenceBin:
    """Answers whose confidence is above ``low`` and at most ``high``, 0..1; of the first bin ``low`` is in it too.

    ``confidence`` and ``accuracy`` are means over its ``images``, None where there are none.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


def reliability(
    confidences: NDArray[np.float64], correct: NDArray[np.bool_], bins: int = BINS
) -> tuple[ConfidenceBin, ...]:
    """Return bins of equal width from 0 to 1.

    :param confidences: the probability of each image's most probable class, shape (count,), 0..1.
    :param correct: whether that class is right, shape (count,).
    """
    places = np.clip(np.ceil(confidences * bins).astype(np.int64) - 1, 0, bins - 1)
    return tuple(_bin(place, bins, confidences[places == place], correct[places == place]) for place in range(bins))


def expected_calibration_error(found: Sequence[ConfidenceBin]) -> float:
    """Return the bins' gaps between confidence and accuracy, weighted by their images, 0..1; of no image it is 0.

    Source: Guo et al., On Calibration of Modern Neural Networks, 2017, equation 3.
    """
    total = sum(one.images for one in found)
    gaps = [one.images * abs(one.confidence - one.accuracy) for one in found if one.images]  # type: ignore[operator]
    return sum(gaps) / total if total else 0.0


def _bin(place: int, bins: int, confidences: NDArray[np.float64], correct: NDArray[np.bool_]) -> ConfidenceBin:
    count = len(confidences)
    means = (float(confidences.mean()), float(correct.mean())) if count else (None, None)
    return ConfidenceBin(place / bins, (place + 1) / bins, count, *means)
