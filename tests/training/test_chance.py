"""A fit at chance is told from one that learned, whatever the shares of the classes; rough estimates are said."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.training.chance import remedy_for_chance, seen_at_chance, share_interval, words_for_accuracy

NAMES = ("cat", "dog", "owl")


def labels(*counts: int) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(counts)), counts)


def wrong(truth: NDArray[np.int64], share: float) -> NDArray[np.int64]:
    """Return predictions of which a share, spread evenly, names the next class."""
    chosen = np.arange(len(truth)) * share % 1 + share > 1 - 1e-9
    return np.where(chosen, (truth + 1) % len(NAMES), truth)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("truth", "predicted", "said"),
    [
        (labels(30, 30, 30), np.full(90, 1), "says 'dog' for every one of 90 validation and test images"),
        (labels(90, 5, 5), np.zeros(100, np.int64), "says 'cat' for every one of 100"),
        (labels(30, 30, 30), np.arange(90) % 3, "right on 33.3% of 90 .*saying 'cat' every time is right on 33.3%"),
        (labels(30, 30, 30), wrong(labels(30, 30, 30), 0.6), "right on 40.0%"),
        (labels(30, 30, 30), (labels(30, 30, 30) + 1) % 3, "right on 0.0%"),
    ],
    ids=["one class", "one class, uneven", "at random", "within two errors", "all wrong"],
)
def test_chance_is_seen(truth: NDArray[np.int64], predicted: NDArray[np.int64], said: str) -> None:
    assert re.search(said, seen_at_chance(truth, predicted, NAMES))


@pytest.mark.unit
@pytest.mark.parametrize(
    ("truth", "predicted"),
    [
        (labels(30, 30, 30), wrong(labels(30, 30, 30), 0.5)),
        (labels(2, 2, 2), labels(2, 2, 2)),
        (labels(900, 50, 50), np.concatenate([wrong(labels(900), 0.12), labels(0, 50, 50)])),
    ],
    ids=["half right", "six images, all right", "rare classes are found, at some cost to the frequent one"],
)
def test_what_was_learned_is_no_chance(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> None:
    assert seen_at_chance(truth, predicted, NAMES) == ""


@pytest.mark.unit
@pytest.mark.parametrize(
    ("rate", "steps", "side", "said"),
    [
        (1000.0, 5000, 28, "the learning rate 1000, usual .*: leave --learning-rate out, or give a lower one"),
        (0.01, 50, 28, r"50 steps are too few: give more, say --epochs 100"),
        (0.01, 5000, 28, "labels may not belong .*edgemnist data show.*--image-size 64"),
        (0.01, 5000, 64, "64x64 pixels may not show what tells the classes apart: .*more --epochs$"),
    ],
)
def test_the_remedy_suits_the_cause(rate: float, steps: int, side: int, said: str) -> None:
    settings = {"learning_rate": rate, "epochs": 5}
    assert re.search(said, remedy_for_chance(settings, steps, (side, side, 1)))


@pytest.mark.unit
def test_intervals_are_wilsons_and_few_images_are_said_to_be_rough() -> None:
    assert share_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe 1998, table I
    assert share_interval(36, 36) == pytest.approx((0.9036, 1.0), abs=1e-4)
    assert words_for_accuracy(35 / 36, 36) == (
        "a rough estimate: 36 test images put it between 86% and 100% (95 % interval)"
    )
    assert words_for_accuracy(0.99, 10_000) == ""
