"""Optuna's samplers, told what came of earlier rounds, for the draws of one round."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgemnist.search.costs import ACCURACY
from edgemnist.search.optuna_library import load_optuna
from edgemnist.search.outcome import digest_of
from edgemnist.search.settings import SearchSettings
from edgemnist.search.space import Space, draw
from edgemnist.search.starts import starts
from edgemnist.training.blueprint import Blueprint, BlueprintRecipe

_LEAST_STARTUP = 10
"""Draws at random before the estimator has something to estimate from."""


@dataclass(frozen=True)
class Told:
    """What a sampler knows of a draw: its values, those of the objectives, and ``over`` which limits by how much."""

    drawn: tuple[Any, ...]
    values: Sequence[float]
    over: Mapping[str, float]


@dataclass
class Drawn:
    """A draw of what was drawn before, by its values in the order of the drawing; it notes what each was among."""

    values: Iterator[Any]
    params: dict[str, Any] = field(default_factory=dict)
    distributions: dict[str, Any] = field(default_factory=dict)

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return what was drawn of the choices."""
        self.distributions[name] = load_optuna().distributions.CategoricalDistribution(choices)
        return self.params.setdefault(name, next(self.values))

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int:
        """Return what was drawn of the whole numbers."""
        self.distributions[name] = load_optuna().distributions.IntDistribution(low, high, step=step)
        return int(self.params.setdefault(name, next(self.values)))


def drawn(space: Space, values: Iterable[Any]) -> tuple[Drawn, Blueprint]:
    """Return what was drawn before, with its names and distributions, and the blueprint."""
    found = Drawn(iter(values))
    blueprint, _ = draw(space, found, BlueprintRecipe())
    return found, blueprint


class Sampling:
    """The draws of one round: a function of the settings, the round's number, and what was told of earlier rounds.

    Nothing is kept from round to round, so that a process that has just begun draws what any other would.
    """

    def __init__(self, settings: SearchSettings, number: int, told: Sequence[Told]) -> None:
        """Make a study in memory and tell it."""
        self.settings = settings
        self._optuna = load_optuna()
        sampler = _sampler(self._optuna, settings, int(digest_of(settings.seed, number)[:8], 16))
        directions = ["maximize" if name == ACCURACY else "minimize" for name in settings.objectives]
        self._study = self._optuna.create_study(directions=directions, sampler=sampler)
        for place, one in enumerate(told if settings.sampler != "random" else ()):
            self._study.add_trial(self._trial(one, place))
        for params in starts(settings) if number == 0 and settings.sampler != "random" else ():
            self._study.enqueue_trial(params)

    def ask(self) -> Any:
        """Return a trial to draw by."""
        return self._study.ask()

    def tell(self, trial: Any, told: Told | None) -> None:
        """Tell what is known of a draw at once: that it is over a limit; None: that it is nothing to learn from."""
        if told is None:
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
            return
        for name, share in self._constraints(told.over).items():
            trial.set_constraint(name, share)
        self._study.tell(trial, list(told.values))

    def _trial(self, told: Told, place: int) -> Any:
        attributes = {}
        if self.settings.sampler == "nsga2":  # as the sampler itself numbers them
            attributes = {self._study.sampler._get_generation_key(): place // _generation(self.settings)}
        found, _ = drawn(self.settings.space, told.drawn)
        return self._optuna.trial.create_trial(
            params=found.params,
            distributions=found.distributions,
            values=list(told.values),
            constraints=self._constraints(told.over),
            system_attrs=attributes,
        )

    def _constraints(self, over: Mapping[str, float]) -> dict[str, float]:
        return {name: over.get(name, 0.0) for name in self.settings.limits.most}


def _generation(settings: SearchSettings) -> int:
    return max(2, settings.population)


def _sampler(optuna: Any, settings: SearchSettings, seed: int) -> Any:
    samplers = optuna.samplers
    if settings.sampler == "random":
        return samplers.RandomSampler(seed=seed)
    if settings.sampler == "nsga2":
        return samplers.NSGAIISampler(population_size=_generation(settings), seed=seed)
    first = max(settings.population, _LEAST_STARTUP)
    return samplers.TPESampler(seed=seed, n_startup_trials=first, multivariate=True, group=True)
