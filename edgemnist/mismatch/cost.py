"""What differing bytes cost: classes that change, by how little, and accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.compare import Share, agreement, leads, top1

WORST = 10
"""Images that are listed."""


@dataclass(frozen=True)
class WorstImage:
    """An image on which a source and the oracle differ. ``number`` counts from 0 among those compared; classes are
    indices. ``margin``: by how much the oracle's class leads its second; ``largest`` difference of an output. Both are
    in LSB, of a model without quantised outputs in their own unit.
    """

    number: int
    label: int | None
    oracle: int
    found: int
    margin: float
    largest: float


@dataclass(frozen=True)
class Cost:
    """``flips``: images whose class is not the oracle's; ``margins``: their least, median and largest margin, empty
    without one, in LSB or, where not ``in_lsb``, in the outputs' own unit. The accuracies are None where nobody knows
    the labels. ``worst``: flips first.
    """

    flips: Share
    margins: tuple[float, ...]
    accuracy: Share | None
    oracle_accuracy: Share | None
    worst: tuple[WorstImage, ...]
    in_lsb: bool = True


def cost_of(
    oracle: NDArray[Any], found: NDArray[Any], labels: NDArray[np.int64] | None, *, lsb: float | None = 1.0
) -> Cost:
    """Return what a source's scores cost beside the oracle's, both (images, classes) in the same unit.

    :param labels: (images,), None where nobody knows them.
    :param lsb: one step of the scores in their unit, None where they have none.
    """
    step = lsb or 1.0
    expected, got = top1(oracle), top1(found)
    flipped = expected != got
    margins = leads(oracle) / step
    largest = np.abs(found.astype(np.float64) - oracle.astype(np.float64)).max(axis=1, initial=0.0) / step
    order = np.lexsort((-largest, ~flipped))
    worst = tuple(
        WorstImage(
            int(image), None if labels is None else int(labels[image]), int(expected[image]), int(got[image]),
            float(margins[image]), float(largest[image]),
        )
        for image in order[:WORST]
        if largest[image] > 0
    )  # fmt: skip
    spread = np.percentile(margins[flipped], [0, 50, 100]) if flipped.any() else np.empty(0)
    return Cost(
        flips=Share(int(flipped.sum()), len(flipped)),
        margins=tuple(float(value) for value in spread),
        accuracy=None if labels is None else agreement(got, labels),
        oracle_accuracy=None if labels is None else agreement(expected, labels),
        worst=worst,
        in_lsb=lsb is not None,
    )
