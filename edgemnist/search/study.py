"""A study that workers share: who tries what, who is still alive, and what came of it.

A worker claims an item by a running trial that names it. Storages number trials in the order in which they are made;
of two claims of one item the one with the lower number holds, and the other fails itself. A claim lives as long as its
beat goes on. One whose beat stands still, by the clock of whoever looks, is failed, which a storage allows once, and
the item is free again. All of this is made of what every storage of Optuna has; its own heartbeats only databases have.
"""

from __future__ import annotations

import os
import platform
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edgemnist.search.costs import ACCURACY
from edgemnist.search.optuna_library import load_optuna
from edgemnist.search.outcome import Item, Outcome, item_json, outcome_from
from edgemnist.search.settings import SearchSettings, settings_from
from edgemnist.support.errors import InputError

DEFAULT_STUDY = "edgemnist"
MOST_TRIES = 3
"""After so many that ended without an outcome nobody tries an item again."""

_SETTINGS, _ITEM, _KEY, _OUTCOME, _BEAT, _WORKER, _AGAIN = (
    "settings", "item", "key", "outcome", "beat", "worker", "superseded",
)  # fmt: skip
BEAT_SECONDS = 5.0
SILENT_SECONDS = 60.0
"""A claim whose beat has stood still for so long is of a dead worker."""


@dataclass(frozen=True)
class Claim:
    """An item that this process is to try; ``trial`` is the storage's number of it."""

    item: Item
    trial: int


class SharedStudy:
    """A study in a storage."""

    def __init__(self, storage: Any, name: str) -> None:
        """Open a study.

        :raises InputError: the storage has none of that name.
        """
        self._optuna = load_optuna()
        self._storage = storage
        self.name = name
        try:
            self._number = storage.get_study_id_from_name(name)
        except KeyError:
            known = sorted(study.study_name for study in storage.get_all_studies())
            there = f"it has {', '.join(known)}" if known else "it has none"
            raise InputError(
                f"the storage has no study {name!r}, {there}; begin one with `edgemnist search --study {name}`"
            ) from None
        stored = self._stored_settings()
        self.settings: SearchSettings = settings_from(stored)
        self._beats: dict[int, tuple[Any, float]] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._seen: set[int] = set()
        self._ended: dict[str, datetime] = {}
        self._started: datetime | None = None

    def _stored_settings(self) -> Mapping[str, Any]:
        for _ in range(100):  # whoever makes the study writes them right after
            found = self._storage.get_study_user_attrs(self._number).get(_SETTINGS)
            if found is not None:
                return dict(found)
            time.sleep(0.1)
        raise InputError(f"the study {self.name!r} is not one of `edgemnist search`; choose another name with --study")

    # --- what came of it ---------------------------------------------------------------------------------------------

    def outcomes(self) -> dict[str, Outcome]:
        """Return what came of every item until now, by its key; those that were given up included."""
        states = self._optuna.trial.TrialState
        tries: dict[str, int] = {}
        for trial in self._storage.get_all_trials(self._number, deepcopy=False):
            key = trial.user_attrs.get(_KEY)
            if key is None:
                continue
            if self._started is None or (trial.datetime_start and trial.datetime_start < self._started):
                self._started = trial.datetime_start
            if trial.state in (states.COMPLETE, states.PRUNED) and trial.number not in self._seen:
                self._seen.add(trial.number)
                self._outcomes.setdefault(key, outcome_from(trial.user_attrs[_OUTCOME]))
                self._ended.setdefault(key, trial.datetime_complete)
            elif trial.state == states.FAIL and not trial.user_attrs.get(_AGAIN):
                tries[key] = tries.get(key, 0) + 1
        given_up = {
            key: Outcome(reason=f"{count} workers ended without an outcome")
            for key, count in tries.items()
            if count >= MOST_TRIES and key not in self._outcomes
        }
        return {**self._outcomes, **given_up}

    def hours(self) -> float:
        """Return the time from the first claim to the last outcome, as the storage has it."""
        if self._started is None or not self._ended:
            return 0.0
        return max(0.0, (max(self._ended.values()) - self._started).total_seconds() / 3600)

    # --- who tries what ----------------------------------------------------------------------------------------------

    def busy(self) -> dict[str, str]:
        """Return the workers of the items that are being tried, by the items' keys."""
        return {trial.user_attrs[_KEY]: trial.user_attrs.get(_WORKER, "") for trial in self._running()}

    def claim(self, item: Item) -> Claim | None:
        """Return a claim of an item, None where another process has one."""
        template = self._template(item)
        identity = self._storage.create_new_trial(self._number, template_trial=template)
        mine = self._storage.get_trial(identity)
        states = self._optuna.trial.TrialState
        for other in self._storage.get_all_trials(self._number, deepcopy=False):
            if other.number >= mine.number or other.user_attrs.get(_KEY) != item.key or other.state == states.FAIL:
                continue
            self._storage.set_trial_user_attr(identity, _AGAIN, True)
            self._end(identity, states.FAIL)
            return None
        return Claim(item, identity)

    @contextmanager
    def beating(self, claim: Claim) -> Iterator[None]:
        """Let others see that the claim's worker is alive."""
        stopped = threading.Event()

        def beat() -> None:
            number = 0
            while not stopped.wait(BEAT_SECONDS):
                number += 1
                try:
                    self._storage.set_trial_user_attr(claim.trial, _BEAT, number)
                except Exception:  # the claim was taken away, or the storage is away: the end of the work will tell
                    continue

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """Store what came of a claim; return whether it still held."""
        states = self._optuna.trial.TrialState
        try:
            self._storage.set_trial_user_attr(claim.trial, _OUTCOME, outcome.as_json())
            self._note_limits(claim, outcome)
        except self._optuna.exceptions.UpdateFinishedTrialError:
            return False
        costs = outcome.costs.get(self.settings.boards[0])
        if outcome.accuracy is None or costs is None:
            return self._end(claim.trial, states.PRUNED)
        accuracy = outcome.accuracy if outcome.test is None else outcome.test
        return self._end(
            claim.trial,
            states.COMPLETE,
            [accuracy if name == ACCURACY else costs.of(name) for name in self.settings.objectives],
        )

    def give_up(self, claim: Claim) -> None:
        """Free a claim's item without an outcome."""
        self._end(claim.trial, self._optuna.trial.TrialState.FAIL)

    def release_dead(self) -> int:
        """Free the items whose workers are dead; return how many."""
        now, freed = time.monotonic(), 0
        for trial in self._running():
            beat = trial.user_attrs.get(_BEAT, 0)
            seen, since = self._beats.get(trial.number, (None, now))
            if seen != beat:
                self._beats[trial.number] = (beat, now)
                since = now
            if now - since >= SILENT_SECONDS or _is_dead_here(trial.user_attrs.get(_WORKER, "")):
                freed += self._end(trial._trial_id, self._optuna.trial.TrialState.FAIL)
        return freed

    def _running(self) -> list[Any]:
        states = (self._optuna.trial.TrialState.RUNNING,)
        found = self._storage.get_all_trials(self._number, deepcopy=False, states=states)
        return [trial for trial in found if _KEY in trial.user_attrs]

    def _end(self, trial: int, state: Any, values: list[float] | None = None) -> bool:
        """End a trial; return whether it was still running."""
        try:
            return bool(self._storage.set_trial_state_values(trial, state, values))
        except self._optuna.exceptions.UpdateFinishedTrialError:
            return False

    def _note_limits(self, claim: Claim, outcome: Outcome) -> None:
        """Write constraints where Optuna's plots and dashboards look for them."""
        most = self.settings.limits.most
        if most:
            values = [outcome.over.get(name, 0.0) for name in most]
            self._storage.set_trial_system_attr(claim.trial, "constraints", values)

    def _template(self, item: Item) -> Any:
        distributions = self._optuna.distributions
        kinds = {
            name: distributions.IntDistribution(value, value)
            if isinstance(value, int) and not isinstance(value, bool)
            else distributions.CategoricalDistribution([value])
            for name, value in item.params.items()
        }
        trial = self._optuna.trial.create_trial(
            state=self._optuna.trial.TrialState.RUNNING,
            params=dict(item.params),
            distributions=kinds,
            user_attrs={_KEY: item.key, _ITEM: item_json(item), _WORKER: _this_worker()},
        )
        trial.datetime_start = datetime.now()
        return trial


def begin_study(storage: Any, name: str, settings: SearchSettings) -> SharedStudy:
    """Return a study with these settings: a new one, or that of the storage.

    :raises InputError: the storage's has other settings.
    """
    optuna = load_optuna()
    directions = optuna.study.StudyDirection
    wanted = [directions.MAXIMIZE if one == ACCURACY else directions.MINIMIZE for one in settings.objectives]
    try:
        number = storage.create_new_study(wanted, name)
        storage.set_study_user_attr(number, _SETTINGS, settings.as_json())
        storage.set_study_system_attr(number, "study:metric_names", list(settings.objectives))
    except optuna.exceptions.DuplicatedStudyError:
        pass
    study = SharedStudy(storage, name)
    _check_same(study.settings, settings, name)
    return study


def _check_same(stored: SearchSettings, wanted: SearchSettings, name: str) -> None:
    left, right = stored.as_json(), wanted.as_json()
    differ = [key for key in left if left[key] != right[key] and key != "versions"]
    if differ:
        told = "; ".join(f"{key} is {left[key]!r}, asked for is {right[key]!r}" for key in differ[:3])
        raise InputError(
            f"the study {name!r} has other settings: {told}; go on with it by `edgemnist search resume --study {name}`, "
            "or begin another with --study NAME"
        )


def _this_worker() -> str:
    return f"{_processes()}:{os.getpid()}"


def _processes() -> str:
    """Return a name of the processes among which a number is this one's: containers on one machine each have theirs."""
    try:
        return f"{platform.node()}:{os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


def _is_dead_here(worker: str) -> bool:
    """Whether a worker was a process of this machine that is gone."""
    place, _, process = worker.rpartition(":")
    if place != _processes() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
