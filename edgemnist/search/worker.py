"""A worker: claims items of a study and tries them, until the study is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from edgemnist.search.outcome import Item, Outcome
from edgemnist.search.planner import Planner
from edgemnist.search.study import SharedStudy
from edgemnist.support.progress import say

Evaluate = Callable[[Item], Outcome]
POLL_SECONDS = 0.5


def work(study: SharedStudy, evaluate: Evaluate, *, poll: float = POLL_SECONDS) -> int:
    """Try items until the study is over; return how many outcomes this worker stored.

    What ``evaluate`` raises ends the worker, and the item is free for others.
    """
    planner, order, done = Planner(study.settings), random.Random(), 0
    while True:
        outcomes = study.outcomes()
        left = planner.current(outcomes, study.hours())
        if not left:
            return done
        busy = study.busy()
        free = [item for item in left if item.key not in busy]
        claim = study.claim(order.choice(free)) if free else None
        if claim is None:
            if not free and (freed := study.release_dead()):
                say(f"{freed} claim{'s' if freed > 1 else ''} of workers that are gone: free again")
            elif not free:
                time.sleep(poll)
            continue
        try:
            with study.beating(claim):
                outcome = evaluate(claim.item)
        except BaseException:
            study.give_up(claim)
            raise
        done += study.finish(claim, outcome)
