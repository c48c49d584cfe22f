"""Confusion matrix, precision, recall and F1."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.commands.evaluate.metrics import (
    LEAST_PROBABILITY,
    ClassScore,
    average_scores,
    class_scores,
    confusion_matrix,
    cross_entropy,
    top_hits,
)

pytestmark = pytest.mark.unit

CLASSES = 4
NAMES = tuple("abcd")


def test_by_hand() -> None:
    """Class a: 2 of 3 found, 1 false alarm. Class c is never predicted, d never occurs."""
    labels = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 3])
    confusion = confusion_matrix(labels, predicted, CLASSES)
    assert confusion.tolist() == [[2, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    a, b, c, d = class_scores(confusion, NAMES)
    assert (a.precision, a.recall, a.f1, a.support) == pytest.approx((2 / 3, 2 / 3, 2 / 3, 3))
    assert b == ClassScore("b", 0.5, 0.5, 0.5, 2)
    assert (c.precision, c.recall, c.f1, c.support) == (0.0, 0.0, 0.0, 1)
    assert (d.precision, d.recall, d.f1, d.support) == (0.0, 0.0, 0.0, 0)
    macro, weighted = average_scores((a, b, c, d))
    assert macro.recall == pytest.approx((2 / 3 + 0.5 + 0) / 3)
    assert weighted.recall == pytest.approx((3 * 2 / 3 + 2 * 0.5 + 0) / 6)
    assert macro.support == weighted.support == 6


@given(st.lists(st.tuples(st.integers(0, CLASSES - 1), st.integers(0, CLASSES - 1)), min_size=1, max_size=60))
def test_what_always_holds(pairs: list[tuple[int, int]]) -> None:
    labels, predicted = np.array(pairs).T
    confusion = confusion_matrix(labels, predicted, CLASSES)
    assert confusion.sum() == len(pairs)
    scores = class_scores(confusion, NAMES)
    _, weighted = average_scores(scores)
    assert weighted.recall == pytest.approx((labels == predicted).mean())
    for score in scores:
        assert 0 <= min(score.precision, score.recall) <= score.f1 + 1e-12
        assert score.f1 <= max(score.precision, score.recall) + 1e-12 <= 1 + 1e-9


def test_loss_and_top_classes_by_hand() -> None:
    """The second row ties classes 0 and 1 for the second place, which the lower takes; the third row is certain."""
    chances = np.array([[0.5, 0.3, 0.1, 0.1], [0.2, 0.2, 0.5, 0.1], [0.0, 1.0, 0.0, 0.0]])
    labels = np.array([0, 1, 3])
    by_hand = -(np.log(0.5) + np.log(0.2) + np.log(LEAST_PROBABILITY)) / 3
    assert cross_entropy(chances, labels) == pytest.approx(by_hand)
    assert top_hits(chances, labels) == {2: 1, 3: 2}
    assert top_hits(chances[:, :2], np.array([0, 1, 1])) == {}
    assert cross_entropy(chances[:0], labels[:0]) == 0.0
