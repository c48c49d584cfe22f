"""The best one-to-one assignment, against every permutation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.harness.assignment import best_assignment

pytestmark = pytest.mark.unit


@given(
    st.integers(1, 6).flatmap(
        lambda n: st.lists(st.lists(st.integers(0, 9), min_size=n, max_size=n), min_size=n, max_size=n)
    )
)
def test_no_permutation_is_better(rows: list[list[int]]) -> None:
    gains = np.array(rows)
    found = best_assignment(gains)
    assert sorted(found) == list(range(len(rows)))
    best = max(
        sum(gains[row, column] for row, column in enumerate(p)) for p in itertools.permutations(range(len(rows)))
    )
    assert gains[np.arange(len(rows)), found].sum() == best


def test_among_equals_classes_stay_where_they_are() -> None:
    assert best_assignment(np.zeros((7, 7))).tolist() == list(range(7))
