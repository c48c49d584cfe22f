"""What is tried next: rounds of items, each a function of the settings and of what came of earlier rounds.

Whoever plans the next round comes to the same one: nothing goes into it but the settings, the rounds before and their
outcomes, which the study that workers share has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgemnist.search.costs import ACCURACY, front, ranked
from edgemnist.search.counts import BlockTable, Part, parts_of
from edgemnist.search.outcome import Item, Outcome, named_by_content
from edgemnist.search.sampling import Sampling, Told, drawn
from edgemnist.search.settings import SearchSettings
from edgemnist.search.space import draw
from edgemnist.support.errors import InputError
from edgemnist.training.blueprint import BlueprintRecipe

_MOST_DRAWS = 60
"""For one candidate: so many may be known to be too large, or to have been drawn before."""
_DRAWING = 0.4
"""The share of a budget of time in which nets are drawn; the rest is for higher rungs and for finalists."""
_MOST_COUNTED = 20
"""Times the budget: after so many candidates none is drawn any more, though too few were within the limits."""


class Planner:
    """The rounds of a study, as far as they are known."""

    def __init__(self, settings: SearchSettings, rounds: Sequence[Sequence[Item]] = ()) -> None:
        """Begin after ``rounds``, all of whose items are known."""
        self.settings = settings
        self.rounds: list[list[Item]] = [list(items) for items in rounds]
        self.table = BlockTable()
        self._told: list[Told] = []
        self._learned = 0

    @property
    def drawn_in_vain(self) -> int:
        """How many draws were known to be over a limit, without being built."""
        return sum(len(item.vain) for items in self.rounds for item in items if item.rung == 0)

    def current(self, outcomes: Mapping[str, Outcome], hours: Mapping[str, float] | None = None) -> list[Item]:
        """Return the items of the current round that have no outcome yet; none when the study is over.

        ``hours``: when outcomes came, from the study's start, by the items' keys.
        """
        while True:
            if self.rounds and (left := [item for item in self.rounds[-1] if item.key not in outcomes]):
                return left
            if not list(self.next_round(outcomes, hours)):
                return []

    def next_round(self, outcomes: Mapping[str, Outcome], hours: Mapping[str, float] | None = None) -> Iterator[Item]:
        """Yield the items of the next round as they are planned; none when the study is over.

        All items of the rounds before must have outcomes. The round is among ``rounds`` when all of it was taken.
        """
        self.learn(outcomes)
        new = []
        for item in self._next(outcomes, hours or {}):
            new.append(item)
            yield item
        if new:
            self.rounds.append(new)

    # --- what is planned ---------------------------------------------------------------------------------------------

    def _next(self, outcomes: Mapping[str, Outcome], hours: Mapping[str, float]) -> Iterator[Item]:
        planned = self._planned()
        if any(item.rung == self.settings.last_rung for item in planned):
            return
        new = self._draws(self._wanted(outcomes, hours), planned)
        first = next(new, None)
        promoted = list(self._promotions(planned, outcomes, at_end=first is None))
        yield from promoted
        if first is not None:
            yield first
            yield from new
        elif not promoted:
            yield from self._finalists(outcomes, hours)

    def _wanted(self, outcomes: Mapping[str, Outcome], hours: Mapping[str, float]) -> int:
        """Return how many candidates are still to be drawn, at most a round's."""
        settings = self.settings
        candidates = [item for item in self._planned() if item.rung == 0]
        trained = sum(_accuracy(outcomes.get(item.key)) is not None for item in candidates)
        if settings.hours is not None and self._late(hours) >= _DRAWING * settings.hours:
            return 0
        most = _MOST_COUNTED * settings.budget - len(candidates)
        return max(0, min(settings.population, settings.budget - trained, most))

    def _draws(self, count: int, planned: Sequence[Item]) -> Iterator[Item]:
        if count < 1:
            return
        sampling = Sampling(self.settings, len(self.rounds), self._told)
        known = {_identity(item) for item in planned}
        first = sum(item.rung == 0 for item in planned)
        for number in range(first, first + count):
            item = self._draw(sampling, number, known)
            if item is None:
                return
            known.add(_identity(item))
            yield item

    def _draw(self, sampling: Sampling, number: int, known: set[str]) -> Item | None:
        """Return a new candidate that may be within the limits, None where none was found."""
        settings = self.settings
        recipe = BlueprintRecipe(epochs=settings.epochs)
        vain: list[tuple[Any, ...]] = []
        for _ in range(_MOST_DRAWS):
            trial = sampling.ask()
            blueprint, optimise = draw(settings.space, trial, recipe)
            params = dict(trial.params)
            item = Item(
                candidate=number, rung=0, seed=settings.seed, blueprint=named_by_content(blueprint), optimise=optimise,
                params=params, vain=tuple(vain),
            )  # fmt: skip
            try:
                parts = list(parts_of(blueprint, settings.image_shape, settings.classes))
            except InputError:  # the image is too small for it
                sampling.tell(trial, None)
                continue
            if told := self._surely_over(tuple(params.values()), parts):
                vain.append(told.drawn)
                sampling.tell(trial, told)
            elif _identity(item) in known:
                sampling.tell(trial, None)
            else:
                return item
        return None

    def _surely_over(self, values: tuple[Any, ...], parts: Sequence[Part]) -> Told | None:
        """Return what is known of a net that nobody has to build: one too large by a bound; None of any other."""
        bounds = {
            "flash": float(sum(part.weights for part in parts)),
            "instructions": self.table.at_least(list(parts)) / (1 + self.table.margin()),
        }
        most = self.settings.limits.most
        over = {name: bound / most[name] - 1 for name, bound in bounds.items() if name in most and bound > most[name]}
        if not over:
            return None
        costs = [0.0 if name == ACCURACY else bounds.get(name, 0.0) for name in self.settings.objectives]
        return Told(values, costs, over)

    def _promotions(self, planned: Sequence[Item], outcomes: Mapping[str, Outcome], *, at_end: bool) -> Iterator[Item]:
        """Yield those that go on to a next rung: the best of each, one of ``fewer``, at the end rounded up."""
        settings = self.settings
        for rung in range(1, settings.last_rung):
            below = [
                item for item in planned if item.rung == rung - 1 and _accuracy(outcomes.get(item.key)) is not None
            ]
            already = {item.candidate for item in planned if item.rung == rung}
            places = (len(below) + (settings.fewer - 1 if at_end else 0)) // settings.fewer
            best = [below[place] for place in ranked([self._point(item, outcomes) for item in below])]
            for item in [one for one in best[:places] if one.candidate not in already][: max(0, places - len(already))]:
                yield _on_rung(item, rung, item.seed)

    def _finalists(self, outcomes: Mapping[str, Outcome], hours: Mapping[str, float]) -> Iterator[Item]:
        """Yield the trainings in full: all that are asked for, or of a budget of time as many as fit, at least one."""
        settings, best = self.settings, self.best(outcomes)
        if not best:
            return
        most = settings.finalists * settings.seeds
        if settings.hours is not None:
            most = self._that_fit(best[0], outcomes, settings.hours - self._late(hours), self._late(hours))
        seeds = max(1, min(settings.seeds, most))
        for item in best[: max(1, min(settings.finalists, most // seeds))]:
            for seed in range(settings.seed, settings.seed + seeds):
                yield _on_rung(item, settings.last_rung, seed)

    def _that_fit(self, best: Item, outcomes: Mapping[str, Outcome], left: float, spent: float) -> int:
        """Return how many trainings in full of a net fit in hours, by what it took on its rung and all took so far."""
        settings = self.settings
        worked = sum(outcomes[item.key].cpu_seconds for item in self._planned() if item.key in outcomes)
        one = outcomes[best.key].cpu_seconds * settings.epochs / settings.rungs[best.rung]
        return 0 if spent <= 0 or one <= 0 else int(max(0.0, left) * (worked / spent) / one)

    def _late(self, hours: Mapping[str, float]) -> float:
        """Return when the last outcome came, in hours from the study's start."""
        return max((hours.get(item.key, 0.0) for item in self._planned()), default=0.0)

    def _planned(self) -> list[Item]:
        return [item for items in self.rounds for item in items]

    # --- what came of it ---------------------------------------------------------------------------------------------

    def best(self, outcomes: Mapping[str, Outcome]) -> list[Item]:
        """Return the candidates of the highest rung that any reached before the last, the best first."""
        planned = [item for item in self._planned() if item.rung < self.settings.last_rung]
        trained = [item for item in planned if _accuracy(outcomes.get(item.key)) is not None]
        highest = max((item.rung for item in trained), default=0)
        there = [item for item in trained if item.rung == highest]
        return [there[place] for place in ranked([self._point(item, outcomes) for item in there])]

    def front(self, outcomes: Mapping[str, Outcome]) -> list[Item]:
        """Return those of :meth:`best` that no other beats in all objectives."""
        there = self.best(outcomes)
        return [there[place] for place in front([self._point(item, outcomes) for item in there])]

    def learn(self, outcomes: Mapping[str, Outcome]) -> None:
        """Learn from the rounds all of whose items have outcomes: what blocks take, and what samplers are told."""
        for items in self.rounds[self._learned :]:
            if any(item.key not in outcomes for item in items):
                return
            new = [item for item in items if item.rung == 0]
            # What was drawn in vain was over by what the table knew before this round.
            vain = {item.key: [self._told_in_vain(values) for values in item.vain] for item in new}
            for item in new:
                self._told += [told for told in vain[item.key] if told is not None]
                self._told += self._learned_of(item, outcomes[item.key])
            self._learned += 1

    def _told_in_vain(self, values: tuple[Any, ...]) -> Told | None:
        settings = self.settings
        _, blueprint = drawn(settings.space, values)
        return self._surely_over(values, list(parts_of(blueprint, settings.image_shape, settings.classes)))

    def _learned_of(self, item: Item, outcome: Outcome) -> list[Told]:
        costs = outcome.costs.get(self.settings.boards[0])
        if costs is None:
            return []
        if item.optimise == "speed":
            self.table.learn(
                list(parts_of(item.blueprint, self.settings.image_shape, self.settings.classes)), costs.blocks
            )
        values = [outcome.accuracy or 0.0 if name == ACCURACY else costs.of(name) for name in self.settings.objectives]
        return [Told(tuple(item.params.values()), values, outcome.over)]

    def _point(self, item: Item, outcomes: Mapping[str, Outcome]) -> list[float]:
        """Return accuracy, then the other objectives."""
        outcome = outcomes[item.key]
        costs = outcome.costs[self.settings.boards[0]]
        return [outcome.accuracy or 0.0, *(costs.of(name) for name in self.settings.objectives if name != ACCURACY)]


def _identity(item: Item) -> str:
    return f"{item.blueprint.name} {item.optimise}"


def _accuracy(outcome: Outcome | None) -> float | None:
    return None if outcome is None else outcome.accuracy


def _on_rung(item: Item, rung: int, seed: int) -> Item:
    return Item(
        candidate=item.candidate, rung=rung, seed=seed, blueprint=item.blueprint, optimise=item.optimise,
        params=item.params,
    )  # fmt: skip
