"""A worker: takes items of a study and tries them, until the study is over."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable

from edgemnist.search.outcome import Item, Outcome
from edgemnist.search.planner import Planner
from edgemnist.search.study import Claim, SharedStudy
from edgemnist.support.progress import say

Evaluate = Callable[[Item], Outcome]

_POLL_SECONDS = 0.5
_POLLS_A_SECOND = 100
"""By all workers of a study together, as far as a round has one item for each."""
_SHARE_OF_WAIT, _LONGEST_POLL = 0.2, 30.0
"""A worker that has waited for long looks more seldom."""


def work(study: SharedStudy, evaluate: Evaluate, *, poll: float | None = None) -> int:
    """Try items until the study is over; return how many outcomes this worker stored.

    ``poll``: seconds between looks whether there is something to do, at least; None for what suits the study's rounds.
    What ``evaluate`` raises ends the worker, and the item is free for others.
    """
    least = max(_POLL_SECONDS, study.settings.population / _POLLS_A_SECOND) if poll is None else poll
    done, lost, idle_since = 0, False, time.monotonic()
    while True:
        claim = study.take()
        if claim is not None:
            done += _try(study, claim, evaluate)
            idle_since = time.monotonic()
            continue
        freed, running = study.release_dead()
        if freed:
            say(f"{freed} claim{'s' if freed > 1 else ''} of workers that are gone: free again")
        lost = lost or freed > 0
        if lost or not running:
            if study.is_over():
                return done
            if lead(study):
                lost = False
                continue
        study.rest()
        pause = max(least, min(_SHARE_OF_WAIT * (time.monotonic() - idle_since), _LONGEST_POLL))
        time.sleep(pause * random.uniform(0.5, 1.5))


def lead(study: SharedStudy) -> bool:
    """Offer what the study is to try next, unless another worker does; return whether this one did."""
    with study.leading() as leads:
        if not leads or study.is_over():
            return leads
        outcomes = study.outcomes()
        planner = Planner(study.settings, study.rounds())
        last = len(planner.rounds) - 1
        left = [item for item in planner.rounds[last] if item.key not in outcomes] if planner.rounds else []
        if left:
            for item in left:
                study.offer(item, last)
            return True
        planned = 0
        for item in planner.next_round(outcomes, study.hours()):
            study.offer(item, last + 1)
            planned += 1
        if planned:
            study.round_is_offered(last + 1)
        else:
            study.end()
    return True


def _try(study: SharedStudy, claim: Claim, evaluate: Evaluate) -> bool:
    """Store what comes of a claim; return whether it still held."""
    try:
        with study.beating(claim):
            outcome = evaluate(claim.item)
    except BaseException:
        with contextlib.suppress(Exception):  # what is raised says more; and others find the item free later
            study.give_up(claim)
            lead(study)
        raise
    return study.finish(claim, outcome)
