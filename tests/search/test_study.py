"""A shared study: exactly one holds a claim, the dead are seen, and nobody overwrites what is there."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from search_stand_in import stand_in_outcome, stand_in_settings

from edgemnist.search.outcome import Outcome
from edgemnist.search.planner import Planner
from edgemnist.search.records import is_dead_here, this_worker
from edgemnist.search.settings import SearchSettings
from edgemnist.search.storage import open_storage
from edgemnist.search.study import Claim, SharedStudy, Timing, begin_study
from edgemnist.search.worker import lead, work
from edgemnist.support.errors import EnvironmentFailure

TIMING = Timing(beat=0.05, silence=0.4, patience=30.0)
SETTINGS = stand_in_settings()


@pytest.fixture(params=["journal", "sqlite"])
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], SharedStudy]:
    """Return what opens the study as one more worker."""
    url = {"journal": str(tmp_path / "journal"), "sqlite": f"sqlite:///{tmp_path / 'study.db'}"}[request.param]

    def open_another(settings: SearchSettings = SETTINGS) -> SharedStudy:
        return begin_study(open_storage(url), "a", settings, TIMING)

    return open_another


def finish(study: SharedStudy, claim: Claim) -> bool:
    """Store what comes of a claim."""
    return study.finish(claim, stand_in_outcome(claim.item, study.settings))


@pytest.mark.parametrize("items", [6, 40])
def test_exactly_one_of_many_holds_each_item(another: Callable[..., SharedStudy], items: int) -> None:
    studies = [another(stand_in_settings(budget=items, population=items)) for _ in range(6)]
    assert lead(studies[0])
    claims: list[list[Claim]] = [[] for _ in studies]

    def take_all(study: SharedStudy, mine: list[Claim]) -> None:
        misses = 0
        while misses < 3:
            claim = study.take()
            if claim is None:
                misses += 1
            else:
                mine.append(claim)

    threads = [threading.Thread(target=take_all, args=pair) for pair in zip(studies, claims, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    held = [claim for mine in claims for claim in mine]
    assert len(held) == items
    assert Counter(claim.item.key for claim in held).most_common(1)[0][1] == 1
    assert set(studies[0].busy()) == {claim.item.key for claim in held}


def test_all_is_looked_at_once_until_more_is_offered(
    another: Callable[[], SharedStudy], monkeypatch: pytest.MonkeyPatch
) -> None:
    study, looks = another(), 0
    look = study._look

    def counted() -> bool:
        nonlocal looks
        looks += 1
        return look()

    monkeypatch.setattr(study, "_look", counted)
    assert study.take(surely=False) is None and looks == 0
    lead(study)
    claims = [study.take(surely=False) for _ in range(SETTINGS.population)]
    assert None not in claims and looks == 1
    assert [study.take(surely=False) for _ in range(3)] == [None] * 3 and looks == 2
    assert study.take() is None and looks == 3
    claim = claims[0]
    assert claim is not None
    study.give_up(claim)
    assert lead(study)
    again = study.take(surely=False)
    assert again is not None and again.item == claim.item


def test_one_leads_at_a_time_and_a_round_is_offered_once(another: Callable[[], SharedStudy]) -> None:
    studies = [another() for _ in range(4)]
    at_once, most = 0, 0
    lock = threading.Lock()

    def try_to_lead(study: SharedStudy) -> None:
        nonlocal at_once, most
        with study.leading() as leads:
            if leads:
                with lock:
                    at_once += 1
                    most = max(most, at_once)
                time.sleep(0.05)
                with lock:
                    at_once -= 1
        lead(study)

    threads = [threading.Thread(target=try_to_lead, args=(study,)) for study in studies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lead(studies[0])
    assert most == 1
    waiting = _trials(studies[0], "WAITING")
    assert len(waiting) == SETTINGS.population
    studies[0].outcomes()
    assert studies[0].rounds() == [Planner(SETTINGS).current({})]


def test_a_leader_that_died_half_way_leaves_the_same_round(another: Callable[[], SharedStudy]) -> None:
    first, second = another(), another()
    planned = Planner(SETTINGS).current({})
    with first.leading() as leads:
        assert leads
        first.outcomes()
        for item in planned[:2]:
            assert first.offer_all([item], 0) == 1
    claim = second.take()
    assert claim is not None and finish(second, claim)
    assert second.rounds() == []
    assert lead(second)
    second.outcomes()
    assert second.rounds() == [planned]
    assert len(_trials(second, "WAITING")) == len(planned) - 1


def test_another_net_by_the_same_number_is_refused(another: Callable[[], SharedStudy]) -> None:
    study = another()
    lead(study)
    study.outcomes()
    item, other = Planner(SETTINGS).current({})[:2]
    with pytest.raises(EnvironmentFailure, match="begun with other versions"):
        study.offer_all([replace(item, blueprint=other.blueprint)], 0)


def test_a_claim_is_taken_away_after_the_silence_and_its_finish_is_refused(another: Callable[[], SharedStudy]) -> None:
    slow, other = another(), another()
    lead(slow)
    claim = slow.take()
    assert claim is not None
    assert other.release_dead() == (0, 1)
    with slow.beating(claim):
        time.sleep(2 * TIMING.silence)
        assert other.release_dead() == (0, 1)
    time.sleep(0.1)
    other.release_dead()
    time.sleep(1.2 * TIMING.silence)
    assert other.release_dead() == (1, 0)
    assert other.release_dead() == (0, 0)
    assert lead(other)
    offered = {trial.user_attrs["item"]["candidate"] for trial in _trials(other, "WAITING")}
    assert claim.item.candidate in offered
    assert not finish(slow, claim)
    assert claim.item.key not in other.outcomes()


def test_an_outcome_is_stored_once(another: Callable[[], SharedStudy]) -> None:
    study = another()
    lead(study)
    claim = study.take()
    assert claim is not None
    assert finish(study, claim)
    assert not finish(study, claim)
    study.give_up(claim)
    assert study.outcomes() == {claim.item.key: stand_in_outcome(claim.item, SETTINGS)}
    assert set(study.hours()) == {claim.item.key}


def test_after_three_tries_an_item_is_given_up(another: Callable[[], SharedStudy]) -> None:
    study, tries = another(), Counter[str]()

    def fail(item: Any) -> Outcome:
        tries[item.key] += 1
        if item.candidate == 2:
            raise ArithmeticError("always")
        return stand_in_outcome(item, SETTINGS)

    for left in (2, 1, 0):
        with pytest.raises(ArithmeticError):
            while True:
                assert work(another(), fail, poll=0.01) >= 0
        assert ("2/0/0" in study.outcomes()) == (left == 0)
    work(study, fail, poll=0.01)
    outcomes = study.outcomes()
    assert outcomes["2/0/0"] == Outcome(reason="3 workers ended without an outcome")
    assert tries["2/0/0"] == 3
    assert study.is_over()
    assert Planner(SETTINGS, study.rounds()).current(outcomes) == []


def test_a_worker_alone_comes_to_what_the_planner_does(another: Callable[[], SharedStudy]) -> None:
    study = another()
    stored = work(study, lambda item: stand_in_outcome(item, SETTINGS), poll=0.01)
    outcomes, planner = study.outcomes(), Planner(SETTINGS)
    known: dict[str, Outcome] = {}
    while items := planner.current(known):
        known |= {item.key: stand_in_outcome(item, SETTINGS) for item in items}
    assert outcomes == known
    assert study.rounds() == planner.rounds
    assert stored == len(known)
    assert work(another(), lambda item: pytest.fail("it is over"), poll=0.01) == 0


def test_optuna_finds_parameters_and_constraints_where_it_looks(another: Callable[[], SharedStudy]) -> None:
    study = another()
    work(study, lambda item: stand_in_outcome(item, SETTINGS), poll=0.01)
    first = [trial for trial in _trials(study, "COMPLETE") if trial.user_attrs["item"]["rung"] == 0]
    assert first
    for trial in first:
        assert trial.params == trial.user_attrs["item"]["params"]
        assert set(trial.constraints) == set(SETTINGS.limits.most)
        assert all(value <= 0 for value in trial.constraints.values())
    over = [trial for trial in _trials(study, "PRUNED") if trial.user_attrs["outcome"]["over"]]
    assert all(any(value > 0 for value in trial.constraints.values()) for trial in over)


def test_a_process_of_this_machine_that_is_gone_is_seen_to_be(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = this_worker()
    assert not is_dead_here(mine)
    assert is_dead_here(mine.replace(f"/{os.getpid()}", f"/{gone.pid}"))
    assert not is_dead_here(f"{mine.split('/')[0]}/another boot/{gone.pid}")
    assert not is_dead_here("")
    assert not is_dead_here("a//1")


def _trials(study: SharedStudy, state: str) -> list[Any]:
    found = study._storage.get_all_trials(study._number, deepcopy=False)
    return [trial for trial in found if trial.state.name == state]
