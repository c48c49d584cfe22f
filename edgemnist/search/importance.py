"""How much each drawn parameter decides: PED-ANOVA (Watanabe et al. 2023), as Optuna has it, and what chance gives.

It compares how a parameter is spread among the best nets with how it is among all: 0 where the two are alike. With few
nets they never are quite alike; what the same nets give with their values dealt out at random is told beside it.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemnist.search.optuna_library import load_optuna
from edgemnist.search.space import Space, draw
from edgemnist.support.errors import InputError
from edgemnist.training.blueprint import BlueprintRecipe

BEST = 0.25
"""The share of the nets that counts as the best."""
FEWEST = 12
"""Nets below which nothing can be said."""
_DEALS = 40
_CHANCE = 0.95


@dataclass(frozen=True)
class Importance:
    """A parameter's divergence, 0 or more, and the one below which 95 of 100 values dealt at random stay."""

    name: str
    value: float
    chance: float


def importances(space: Space, params: Sequence[Mapping[str, Any]], values: Sequence[float]) -> list[Importance]:
    """Return how much each parameter decides who is among the nets with the lowest values, the most decisive first.

    One of which there was no choice is not among them. ``params``: what was drawn for each net; ``values``: what is to
    be low, of each. The same gives the same.

    :raises InputError: there are fewer nets than ``FEWEST``.
    """
    if len(values) < FEWEST:
        raise InputError(f"{len(values)} nets are too few to tell what decides; at least {FEWEST} have to be trained")
    distributions = [_distributions(space, one) for one in params]
    found = _divergences(params, distributions, values)
    dealt, order = list(values), random.Random(0)
    deals: list[dict[str, float]] = []
    for _ in range(_DEALS):
        order.shuffle(dealt)
        deals.append(_divergences(params, distributions, dealt))
    chances = {name: sorted(deal.get(name, 0.0) for deal in deals)[int(_CHANCE * _DEALS) - 1] for name in found}
    told = [Importance(name, found[name], chances[name]) for name in found if found[name] or chances[name]]
    return sorted(told, key=lambda one: -one.value)


def _divergences(
    params: Sequence[Mapping[str, Any]], distributions: Sequence[Mapping[str, Any]], values: Sequence[float]
) -> dict[str, float]:
    optuna = load_optuna()
    study = optuna.create_study()
    study.add_trials(
        optuna.trial.create_trial(params=dict(one), distributions=dict(kinds), value=value)
        for one, kinds, value in zip(params, distributions, values, strict=True)
    )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: dict[str, float] = optuna.importance.get_param_importances(study, evaluator=evaluator, normalize=False)
    return found


def _distributions(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a net's parameters were drawn from: the space is drawn from once more, to what is known already."""
    known = _Again(params)
    draw(space, known, BlueprintRecipe())
    return {name: known.distributions[name] for name in params}


class _Again:
    """Draws what was drawn before, and notes from what."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._params = params
        self._kinds = load_optuna().distributions
        self.distributions: dict[str, Any] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return the choice that was made."""
        self.distributions[name] = self._kinds.CategoricalDistribution(choices)
        return self._params[name]

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1) -> int:
        """Return the number that was drawn."""
        self.distributions[name] = self._kinds.IntDistribution(low, high, step=step)
        return int(self._params[name])
