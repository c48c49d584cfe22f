"""What is tried next: rounds of items, each a function of the settings and of what came of earlier rounds.

Every worker of a study plans by itself and comes to the same rounds. Optuna's sampler draws in a study of this
process's own memory, in which all rounds until now are told again in their order; the study that workers share keeps
what was drawn and what came of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgemnist.search.costs import ACCURACY, front, ranked
from edgemnist.search.counts import BlockTable, Part, parts_of
from edgemnist.search.optuna_library import load_optuna
from edgemnist.search.outcome import Item, Outcome, named_by_content
from edgemnist.search.settings import SearchSettings
from edgemnist.search.space import draw
from edgemnist.support.errors import InputError
from edgemnist.training.blueprint import BlueprintRecipe

_MOST_DRAWS = 60
"""For one candidate: so many may be known to be too large, or to have been drawn before."""


class Planner:
    """The rounds of a study, as far as they are known."""

    def __init__(self, settings: SearchSettings) -> None:
        """Begin before the first round."""
        self.settings = settings
        self.rounds: list[list[Item]] = []
        self.table = BlockTable()
        self.drawn_in_vain = 0
        optuna = load_optuna()
        self._optuna = optuna
        directions = ["maximize" if name == ACCURACY else "minimize" for name in settings.objectives]
        self._study = optuna.create_study(directions=directions, sampler=_sampler(optuna, settings))
        self._asked: dict[int, Any] = {}
        self._candidates: list[Item] = []
        self._known: set[str] = set()

    def current(self, outcomes: Mapping[str, Outcome], hours: float = 0.0) -> list[Item]:
        """Return the items of the current round that have no outcome yet; none when the study is over.

        ``hours``: from the study's start to the last outcome of an earlier round.
        """
        while True:
            if self.rounds:
                left = [item for item in self.rounds[-1] if item.key not in outcomes]
                if left:
                    return left
                self._tell(self.rounds[-1], outcomes)
            new = list(self._next(outcomes, hours))
            if not new:
                return []
            self.rounds.append(new)

    # --- what is planned ---------------------------------------------------------------------------------------------

    def _next(self, outcomes: Mapping[str, Outcome], hours: float) -> Iterator[Item]:
        trained = [item for item in self._candidates if _accuracy(outcomes.get(item.key)) is not None]
        settings = self.settings
        drawing = len(trained) < settings.budget and (settings.hours is None or hours < settings.hours)
        wanted = min(settings.population, settings.budget - len(trained)) if drawing else 0
        drawn = list(self._draws(wanted))
        promoted = list(self._promotions(outcomes, at_end=not drawn))
        yield from promoted
        yield from drawn
        if not drawn and not promoted:
            yield from self._finalists(outcomes)

    def _draws(self, count: int) -> Iterator[Item]:
        for _ in range(count):
            item = self._draw()
            if item is None:
                return
            self._candidates.append(item)
            yield item

    def _draw(self) -> Item | None:
        """Return a new candidate that may be within the limits, None where none was found."""
        settings = self.settings
        recipe = BlueprintRecipe(epochs=settings.epochs)
        for _ in range(_MOST_DRAWS):
            trial = self._study.ask()
            blueprint, optimise = draw(settings.space, trial, recipe)
            blueprint = named_by_content(blueprint)
            identity = f"{blueprint.name} {optimise}"
            try:
                parts = list(parts_of(blueprint, settings.image_shape, settings.classes))
            except InputError:
                parts = []
            over = self._surely_over(parts) if parts else {}
            if parts and not over and identity not in self._known:
                self._known.add(identity)
                number = len(self._candidates)
                self._asked[number] = trial
                return Item(
                    candidate=number, rung=0, seed=settings.seed, blueprint=blueprint, optimise=optimise,
                    params=dict(trial.params),
                )  # fmt: skip
            self.drawn_in_vain += 1
            if over:
                self._tell_over(trial, parts, over)
            else:
                self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        return None

    def _surely_over(self, parts: Sequence[Part]) -> dict[str, float]:
        """Return by which share a net is over its limits, as far as that is known without building it."""
        most, over = self.settings.limits.most, {}
        if "flash" in most and (weights := sum(part.weights for part in parts)) > most["flash"]:
            over["flash"] = weights / most["flash"] - 1
        if "instructions" in most:
            least = self.table.at_least(list(parts)) / (1 + self.table.margin())
            if least > most["instructions"]:
                over["instructions"] = least / most["instructions"] - 1
        return over

    def _promotions(self, outcomes: Mapping[str, Outcome], *, at_end: bool) -> Iterator[Item]:
        """Yield those that go on to a next rung: the best of each, one of ``fewer``, at the end rounded up."""
        settings = self.settings
        planned = [item for items in self.rounds for item in items]
        for rung in range(1, settings.last_rung):
            below = [
                item for item in planned if item.rung == rung - 1 and _accuracy(outcomes.get(item.key)) is not None
            ]
            already = {item.candidate for item in planned if item.rung == rung}
            places = (len(below) + (settings.fewer - 1 if at_end else 0)) // settings.fewer
            best = [below[place] for place in ranked([self._point(item, outcomes) for item in below])]
            for item in [one for one in best[:places] if one.candidate not in already][: max(0, places - len(already))]:
                yield _on_rung(item, rung, item.seed)

    def _finalists(self, outcomes: Mapping[str, Outcome]) -> Iterator[Item]:
        settings = self.settings
        planned = [item for items in self.rounds for item in items]
        if any(item.rung == settings.last_rung for item in planned):
            return
        for item in self.best(outcomes)[: settings.finalists]:
            for seed in range(settings.seed, settings.seed + settings.seeds):
                yield _on_rung(item, settings.last_rung, seed)

    # --- what came of it ---------------------------------------------------------------------------------------------

    def best(self, outcomes: Mapping[str, Outcome]) -> list[Item]:
        """Return the candidates of the highest rung that any reached before the last, the best first."""
        planned = [item for items in self.rounds for item in items if item.rung < self.settings.last_rung]
        trained = [item for item in planned if _accuracy(outcomes.get(item.key)) is not None]
        highest = max((item.rung for item in trained), default=0)
        there = [item for item in trained if item.rung == highest]
        return [there[place] for place in ranked([self._point(item, outcomes) for item in there])]

    def front(self, outcomes: Mapping[str, Outcome]) -> list[Item]:
        """Return those of :meth:`best` that no other beats in all objectives."""
        there = self.best(outcomes)
        return [there[place] for place in front([self._point(item, outcomes) for item in there])]

    def _point(self, item: Item, outcomes: Mapping[str, Outcome]) -> list[float]:
        """Return accuracy, then the other objectives."""
        outcome = outcomes[item.key]
        return [outcome.accuracy or 0.0, *self._costs(outcome)]

    def _costs(self, outcome: Outcome) -> list[float]:
        costs = outcome.costs[self.settings.boards[0]]
        return [costs.of(name) for name in self.settings.objectives if name != ACCURACY]

    def _tell(self, items: Sequence[Item], outcomes: Mapping[str, Outcome]) -> None:
        """Tell the sampler, and the table of blocks, what came of a round's draws."""
        for item in items:
            trial = self._asked.pop(item.candidate, None) if item.rung == 0 else None
            if trial is None:
                continue
            outcome = outcomes[item.key]
            costs = outcome.costs.get(self.settings.boards[0])
            if costs is None:
                self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
                continue
            parts = list(parts_of(item.blueprint, self.settings.image_shape, self.settings.classes))
            if item.optimise == "speed":
                self.table.learn(parts, costs.blocks)
            values = iter(self._costs(outcome))
            self._constrain(trial, outcome.over)
            self._study.tell(
                trial,
                [outcome.accuracy or 0.0 if name == ACCURACY else next(values) for name in self.settings.objectives],
            )

    def _tell_over(self, trial: Any, parts: Sequence[Part], over: Mapping[str, float]) -> None:
        """Tell of a net that nobody has to build: too large by a bound."""
        bounds = {
            "instructions": self.table.at_least(list(parts)),
            "flash": float(sum(part.weights for part in parts)),
        }
        self._constrain(trial, over)
        self._study.tell(
            trial, [0.0 if name == ACCURACY else bounds.get(name, 0.0) for name in self.settings.objectives]
        )

    def _constrain(self, trial: Any, over: Mapping[str, float]) -> None:
        for name in self.settings.limits.most:
            trial.set_constraint(name, over.get(name, 0.0))


def _accuracy(outcome: Outcome | None) -> float | None:
    return None if outcome is None else outcome.accuracy


def _on_rung(item: Item, rung: int, seed: int) -> Item:
    return Item(
        candidate=item.candidate, rung=rung, seed=seed, blueprint=item.blueprint, optimise=item.optimise,
        params=item.params,
    )  # fmt: skip


def _sampler(optuna: Any, settings: SearchSettings) -> Any:
    samplers = optuna.samplers
    if settings.sampler == "random":
        return samplers.RandomSampler(seed=settings.seed)
    if settings.sampler == "nsga2":
        return samplers.NSGAIISampler(population_size=max(2, settings.population), seed=settings.seed)
    first = max(settings.population, 10)
    return samplers.TPESampler(seed=settings.seed, n_startup_trials=first, multivariate=True, group=True)
