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
_POLLS_A_SECOND = 50
"""By all workers of a study together, as far as a round has one item for each."""
_SHARE_OF_WAIT, _LONGEST_POLL = 0.2, 30.0
"""A worker that has waited for long looks more seldom."""
_SHARE_OF_CHECKS = 0.2
"""Of one processor's time, for all checks of all workers whether others are dead."""
_SECONDS_A_TRIAL = 0.0005
"""What a check takes for each trial that runs, until one was timed."""


class Watch:
    """When a worker that has nothing to do checks who is dead and whether a round is over.

    A check reads all trials that run, so that a thousand workers can't all do it whenever one has ended. Each does it
    the more seldom the more workers there may be and the longer a check takes; somebody does it all the time.
    """

    def __init__(self, workers: int) -> None:
        """Begin to watch; ``workers``: how many there may be."""
        self._workers = workers
        self._pause = workers * workers * _SECONDS_A_TRIAL / _SHARE_OF_CHECKS
        self._next = time.monotonic() + random.uniform(0, workers / _POLLS_A_SECOND)

    def begin(self) -> None:
        """Note that the worker has nothing to do from now on."""
        self._next = time.monotonic() + random.uniform(0, self._pause)

    def is_due(self) -> bool:
        """Whether to check now."""
        return time.monotonic() >= self._next

    def checked(self, seconds: float) -> None:
        """Note how long a check took."""
        self._pause = self._workers * seconds / _SHARE_OF_CHECKS
        self._next = time.monotonic() + self._pause * random.uniform(0.5, 1.5)


def work(study: SharedStudy, evaluate: Evaluate, *, poll: float | None = None) -> int:
    """Try items until the study is over; return how many outcomes this worker stored.

    ``poll``: seconds between looks whether there is something to do, at least; None for what suits the study's rounds.
    What ``evaluate`` raises ends the worker, and the item is free for others.
    """
    least = max(_POLL_SECONDS, study.settings.population / _POLLS_A_SECOND) if poll is None else poll
    watch = Watch(study.settings.population)
    done, lost, idle_since = 0, False, time.monotonic()
    while True:
        due = watch.is_due()
        claim = study.take(surely=due)
        if claim is not None:
            done += _try(study, claim, evaluate)
            idle_since = time.monotonic()
            watch.begin()
            continue
        if study.was_over:
            return done
        if due:
            freed, running = _release(study, watch)
            lost = lost or freed > 0
            if (lost or not running) and lead(study):
                lost = False
                continue
        study.rest()
        pause = max(least, min(_SHARE_OF_WAIT * (time.monotonic() - idle_since), _LONGEST_POLL))
        time.sleep(pause * random.uniform(0.5, 1.5))


def _release(study: SharedStudy, watch: Watch) -> tuple[int, int]:
    """Free what the dead hold; return how many items, and how many trials still run."""
    begun = time.monotonic()
    freed, running = study.release_dead()
    watch.checked(time.monotonic() - begun)
    if freed:
        say(f"{freed} claim{'s' if freed > 1 else ''} of workers that are gone: free again")
    return freed, running


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
            study.offer_all(left, last)
            return True
        if study.offer_all(planner.next_round(outcomes, study.hours()), last + 1):
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
