"""Means, paired differences and their standard errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.commands.robustness.statistics import Estimate, accuracy, drop, estimate, excess_drop
from edgemnist.harness.compare import Share

pytestmark = pytest.mark.unit


def test_estimate_by_hand() -> None:
    assert estimate(np.array([0.0, 1.0, 1.0, 0.0])) == Estimate(0.5, 0.25)


@given(st.lists(st.booleans(), min_size=1, max_size=50))
def test_accuracy_of_one_condition_is_a_share(correct: list[bool]) -> None:
    share = Share(sum(correct), len(correct))
    found = accuracy(np.array([correct]))
    assert found.mean == pytest.approx(share.share)
    assert found.standard_error == pytest.approx(share.standard_error, abs=1e-12)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=50))
def test_drop_depends_on_the_discordant_images_only(pairs: list[tuple[bool, bool]]) -> None:
    """With b images lost and c won of n: mean (b - c) / n, variance ((b + c) - (b - c)^2 / n) / n^2 (McNemar)."""
    reference, other = np.array(pairs).T
    lost, won, count = int((reference & ~other).sum()), int((~reference & other).sum()), len(pairs)
    found = drop(reference[np.newaxis], other[np.newaxis])
    assert found.mean == pytest.approx((lost - won) / count)
    variance = ((lost + won) - (lost - won) ** 2 / count) / count**2
    assert found.standard_error == pytest.approx(math.sqrt(max(variance, 0.0)), abs=1e-9)


def test_conditions_of_one_image_are_not_independent_images() -> None:
    """Repeating a condition adds no evidence."""
    random = np.random.RandomState(0)
    reference, other = random.random_sample((2, 1, 100)) < 0.7
    assert drop(reference.repeat(9, axis=0), other.repeat(9, axis=0)).standard_error == pytest.approx(
        drop(reference, other).standard_error
    )


def test_excess_drop_by_hand() -> None:
    reference = np.ones((3, 2), dtype=bool)
    other = np.array([[True, False], [False, False], [True, False]])
    assert drop(reference[:1], other[:1]).mean == 0.5
    assert drop(reference[1:], other[1:]).mean == 0.75
    assert excess_drop(reference, other) == Estimate(0.25, 0.25 / math.sqrt(2))
