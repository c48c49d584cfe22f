"""A study that workers share: what is offered, who tries what, who is still alive, and what came of it.

One worker at a time leads: it plans the next round and offers its items as waiting trials. A worker takes an item by
making its trial run, which a storage lets only one do, and need not know anything else of the study. A trial lives as
long as its beat goes on. One whose beat stands still, by the clock of whoever looks, is failed, which a storage allows
once, and the next leader offers its item again. All of this is made of what every storage of Optuna has; its own
heartbeats only databases have.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from edgemnist.search.costs import ACCURACY
from edgemnist.search.optuna_library import load_optuna
from edgemnist.search.outcome import Item, Outcome, item_from, key_in
from edgemnist.search.patience import PATIENCE_SECONDS, Patient
from edgemnist.search.records import (
    BEAT,
    ITEM,
    LEADS,
    OUTCOME,
    WORKER,
    Offers,
    Records,
    is_dead_here,
    lead_of_this_worker,
    offer_of,
    this_worker,
)
from edgemnist.search.sampling import drawn
from edgemnist.search.settings import SearchSettings, settings_from
from edgemnist.support.errors import EnvironmentFailure, InputError

DEFAULT_STUDY = "edgemnist"

_SETTINGS, _ROUNDS, _OVER, _OFFERS = "settings", "rounds", "over", "offers"
_MOST_GUESSES = 3
"""So many items that others have taken meanwhile are met before a worker looks again which are left."""
_FEW = 16
"""To look at so many trials costs no more than to guess which of them waits."""
_SHARE_TO_GUESS = 0.3
"""Where less of what was told last waits, a guess seldom hits."""
_TOLD_EVERY = 2.0
"""Seconds between what whoever offers many items tells of them."""


@dataclass(frozen=True, kw_only=True)
class Timing:
    """Times in seconds: ``beat``: from one to the next; ``silence``: after which a worker without beats is dead.

    ``patience``: for how long a storage that does not answer is asked again.
    """

    beat: float = 30.0
    silence: float = 180.0
    patience: float = PATIENCE_SECONDS


@dataclass(frozen=True)
class Claim:
    """An item that this worker is to try; ``trial`` is the storage's number of it."""

    item: Item
    trial: int


class SharedStudy:
    """A study in a storage."""

    def __init__(self, storage: Any, name: str, timing: Timing | None = None) -> None:
        """Open a study.

        :raises InputError: the storage has none of that name, or it is none of a search.
        """
        self._optuna = load_optuna()
        self._states = self._optuna.trial.TrialState
        self.timing = timing or Timing()
        self._storage = Patient(storage, self.timing.patience)
        self._impatient = storage
        # A database itself reads everything each time; Optuna's cache reads what has ended once.
        self._cached = Patient(self._optuna.storages.get_storage(storage), self.timing.patience)
        self.name = name
        self._number = self._number_of(name)
        self.settings: SearchSettings = settings_from(self._stored_settings())
        self._records = Records()
        self._beats: dict[int, tuple[Any, float]] = {}
        self._offered: list[tuple[int, Mapping[str, Any]]] = []
        self.was_over = False  # when `take` found nothing last
        self._exhausted: Offers | None = None
        self._told: Offers | None = None
        self._share = 1.0

    def _number_of(self, name: str) -> int:
        try:
            return int(self._storage.get_study_id_from_name(name))
        except KeyError:
            known = sorted(study.study_name for study in self._storage.get_all_studies())
            there = f"it has {', '.join(known)}" if known else "it has none"
            raise InputError(
                f"the storage has no study {name!r}, {there}; begin one with `edgemnist search --study {name}`"
            ) from None

    def _stored_settings(self) -> Mapping[str, Any]:
        for _ in range(100):  # whoever makes the study writes them right after
            found = self._attributes().get(_SETTINGS)
            if found is not None:
                return dict(found)
            time.sleep(0.1)
        raise InputError(f"the study {self.name!r} is not one of `edgemnist search`; choose another name with --study")

    def _attributes(self) -> Mapping[str, Any]:
        return dict(self._storage.get_study_user_attrs(self._number))

    # --- what came of it ---------------------------------------------------------------------------------------------

    def outcomes(self) -> dict[str, Outcome]:
        """Read the study; return what came of every item until now, by its key, those given up included."""
        self._records.read(self._cached.get_all_trials(self._number, deepcopy=False))
        return dict(self._records.outcomes)

    def hours(self) -> dict[str, float]:
        """Return when each outcome came, in hours from the study's start, by the items' keys, as it was last read."""
        return self._records.hours()

    def rounds(self) -> list[list[Item]]:
        """Return the rounds of which all items are offered, as they were last read."""
        complete = int(self._attributes().get(_ROUNDS, 0))
        return [[self._records.items[key] for key in self._records.rounds.get(one, ())] for one in range(complete)]

    def is_over(self) -> bool:
        """Whether there is nothing more to try."""
        return bool(self._attributes().get(_OVER, False))

    def busy(self) -> dict[str, str]:
        """Return the workers of the items that are being tried, by the items' keys."""
        items = [trial for trial in self._running() if ITEM in trial.user_attrs]
        return {key_in(trial.user_attrs[ITEM]): trial.user_attrs.get(WORKER, "") for trial in items}

    # --- who offers --------------------------------------------------------------------------------------------------

    @contextmanager
    def leading(self) -> Iterator[bool]:
        """Be the one who plans and offers; whether this worker is. Others that ask meanwhile are not."""
        mine = self._storage.create_new_trial(self._number, template_trial=lead_of_this_worker())
        others = [trial._trial_id for trial in self._running() if LEADS in trial.user_attrs]
        leads = mine in others and mine == min(others)
        try:
            if leads:
                with self._beating(mine):
                    yield True
            else:
                yield False
        finally:
            self._end(mine, self._states.FAIL)

    def offer_all(self, items: Iterable[Item], number: int) -> int:
        """Offer items of a round, those that are not offered already and have no outcome; return how many items.

        Workers are told of the first at once, of the others now and then. The study must have been read since this
        worker leads.

        :raises EnvironmentFailure: an item has the key of another net.
        """
        first: int | None = None
        last: int | None = None
        told, count = 0.0, 0
        for item in items:
            count += 1
            made = self._offer(item, number)
            if made is None:
                continue
            first, last = made if first is None else first, made
            if time.monotonic() - told > _TOLD_EVERY:
                self._tell(first, last)
                told, last = time.monotonic(), None
        if first is not None and last is not None:
            self._tell(first, last)
        return count

    def _tell(self, first: int, last: int) -> None:
        numbers = [self._storage.get_trial_number_from_id(trial) for trial in (first, last)]
        self._storage.set_study_user_attr(self._number, _OFFERS, numbers)

    def _offer(self, item: Item, number: int) -> int | None:
        """Offer an item; return the storage's number of its trial, None where it was there already."""
        there = self._records.items.get(item.key)
        if there is not None and (there.blueprint, there.optimise) != (item.blueprint, item.optimise):
            raise EnvironmentFailure(
                f"this worker plans {item.blueprint.name} where the study {self.name!r} has {there.blueprint.name}: it "
                f"was begun with other versions, {_words(self.settings.versions)}; install those here"
            )
        if item.key in self._records.live or item.key in self._records.outcomes:
            return None
        return int(self._storage.create_new_trial(self._number, template_trial=offer_of(item, number)))

    def round_is_offered(self, number: int) -> None:
        """Note that all items of a round are offered."""
        self._storage.set_study_user_attr(self._number, _ROUNDS, number + 1)

    def end(self) -> None:
        """Note that there is nothing more to try."""
        self._storage.set_study_user_attr(self._number, _OVER, True)

    # --- who tries what ----------------------------------------------------------------------------------------------

    def take(self, *, surely: bool = True) -> Claim | None:
        """Return a claim of an item that waits, None where none does, or others are quicker.

        ``surely``: look at all trials, too, where nobody has told of new offers since none waited. A look at a study
        of a thousand trials is a second of a processor; what is told costs milliseconds.
        """
        claim = self._known()
        if claim is not None:
            return claim
        offers = self._offers()
        if offers == self._exhausted and not surely:
            return None
        if offers is not None and offers != self._told:
            self._share = offers.share_behind(self._told)
            self._told = offers
        claim = None if offers is None else self._guess(offers)
        if claim is None and not self._look():
            self._exhausted = offers
        return claim or self._known()

    def _offers(self) -> Offers | None:
        attributes = self._attributes()
        self.was_over = bool(attributes.get(_OVER, False))
        told = attributes.get(_OFFERS)
        return None if told is None else Offers(*told)

    def _known(self) -> Claim | None:
        """Return a claim of an item that waited when this worker looked, None where the first few are gone."""
        for _ in range(min(_MOST_GUESSES, len(self._offered))):
            # Any of them, so that workers who look at the same time seldom meet.
            place = random.randrange(len(self._offered))
            self._offered[place], self._offered[-1] = self._offered[-1], self._offered[place]
            trial, document = self._offered.pop()
            if self._end(trial, self._states.RUNNING) and self._sign(trial):
                return Claim(item_from(document), trial)
        return None

    def _guess(self, offers: Offers) -> Claim | None:
        """Return a claim of any of the offers, None where the first few are gone, or few are left."""
        if offers.count <= _FEW or self._share < _SHARE_TO_GUESS:
            return None
        for _ in range(_MOST_GUESSES):
            number = random.randint(offers.first, offers.last)
            trial = int(self._storage.get_trial_id_from_study_id_trial_number(self._number, number))
            if self._end(trial, self._states.RUNNING) and self._sign(trial):
                return Claim(item_from(self._storage.get_trial(trial).user_attrs[ITEM]), trial)
        return None

    def _sign(self, trial: int) -> bool:
        try:
            self._storage.set_trial_user_attr(trial, WORKER, this_worker())
        except self._optuna.exceptions.UpdateFinishedTrialError:
            return False
        return True

    def _look(self) -> bool:
        """See which items wait; return whether any does."""
        waiting = self._storage.get_all_trials(self._number, deepcopy=False, states=(self._states.WAITING,))
        self._offered = [(trial._trial_id, trial.user_attrs[ITEM]) for trial in waiting if ITEM in trial.user_attrs]
        self._share = len(self._offered) / self._told.count if self._told else 1.0
        return bool(self._offered)

    @contextmanager
    def beating(self, claim: Claim) -> Iterator[None]:
        """Let others see that the claim's worker is alive; connections to a database are closed meanwhile."""
        self.rest()
        with self._beating(claim.trial):
            yield

    @contextmanager
    def _beating(self, trial: int) -> Iterator[None]:
        stopped = threading.Event()

        def beat() -> None:
            number = 0
            while not stopped.wait(self.timing.beat):
                number += 1
                try:
                    self._impatient.set_trial_user_attr(trial, BEAT, number)
                    self.rest()
                except Exception:  # the claim was taken away, or the storage is away: the end of the work will tell
                    continue

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def rest(self) -> None:
        """Close connections that nobody uses now: a thousand workers that train need none."""
        engine = getattr(self._impatient, "engine", None)
        if engine is not None:
            engine.dispose()

    def finish(self, claim: Claim, outcome: Outcome) -> bool:
        """Store what came of a claim; return whether it still held."""
        try:
            self._storage.set_trial_user_attr(claim.trial, OUTCOME, outcome.as_json())
            self._note_for_optuna(claim, outcome)
        except self._optuna.exceptions.UpdateFinishedTrialError:
            return False
        costs = outcome.costs.get(self.settings.boards[0])
        if outcome.accuracy is None or costs is None:
            return self._end(claim.trial, self._states.PRUNED)
        accuracy = outcome.accuracy if outcome.test is None else outcome.test
        values = [accuracy if name == ACCURACY else costs.of(name) for name in self.settings.objectives]
        return self._end(claim.trial, self._states.COMPLETE, values)

    def give_up(self, claim: Claim) -> None:
        """Free a claim's item without an outcome."""
        self._end(claim.trial, self._states.FAIL)

    def release_dead(self) -> tuple[int, int]:
        """Free the items whose workers are dead, and the lead; return how many, and how many trials still run."""
        now, freed, running = time.monotonic(), 0, self._running()
        for trial in running:
            beat = (trial.user_attrs.get(WORKER), trial.user_attrs.get(BEAT, 0))
            seen, since = self._beats.get(trial.number, (None, now))
            if seen != beat:
                since = now
                self._beats[trial.number] = (beat, now)
            if now - since >= self.timing.silence or is_dead_here(trial.user_attrs.get(WORKER, "")):
                freed += self._end(trial._trial_id, self._states.FAIL)
        self._beats = {trial.number: self._beats[trial.number] for trial in running}
        return freed, len(running) - freed

    def _running(self) -> list[Any]:
        return list(self._storage.get_all_trials(self._number, deepcopy=False, states=(self._states.RUNNING,)))

    def _end(self, trial: int, state: Any, values: list[float] | None = None) -> bool:
        """Bring a trial to a state; return whether it was this call that did."""
        try:
            return bool(self._storage.set_trial_state_values(trial, state, values))
        except self._optuna.exceptions.UpdateFinishedTrialError:
            return False

    def _note_for_optuna(self, claim: Claim, outcome: Outcome) -> None:
        """Write parameters and constraints where Optuna's plots and dashboards look for them.

        A net's parameters are written once, with its first training: each takes a transaction.
        """
        if claim.item.rung == 0:
            found, _ = drawn(self.settings.space, claim.item.params.values())
            for name, distribution in found.distributions.items():
                value = distribution.to_internal_repr(found.params[name])
                self._storage.set_trial_param(claim.trial, name, value, distribution)
        for name in self.settings.limits.most:
            share = outcome.over.get(name, 0.0)
            self._storage.set_trial_system_attr(claim.trial, f"constraints:{name}", share)


def begin_study(storage: Any, name: str, settings: SearchSettings, timing: Timing | None = None) -> SharedStudy:
    """Return a study with these settings: a new one, or that of the storage.

    :raises InputError: the storage's has other settings.
    """
    optuna = load_optuna()
    directions = optuna.study.StudyDirection
    wanted = [directions.MAXIMIZE if one == ACCURACY else directions.MINIMIZE for one in settings.objectives]
    try:
        number = storage.create_new_study(wanted, name)
        storage.set_study_system_attr(number, "study:metric_names", list(settings.objectives))
        storage.set_study_user_attr(number, _SETTINGS, settings.as_json())
    except optuna.exceptions.DuplicatedStudyError:
        pass
    study = SharedStudy(storage, name, timing)
    _check_same(study.settings, settings, name)
    return study


def _check_same(stored: SearchSettings, wanted: SearchSettings, name: str) -> None:
    left, right = stored.as_json(), wanted.as_json()
    differ = [key for key in left if left[key] != right[key] and key != "versions"]
    if differ:
        told = "; ".join(f"{key} is {left[key]!r}, asked for is {right[key]!r}" for key in differ[:3])
        raise InputError(
            f"the study {name!r} has other settings: {told}; go on with it by `edgemnist search resume --study {name}`,"
            " or begin another with --study NAME"
        )


def _words(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items()) or "which it does not say"
