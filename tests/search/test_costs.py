"""Costs, limits and which nets are on the front."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.search.costs import Costs, Limits, check_objectives, front, ranked
from edgemnist.support.errors import InputError

pytestmark = pytest.mark.unit

POINTS = st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=30)


def _beats(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    no_worse = one[0] >= other[0] and all(a <= b for a, b in zip(one[1:], other[1:], strict=True))
    return no_worse and one != other


@given(points=POINTS)
def test_the_front_is_what_nothing_beats_each_point_once(points: list[tuple[int, ...]]) -> None:
    places = front(points)
    chosen = [points[place] for place in places]
    assert len(set(chosen)) == len(chosen)
    assert set(chosen) == {point for point in points if not any(_beats(other, point) for other in points)}
    assert all(points.index(point) == place for place, point in zip(places, chosen, strict=True))


@given(points=POINTS)
def test_ranks_are_a_permutation_in_which_nobody_follows_whom_it_beats(points: list[tuple[int, ...]]) -> None:
    places = ranked(points)
    assert sorted(places) == list(range(len(points)))
    for at, place in enumerate(places):
        assert not any(_beats(points[later], points[place]) for later in places[at + 1 :])


def test_within_a_front_the_most_accurate_come_first() -> None:
    assert ranked([(0.9, 10), (0.95, 20), (0.8, 30), (0.95, 40)]) == [1, 0, 3, 2]


def test_limits_name_what_is_over_and_by_how_much() -> None:
    limits = Limits({"instructions": 100, "flash": 50, "arena": 10})
    costs = Costs(instructions=150, flash=50, arena=11, milliseconds=1.0)
    assert limits.over(costs) == pytest.approx({"instructions": 0.5, "arena": 0.1})
    assert Limits().over(costs) == {}


def test_a_board_without_a_model_of_its_cycles_is_over_every_limit_of_time() -> None:
    costs = Costs(instructions=1, flash=1, arena=1, milliseconds=None)
    assert Limits({"milliseconds": 5.0}).over(costs) == {"milliseconds": math.inf}


@pytest.mark.parametrize("most", [{"speed": 1}, {"flash": 0}, {"flash": -1}, {"flash": math.nan}, {"flash": math.inf}])
def test_limits_that_mean_nothing_are_refused(most: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Limits(most)


@pytest.mark.parametrize("objectives", [(), ("flash",), ("accuracy", "accuracy"), ("accuracy", "beauty")])
def test_objectives_that_mean_nothing_are_refused(objectives: Any) -> None:
    with pytest.raises(InputError):
        check_objectives(objectives)
