"""Dividing a split: held-out images for validation, samples for calibration and parity. Deterministic, by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Split
from edgemnist.support.errors import InputError


def hold_out(split: Split, count: int, seed: int) -> tuple[Split, Split]:
    """Divide a split into (rest, held-out), the held-out part having the class shares of the whole (stratified).

    ``count`` is the size of the held-out part, 1..len(split)-1. Both parts keep the order of the original.
    The same split, count and seed give the same division on every machine.

    :raises InputError: ``count`` leaves one of the two parts empty.
    """
    division = divide_for_training(split, count, seed)
    return division.learned, division.validation


@dataclass(frozen=True, eq=False)
class TrainingDivision:
    """What a fit learns from and what it is judged by.

    ``train`` is the whole training split, ``rows`` (int64, ascending) are those of its images that are learned from,
    ``validation`` are images that are not. An image's row stays the same whatever else is held out.
    """

    train: Split
    rows: NDArray[np.int64]
    validation: Split

    @property
    def learned(self) -> Split:
        """The images that are learned from."""
        return self.train.take(self.rows)


def divide_for_training(split: Split, count: int, seed: int) -> TrainingDivision:
    """Hold out ``count`` images of a training split, as ``hold_out`` does.

    :raises InputError: ``count`` leaves one of the two parts empty.
    """
    if not 0 < count < len(split):
        raise InputError(f"cannot hold out {count} of {len(split)} images; give a count from 1 to {len(split) - 1}")
    held_out = _choose(split.labels, _proportional_counts(split.labels, count), seed)
    return TrainingDivision(split, _others(len(split), held_out), split.take(held_out))


def divide(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Divide a split into (rest, part): of every class about ``share`` goes into the part, at least one, never all.

    ``share`` lies in 0..1. Both parts keep the order of the original.

    :raises InputError: a class has a single image.
    """
    present = np.bincount(split.labels).astype(np.int64)
    if (present == 1).any():
        raise InputError(f"cannot divide class {int(np.flatnonzero(present == 1)[0])}, which has a single image")
    wanted = np.clip(np.rint(present * share).astype(np.int64), 1, np.maximum(present - 1, 1))
    return _divide_at(split, _choose(split.labels, np.minimum(wanted, present), seed))


def class_balanced_sample(split: Split, count: int, seed: int) -> Split:
    """Return ``count`` images with equally many of every class, as far as the classes have them.

    ``count`` is 1..len(split). Where it does not divide by the number of classes, the first classes get one image
    more; where a class has too few, the others make up for it. The images come in class-by-class rotation
    (0, 1, 2, ..., 0, 1, ...), so that every leading part of the sample is balanced too.

    :raises InputError: ``count`` is outside 1..len(split).
    """
    if not 0 < count <= len(split):
        raise InputError(f"cannot take {count} of {len(split)} images; give a count from 1 to {len(split)}")
    chosen = _choose(split.labels, _balanced_counts(split.labels, count), seed)
    return split.take(_rotate_classes(chosen, split.labels[chosen], seed))


def _divide_at(split: Split, chosen: NDArray[np.int64]) -> tuple[Split, Split]:
    return split.take(_others(len(split), chosen)), split.take(chosen)


def _others(count: int, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the indices 0..count-1 that are not among the chosen."""
    stays = np.ones(count, dtype=bool)
    stays[chosen] = False
    return np.flatnonzero(stays).astype(np.int64)


def _choose(labels: NDArray[np.int64], counts: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Return sorted indices: ``counts[c]`` random ones of every class c; each class has a random stream of its own."""
    parts = [
        _random(seed, label).permutation(np.flatnonzero(labels == label))[:wanted]
        for label, wanted in enumerate(counts)
    ]
    return np.sort(np.concatenate(parts)).astype(np.int64)


def _random(*seeds: int) -> np.random.RandomState:
    """Return numpy's legacy generator: the only one whose stream is promised never to change between versions."""
    return np.random.RandomState(list(seeds))


def _proportional_counts(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return how many of every class to take, by largest remainders, so that they sum to ``count``."""
    present = np.bincount(labels).astype(np.int64)
    exact_numerators = present * count
    counts = exact_numerators // len(labels)
    remainders = exact_numerators % len(labels)
    largest_first = np.argsort(-remainders, kind="stable")
    counts[largest_first[: count - int(counts.sum())]] += 1
    return counts


def _balanced_counts(labels: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return how many of every class to take: equal, capped by what the class has, summing to ``count``."""
    present = np.bincount(labels).astype(np.int64)
    counts = np.zeros_like(present)
    while (missing := count - int(counts.sum())) > 0:
        open_classes = np.flatnonzero(counts < present)
        share, extra = divmod(missing, len(open_classes))
        wanted = np.full(len(open_classes), share, dtype=np.int64)
        wanted[:extra] += 1
        counts[open_classes] = np.minimum(counts[open_classes] + wanted, present[open_classes])
    return counts


def _rotate_classes(indices: NDArray[np.int64], labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Reorder indices so that the classes alternate, shuffled within a class."""
    order = _random(seed).permutation(len(indices))
    indices, labels = indices[order], labels[order]
    turn = np.empty(len(indices), dtype=np.int64)
    for label in np.unique(labels):
        turn[labels == label] = np.arange(int((labels == label).sum()))
    return np.asarray(indices[np.lexsort((labels, turn))], dtype=np.int64)
