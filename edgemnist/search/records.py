"""What a study's trials say: of which item each is, who works on it, what came of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from edgemnist.search.optuna_library import load_optuna
from edgemnist.search.outcome import Item, Outcome, item_from, item_json, key_in, outcome_from
from edgemnist.support.identity import host_id, host_name, lives, started

ITEM, ROUND, OUTCOME, BEAT, WORKER, LEADS = "item", "round", "outcome", "beat", "worker", "leads"
"""The names of a trial's attributes."""

MOST_TRIES = 3
"""After so many that ended without an outcome nobody tries an item again."""


@dataclass
class Records:
    """What was read of a study: items by round, outcomes, when they came, and items that are offered or worked on."""

    items: dict[str, Item] = field(default_factory=dict)
    rounds: dict[int, list[str]] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    ended: dict[str, datetime] = field(default_factory=dict)
    started: datetime | None = None
    _seen: set[int] = field(default_factory=set)
    _failed: dict[str, list[datetime]] = field(default_factory=dict)

    def read(self, trials: Iterable[Any]) -> None:
        """Read all trials of a study, in the order of their numbers; what has ended is read once."""
        self.live = set()
        for trial in trials:
            if trial.number not in self._seen:
                self._read_one(trial)

    def hours(self) -> dict[str, float]:
        """Return when each outcome came, in hours from the study's start, by the items' keys."""
        if self.started is None:
            return {}
        return {key: (ended - self.started).total_seconds() / 3600 for key, ended in self.ended.items()}

    def _read_one(self, trial: Any) -> None:
        states = load_optuna().trial.TrialState
        if trial.state.is_finished():
            self._seen.add(trial.number)
        # That of the lowest number, whatever other machines' clocks say.
        self.started = self.started or trial.datetime_start
        document = trial.user_attrs.get(ITEM)
        if document is None:
            return
        key = self._note(document, trial.user_attrs[ROUND])
        if not trial.state.is_finished():
            self.live.add(key)
        elif trial.state == states.FAIL:
            self._note_failed(key, trial)
        elif key not in self.outcomes:
            self.outcomes[key] = outcome_from(trial.user_attrs[OUTCOME])
            self.ended[key] = trial.datetime_complete

    def _note(self, document: Mapping[str, Any], number: int) -> str:
        key = key_in(document)
        if key not in self.items:
            self.items[key] = item_from(document)
            self.rounds.setdefault(number, []).append(key)
        return key

    def _note_failed(self, key: str, trial: Any) -> None:
        times = self._failed.setdefault(key, [])
        times.append(trial.datetime_complete)
        if len(times) >= MOST_TRIES and key not in self.outcomes:
            self.outcomes[key] = Outcome(reason=f"{len(times)} workers ended without an outcome")
            self.ended[key] = max(times)


@dataclass(frozen=True)
class Offers:
    """Trials among which those lie that were offered last, by their numbers, both included."""

    first: int
    last: int

    @property
    def count(self) -> int:
        """How many trials they are."""
        return self.last - self.first + 1

    def share_behind(self, former: Offers | None) -> float:
        """Return the share of them that was not among those told before."""
        return 1.0 if former is None else min(1.0, (self.last - former.last) / self.count)


def offer_of(item: Item, number: int) -> Any:
    """Return a trial that offers an item of a round to workers."""
    trial = load_optuna().trial
    return trial.create_trial(state=trial.TrialState.WAITING, user_attrs={ITEM: item_json(item), ROUND: number})


def lead_of_this_worker() -> Any:
    """Return a trial by which a worker claims to plan the next round."""
    trial = load_optuna().trial
    made = trial.create_trial(state=trial.TrialState.RUNNING, user_attrs={LEADS: True, WORKER: this_worker()})
    made.datetime_start = datetime.now()
    return made


def this_worker() -> str:
    """Return a name of this process among all machines'."""
    return "/".join((host_name(), _machine(), str(os.getpid()), started(os.getpid())))


def is_dead_here(worker: str) -> bool:
    """Whether a worker was a process of this machine that is gone."""
    _, machine, process, start = worker.split("/") if worker.count("/") == 3 else ("",) * 4
    return machine != "" and machine == _machine() and not lives(int(process), start)


def _machine() -> str:
    """Return what tells this machine's processes from others', "" where nothing does: names may be shared."""
    try:
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {host_id()}"
    except OSError:
        return ""
