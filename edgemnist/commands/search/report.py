"""A study as values: its candidates, its front, its finalists, and how far its own estimates were right."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemnist.search.costs import Costs
from edgemnist.search.outcome import Item, Outcome
from edgemnist.search.planner import Planner
from edgemnist.search.settings import SearchSettings


@dataclass(frozen=True, eq=False)
class Candidate:
    """A net that was trained. ``rung``: the highest on which it was, before it was trained in full.

    ``accuracy`` is that of this rung, on held-out training images, ``first`` that of the first rung, on which all were.
    ``tests``: of each seed, the int8 model's accuracy on the test set. ``exact`` is None where it is no finalist.
    """

    item: Item
    rung: int
    accuracy: float
    first: float
    costs: Mapping[str, Costs]
    on_front: bool
    tests: tuple[float, ...] = ()
    validations: tuple[float, ...] = ()
    exact: bool | None = None
    artefacts: tuple[str, ...] = ()

    @property
    def mean(self) -> float | None:
        """The mean accuracy on the test set, None where it is no finalist."""
        return statistics.fmean(self.tests) if self.tests else None

    @property
    def deviation(self) -> float:
        """The standard deviation over the seeds, 0 of one."""
        return statistics.stdev(self.tests) if len(self.tests) > 1 else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.item.blueprint.name,
            "candidate": self.item.candidate,
            "rung": self.rung,
            "optimise": self.item.optimise,
            "accuracy": self.accuracy,
            "accuracy_on_first_rung": self.first,
            "params": dict(self.item.params),
            "on_front": self.on_front,
            "costs": {board: costs.as_json() for board, costs in self.costs.items()},
            "test_accuracy": list(self.tests),
            "test_accuracy_mean": self.mean,
            "test_accuracy_deviation": self.deviation,
            "exact": self.exact,
            "artefacts": list(self.artefacts),
            "blueprint": self.item.blueprint.as_json(),
        }


@dataclass(frozen=True, eq=False)
class StudyReport:
    """A study. ``candidates``: finalists first, then by rung and rank. ``over``: that were over a limit, never trained.

    ``never_built``: drawn, and known to be over by a bound; ``optimism``: how much more the finalists' own estimates
    promised than the test set held, in 0..1, on average.
    """

    name: str
    settings: SearchSettings
    candidates: Sequence[Candidate]
    over: int
    failed: Sequence[str]
    never_built: int
    table_errors: Sequence[float]
    table_spread: float
    cpu_seconds: float
    finished: bool
    running: int

    @property
    def finalists(self) -> list[Candidate]:
        """Those that were trained in full."""
        return [one for one in self.candidates if one.tests]

    @property
    def optimism(self) -> float | None:
        """Mean of validation accuracy less test accuracy over all trainings of finalists; None without any."""
        pairs = [
            validation - test
            for one in self.finalists
            for validation, test in zip(one.validations, one.tests, strict=True)
        ]
        return statistics.fmean(pairs) if pairs else None

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "study": self.name,
            "settings": self.settings.as_json(),
            "finished": self.finished,
            "running": self.running,
            "candidates": [one.as_json() for one in self.candidates],
            "over_a_limit": self.over,
            "never_built": self.never_built,
            "failed": list(self.failed),
            "optimism": self.optimism,
            "sums_of_blocks": {
                "compared": len(self.table_errors),
                "largest_error": max(map(abs, self.table_errors), default=None),
                "largest_spread_of_a_block": self.table_spread,
            },
            "cpu_seconds": round(self.cpu_seconds, 1),
        }


def report_of(
    name: str, planner: Planner, outcomes: Mapping[str, Outcome], *, finished: bool, running: int
) -> StudyReport:
    """Return the report of a study whose rounds until now the planner knows."""
    planner.learn(outcomes)
    items = [item for one in planner.rounds for item in one if item.key in outcomes]
    first = [item for item in items if item.rung == 0]
    front = {item.candidate for item in planner.front(outcomes)}
    return StudyReport(
        name=name,
        settings=planner.settings,
        candidates=_candidates(planner, items, outcomes, front),
        over=sum(bool(outcomes[item.key].over) for item in first),
        failed=[f"{item.blueprint.name}: {outcomes[item.key].reason}" for item in items if outcomes[item.key].reason],
        never_built=planner.drawn_in_vain,
        table_errors=planner.table.errors,
        table_spread=planner.table.spread,
        cpu_seconds=sum(outcomes[item.key].cpu_seconds for item in items),
        finished=finished,
        running=running,
    )


def _candidates(
    planner: Planner, items: Sequence[Item], outcomes: Mapping[str, Outcome], front: set[int]
) -> list[Candidate]:
    last = planner.settings.last_rung
    highest: dict[int, Item] = {}
    for item in items:
        if item.rung < last and outcomes[item.key].accuracy is not None:
            highest[item.candidate] = max(highest.get(item.candidate, item), item, key=lambda one: one.rung)
    firsts = {item.candidate: outcomes[item.key].accuracy or 0.0 for item in items if item.rung == 0}
    found = [
        _candidate(
            item,
            [one for one in items if one.rung == last and one.candidate == item.candidate],
            outcomes,
            firsts[item.candidate],
            item.candidate in front,
        )
        for item in highest.values()
    ]
    best = {item.candidate: place for place, item in enumerate(planner.best(outcomes))}
    return sorted(
        found,
        key=lambda one: (-(one.mean or 0.0), -one.rung, best.get(one.item.candidate, len(best)), -one.accuracy),
    )


def _candidate(
    item: Item, finals: Sequence[Item], outcomes: Mapping[str, Outcome], first: float, on_front: bool
) -> Candidate:
    tested = [outcomes[one.key] for one in finals if outcomes[one.key].test is not None]
    mine = tested[0] if tested else outcomes[item.key]
    return Candidate(
        item=item,
        rung=item.rung,
        accuracy=outcomes[item.key].accuracy or 0.0,
        first=first,
        costs=mine.costs,
        on_front=on_front,
        tests=tuple(one.test for one in tested if one.test is not None),
        validations=tuple(one.accuracy or 0.0 for one in tested),
        exact=all(one.exact for one in tested) if tested else None,
        artefacts=tuple(one.artefact for one in tested),
    )
