"""Which way of feeding makes a model right: every candidate on labelled pictures, the poor ones given up early."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import chance_level
from edgemnist.harness.assignment import best_assignment
from edgemnist.tflite.preprocessing import Preprocessing

MOST_PICTURES = 500
_STAGES = ((40, 400), (150, 80), (MOST_PICTURES, 16))
"""So many pictures are shown to at most so many candidates, the best of the stage before."""

_SPARED = 3.0
"""A candidate is given up when it is more standard errors than this behind the best."""

Predict = Callable[[Preprocessing, NDArray[np.uint8]], NDArray[np.float64]]
"""From a preprocessing and images (count, height, width, channels) to class probabilities (count, classes)."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Labelled pictures: the same ones brought to the model's size by each fit.

    ``images``: for each fit uint8, shape (count, height, width, channels), every leading part balanced.
    ``labels``: int64, shape (count,), below ``classes``.
    """

    images: Mapping[str, NDArray[np.uint8]]
    labels: NDArray[np.int64]
    classes: int

    @property
    def chance(self) -> float:
        """What a model gets right that always says the same, 0..1."""
        return chance_level(self.labels)


@dataclass(frozen=True, eq=False)
class Trial:
    """What a model makes of pictures that are fed in one way.

    ``probabilities``: shape (count, classes), of the first ``count`` pictures, ``labels`` theirs.
    """

    preprocessing: Preprocessing
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The class of each picture, int64, shape (count,)."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Whether each picture is right with the classes in their order, shape (count,)."""
        return np.asarray(self.predicted == self.labels)

    @property
    def accuracy(self) -> float:
        """Share of right pictures, 0..1."""
        return float(self.hits.mean())

    @property
    def likelihood(self) -> float:
        """Mean logarithm of the true class' probability, at least that of 1 in a million."""
        at_label = self.probabilities[np.arange(len(self.labels)), self.labels]
        return float(np.log(np.maximum(at_label, 1e-6)).mean())

    def order(self) -> NDArray[np.int64]:
        """Return the class that each output stands for in the best assignment, int64, shape (classes,)."""
        return best_assignment(self._counts(slice(None)))

    def crossed_hits(self) -> NDArray[np.bool_]:
        """Return whether each picture is right with the classes assigned by the *other* half of the pictures.

        An assignment that is judged by what it was made from looks good for any model.
        """
        hits = np.zeros(len(self.labels), dtype=np.bool_)
        # By class, so that each half has pictures of all: the place within the class decides.
        place = np.empty(len(self.labels), dtype=np.int64)
        for label in np.unique(self.labels):
            place[self.labels == label] = np.arange(int((self.labels == label).sum()))
        for half in (0, 1):
            order = best_assignment(self._counts(place % 2 != half))
            judged = place % 2 == half
            hits[judged] = order[self.predicted[judged]] == self.labels[judged]
        return hits

    def in_order(self, order: NDArray[np.int64]) -> Trial:
        """Return the trial with output ``i`` standing for class ``order[i]``."""
        moved = np.empty_like(self.probabilities)
        moved[:, order] = self.probabilities
        return Trial(self.preprocessing, moved, self.labels)

    def _counts(self, chosen: NDArray[np.bool_] | slice) -> NDArray[np.int64]:
        classes = self.probabilities.shape[1]
        pairs = np.bincount(self.predicted[chosen] * classes + self.labels[chosen], minlength=classes * classes)
        return np.asarray(pairs.reshape(classes, classes), dtype=np.int64)

    def promise(self) -> float:
        """Return the share of right pictures with the classes in their order, or in the best one."""
        counts = self._counts(slice(None))
        return float(counts[np.arange(len(counts)), best_assignment(counts)].sum() / len(self.labels))


def search(
    predict: Predict,
    pictures: Pictures,
    candidates: Sequence[Preprocessing],
    on_trial: Callable[[], None] = lambda: None,
) -> list[Trial]:
    """Try candidates and return those that were shown all pictures, in the candidates' order; the first is always one.

    ``on_trial`` is called after each candidate of each stage, :func:`trials_at_most` times at most.
    """
    running: dict[int, Trial | None] = dict.fromkeys(range(len(candidates)))
    for count, places in _STAGES:
        count = min(count, len(pictures.labels))
        running = {index: running[index] for index in _spared(running, places)}
        for index, before in running.items():
            running[index] = _extended(predict, pictures, candidates[index], before, count)
            on_trial()
    return [trial for trial in running.values() if trial is not None]


def trials_at_most(candidates: int) -> int:
    """Return how many trials a search of so many candidates makes at most."""
    return sum(min(candidates, places) for _, places in _STAGES)


def _spared(running: Mapping[int, Trial | None], places: int) -> list[int]:
    """Return the candidates that go on, in their order: the first, and the best that are not clearly behind."""
    seen = {index: trial.promise() for index, trial in running.items() if trial is not None}
    if not seen:
        return list(running)[:places]
    count = len(next(trial for trial in running.values() if trial is not None).labels)
    best = max(seen.values())
    least = best - _SPARED * math.sqrt(max(best * (1 - best), 0.25 / count) / count) - 0.02
    ranked = sorted((index for index in seen if seen[index] >= least), key=lambda index: -seen[index])
    return sorted({next(iter(running)), *ranked[:places]})


def _extended(
    predict: Predict, pictures: Pictures, candidate: Preprocessing, before: Trial | None, count: int
) -> Trial:
    """Return the trial of the first ``count`` pictures, those of the trial before not tried again."""
    done = 0 if before is None else len(before.labels)
    if before is not None and done >= count:
        return before
    fresh = predict(candidate, pictures.images[candidate.fit][done:count])
    known = fresh if before is None else np.concatenate([before.probabilities, fresh])
    return Trial(candidate, known, pictures.labels[:count])
