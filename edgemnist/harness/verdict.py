"""What trials say: is the given way of feeding right, and if not, which one is, beyond what luck would do?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.candidates import changes
from edgemnist.harness.search import Trial
from edgemnist.support.statistics import is_at_chance, mcnemar_tail
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.preprocessing import Preprocessing

ERROR_RATE = 0.02
"""How often luck alone may make another way of feeding look better than the given one, over all candidates together."""

LEAST_GAIN = 0.015
"""Of all pictures, what another way has to get right more than the given one to be worth a word."""

_DECISIVE, _MANY_CLASSES = 0.6, 20.0
"""Share of the way from chance to all right, or multiple of chance, from which an order of the classes is believed."""

_LEVEL = 0.05
"""Chance of luck above which two ways are level, and what their mean logarithms of probability may differ by then."""


@dataclass(frozen=True, eq=False)
class Alternative:
    """A way of feeding, with the classes in their order (``order`` None) or in another one.

    ``trial`` is in that order; ``hits`` are fair ones: an order is judged on pictures that it was not made from.
    ``changed``: what is otherwise than given.
    """

    trial: Trial
    hits: NDArray[np.bool_]
    changed: tuple[str, ...]
    order: tuple[int, ...] | None

    @property
    def accuracy(self) -> float:
        """Share of right pictures, 0..1."""
        return float(self.hits.mean())


@dataclass(frozen=True, eq=False)
class Verdict:
    """The given way, the right one where another is better beyond luck, and what the given one comes to.

    ``chance``: share of the most frequent class. ``at_chance``: whether the given way is not more than two standard
    errors above it.
    """

    given: Trial
    better: Alternative | None
    chance: float

    @property
    def best_accuracy(self) -> float:
        """Share of right pictures fed as found, or as given where nothing better was found."""
        return self.given.accuracy if self.better is None else self.better.accuracy

    @property
    def at_chance(self) -> bool:
        """Whether the given way is at chance level."""
        return is_at_chance(self.given.accuracy, self.chance, len(self.given.labels))


def judge(trials: Sequence[Trial], chance: float, unsaid: Collection[str] = ()) -> Verdict:
    """Compare every trial with the first, which is fed as given.

    Another way is better where McNemar's exact test says so at :data:`ERROR_RATE`, divided among the alternatives so
    that those with few changes have the larger part (Holm's idea of unequal weights): one more change, half the part.
    A change of what is ``unsaid``, of which nobody has said how it is, contradicts nobody and does not count as one.
    """
    given = trials[0]
    alternatives = _alternatives(trials)
    per_size = Counter(len(one.changed) for one in alternatives)
    better = [
        one
        for one in alternatives
        if one.accuracy >= given.accuracy + LEAST_GAIN
        and one.accuracy > chance
        and (one.order is None or _is_decisive(one.accuracy, chance))
        and _luck(one.hits, given.hits) < ERROR_RATE / 2 ** len(one.changed) / per_size[len(one.changed)]
    ]
    return Verdict(given, _simplest_of_the_best(better, unsaid), chance)


def _alternatives(trials: Sequence[Trial]) -> list[Alternative]:
    given, found = trials[0], []
    for trial in trials:
        changed = changes(given.preprocessing, trial.preprocessing)
        if changed:
            found.append(Alternative(trial, trial.hits, changed, None))
        order = trial.order()
        if (order != np.arange(len(order))).any():
            fair = trial.crossed_hits()
            ordered = trial.in_order(order)
            found.append(Alternative(ordered, fair, (*changed, "classes"), tuple(map(int, order))))
    return found


def _is_decisive(accuracy: float, chance: float) -> bool:
    """Whether pictures are so often right that their classes must be in this order.

    The answers of a net that has learned nothing still go with the pictures a little, and so with some order.
    """
    return accuracy >= chance + _DECISIVE * (1 - chance) or accuracy >= _MANY_CLASSES * chance


def _luck(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return how likely luck alone makes ``one`` right that often where ``other`` is wrong (McNemar's exact test)."""
    won, lost = int((one & ~other).sum()), int((other & ~one).sum())
    return 1.0 if won <= lost else mcnemar_tail(won, lost)


def _simplest_of_the_best(better: Sequence[Alternative], unsaid: Collection[str]) -> Alternative | None:
    """Return the most accurate, or one that is as good with fewer changes; among equals the surest."""
    if not better:
        return None
    best = max(better, key=lambda one: (one.accuracy, one.trial.likelihood))
    level = [one for one in better if _level(one, best)]
    weights = [_weight(one, unsaid) for one in level]
    simple = [one for one, weight in zip(level, weights, strict=True) if weight == min(weights)]
    surest = max(simple, key=lambda one: (one.accuracy, one.trial.likelihood))
    # Several ranges may come to the same: then the one that most models take, which is tried first.
    return next(one for one in simple if _but_for_the_range(one) == _but_for_the_range(surest))


def _weight(one: Alternative, unsaid: Collection[str]) -> float:
    """Return how much is otherwise than given; another order of the classes is less likely than any other change."""
    return sum(name not in unsaid for name in one.changed) + (0.5 if one.order is not None else 0.0)


def _but_for_the_range(one: Alternative) -> tuple[Preprocessing, bool]:
    return replace(one.trial.preprocessing, normalisation=Normalisation()), one.order is None


def _level(one: Alternative, best: Alternative) -> bool:
    """Whether one is as good as the best: as often right but for luck, and as sure of the true classes."""
    as_right = one.accuracy >= best.accuracy - LEAST_GAIN and _luck(best.hits, one.hits) > _LEVEL
    return as_right and one.trial.likelihood >= best.trial.likelihood - _LEVEL
