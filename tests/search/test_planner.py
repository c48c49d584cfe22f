"""Rounds: the same for everybody, promotions, budgets, and an end whatever comes of the items."""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from search_stand_in import stand_in_outcome, stand_in_settings

from edgemnist.search.costs import Limits
from edgemnist.search.outcome import Outcome
from edgemnist.search.planner import Planner
from edgemnist.search.settings import SAMPLERS, SearchSettings
from edgemnist.search.space import Space
from edgemnist.support.errors import InputError

REPOSITORY = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'scripts'}"}
TIGHT = Limits({"instructions": 400_000, "flash": 12_000})


def run_study(settings: SearchSettings, *, fresh: bool = False) -> tuple[Planner, dict[str, Outcome]]:
    """Return a study that was run to its end, by one planner, or by a new one for each round."""
    planner, outcomes = Planner(settings), dict[str, Outcome]()
    for number in itertools.count():
        assert number < 200, "the study does not end"
        if fresh:
            planner = Planner(settings, planner.rounds)
        items = planner.current(outcomes)
        if not items:
            return planner, outcomes
        outcomes |= {item.key: stand_in_outcome(item, settings) for item in items}
    raise AssertionError


def fingerprint(planner: Planner) -> str:
    """Return a digest of all rounds."""
    return hashlib.sha256(repr(planner.rounds).encode()).hexdigest()


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_planner_that_begins_in_any_round_plans_what_one_from_the_start_does(sampler: str) -> None:
    settings = stand_in_settings(sampler=sampler, limits=TIGHT)
    whole, outcomes = run_study(settings)
    again, others = run_study(settings, fresh=True)
    assert (whole.rounds, outcomes) == (again.rounds, others)
    assert whole.drawn_in_vain == again.drawn_in_vain > 0
    assert fingerprint(run_study(replace(settings, seed=1))[0]) != fingerprint(whole)


def test_other_processes_come_to_the_same_rounds() -> None:
    code = (
        "from tests.search.test_planner import *; "
        "print(fingerprint(run_study(stand_in_settings(sampler='tpe', limits=TIGHT))[0]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=ENVIRONMENT)
    assert done.stdout.strip() == fingerprint(run_study(stand_in_settings(sampler="tpe", limits=TIGHT))[0])


def test_the_order_in_which_outcomes_come_does_not_matter() -> None:
    settings = stand_in_settings(sampler="tpe")
    whole, outcomes = run_study(settings)
    planner, known = Planner(settings), dict[str, Outcome]()
    while left := planner.current(known):
        item = left[-1]
        known[item.key] = outcomes[item.key]
        assert item.key not in {one.key for one in planner.current(known)}
    assert planner.rounds == whole.rounds


@pytest.mark.parametrize("fewer", [2, 4])
def test_one_of_so_many_goes_on_and_the_best_do(fewer: int) -> None:
    settings = stand_in_settings(budget=13, population=5, fewer=fewer, rungs=(1, 2, 4), finalists=2, seeds=3)
    planner, outcomes = run_study(settings)
    on = [[item for items in planner.rounds for item in items if item.rung == rung] for rung in range(4)]
    trained = [[item for item in items if outcomes[item.key].accuracy is not None] for items in on]
    assert len(trained[0]) == 13
    assert len(on[1]) == -(-13 // fewer)
    assert len(on[2]) == -(-len(on[1]) // fewer)
    finals = min(2, len(on[2]))
    assert [item.seed for item in on[3]] == [0, 1, 2] * finals
    assert {item.candidate for item in on[3]} == {item.candidate for item in planner.best(outcomes)[:finals]}
    assert all(item.rung < 3 for items in planner.rounds[:-1] for item in items)
    best = planner.best(outcomes)[0]
    assert best.candidate in {item.candidate for item in planner.front(outcomes)}


def test_no_net_is_tried_twice_on_a_rung_with_a_seed() -> None:
    planner, _ = run_study(stand_in_settings(space=Space(families=("plain",), stages=(1, 1), depth=1, width=(4, 8))))
    tried = [(item.blueprint.name, item.optimise, item.rung, item.seed) for items in planner.rounds for item in items]
    assert len(set(tried)) == len(tried)
    assert len({item.key for items in planner.rounds for item in items}) == len(tried)


@pytest.mark.parametrize("limits", [{"flash": 1.0}, {"arena": 1.0}], ids=["known before", "known by counting"])
def test_a_study_without_any_net_within_its_limits_ends(limits: Mapping[str, float]) -> None:
    settings = stand_in_settings(limits=Limits(limits), budget=2, population=4)
    planner, outcomes = run_study(settings)
    assert planner.best(outcomes) == planner.front(outcomes) == []
    assert len(outcomes) == (0 if "flash" in limits else 40)


def test_a_study_whose_every_item_was_given_up_ends() -> None:
    settings = stand_in_settings(budget=2, population=4)
    planner, outcomes = Planner(settings), dict[str, Outcome]()
    while items := planner.current(outcomes):
        outcomes |= {item.key: Outcome(reason="nobody came back") for item in items}
    assert len(outcomes) == 40


def test_after_its_hours_nothing_is_drawn_whoever_looks_and_when() -> None:
    settings = stand_in_settings(budget=40, population=4, hours=10.0, limits=Limits())
    planner, outcomes, hours = Planner(settings), dict[str, Outcome](), dict[str, float]()
    while items := planner.current(outcomes, hours):
        for item in items:
            outcomes[item.key] = replace(stand_in_outcome(item, settings), cpu_seconds=600.0)
            hours[item.key] = len(planner.rounds) * 1.5
    drawn = sum(item.rung == 0 for items in planner.rounds for item in items)
    assert 0 < drawn < 40
    later = Planner(settings)  # it knows all times at once, of later rounds too
    assert later.current(outcomes, hours) == []
    assert later.rounds == planner.rounds


def test_a_round_that_was_not_taken_to_its_end_is_planned_again() -> None:
    settings = stand_in_settings()
    planner = Planner(settings)
    first = next(iter(planner.next_round({})))
    assert planner.rounds == []
    again = list(planner.next_round({}))
    assert again[0] == first
    assert planner.rounds == [again]


def test_what_has_an_accuracy_is_told_to_the_sampler_with_its_limits() -> None:
    settings = stand_in_settings(sampler="tpe", limits=TIGHT)
    planner, outcomes = run_study(settings)
    over = [outcome for outcome in outcomes.values() if outcome.over]
    assert all(outcome.accuracy is None for outcome in over)
    kept = {item.candidate for item in planner.best(outcomes)}
    assert not kept & {int(key.split("/")[0]) for key, outcome in outcomes.items() if outcome.over}


def test_unknown_samplers_are_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match="tpe"):
        stand_in_settings(sampler="tqe")
