"""A recipe: everything that decides how a model is fitted, and the learning rate schedules."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError
from edgemnist.training.averaging import DECAY

_Number = TypeVar("_Number", bool, int, float)

FULL_SIZE = 55_000
"""Number of training images for which epochs are stated; smaller sets get more epochs, so that the steps suffice."""

MOST_REPEATS = 8
"""How many times the stated epochs a small set gets at most."""

FEWEST_STEPS_PER_EPOCH = 10
"""Where images are too few for that, the batch shrinks: a hundred images in one batch are one step an epoch."""

SMALLEST_BATCH = 12
"""A smaller batch has too few images for its batch norms; an epoch goes through the images several times instead."""

FEWEST_TO_CHOOSE = 200
"""Validation images below which the best epoch is not chosen by them: a standard error is then 2 points and more, and
the best of a hundred epochs is the luckiest. The last epoch's weights, averaged and at a rate of 0, are taken."""

FEW_IMAGES = 128 * FEWEST_STEPS_PER_EPOCH
"""Images that fill so many of the usual batches; below, a recipe goes by steps instead of epochs."""

_FEWEST_STEPS = 1_000
_FEWEST_FINE_TUNING_STEPS = 300
_REPEATS_OF_FEW = 3

MOST_STRENGTH = 3.0
"""Above this, zoom and shear would turn images inside out."""


@dataclass(frozen=True)
class Recipe:
    """How to fit: AdamW (decoupled weight decay, Loshchilov and Hutter 2019) on cross-entropy with smoothed labels.

    ``learning_rate`` is the peak of the schedule; ``augmentation`` is a name in ``augment.AUGMENTATIONS``;
    ``patience`` is the number of epochs without a better validation accuracy after which the fit stops, 0 for never;
    ``warm_up`` is the share of the steps in which a one-cycle schedule rises; ``beta2`` and ``weight_decay`` are
    AdamW's, ``label_smoothing`` the share of the target that is spread over all classes; ``augmentation_strength``
    scales the augmentation's ranges; with ``averaging`` the moving average of the weights is evaluated and kept; with
    ``selection`` the weights of the epoch that validates best are taken, else those of the last; ``passes`` is how
    often an epoch goes through the images, each time in a new order and with new changes; ``averaging_decay`` is the
    share of the average that a step keeps.
    """

    epochs: int
    batch: int
    learning_rate: float
    schedule: str
    augmentation: str
    patience: int
    seed: int
    beta2: float = 0.99
    weight_decay: float = 1e-4
    label_smoothing: float = 0.1
    warm_up: float = 0.2
    augmentation_strength: float = 1.0
    averaging: bool = False
    selection: bool = True
    passes: int = 1
    averaging_decay: float = DECAY

    def __post_init__(self) -> None:
        """Check the ranges."""
        _require_at_least(1, epochs=self.epochs, batch=self.batch, passes=self.passes)
        _require_at_least(0, patience=self.patience, seed=self.seed)
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise InputError(f"learning rate {self.learning_rate!r} is not a number above 0; usual are 0.0005 to 0.02")
        _require_within(0, 1, "label smoothing", self.label_smoothing)
        _require_within(0, MOST_STRENGTH, "augmentation strength", self.augmentation_strength)
        find_schedule(self.schedule)

    def steps_per_epoch(self, images: int) -> int:
        """Return the steps of an epoch of so many images; those that fill no batch are left for other epochs."""
        return steps_of(images, self.batch, self.passes)


def steps_of(images: int, batch: int, passes: int) -> int:
    """Return the steps of so many passes through the images in batches of ``batch``, or of all where they are fewer."""
    return images * passes // max(1, min(batch, images))


def _require_within(low: float, high: float, name: str, value: float) -> None:
    if not low <= value <= high:
        raise InputError(f"{name} {value!r} is out of range; give a number from {low:g} to {high:g}")


def _require_at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if value < least:
            raise InputError(f"{name} {value!r} is too low; give a whole number of at least {least}")


def given_or(value: _Number | None, default: _Number) -> _Number:
    """Return ``value``, or ``default`` where nothing was given."""
    return default if value is None else value


def batch_for(batch: int, images: int) -> int:
    """Return the batch for a training set of ``images``, given that for ``FULL_SIZE`` images: few get a smaller one."""
    return min(batch, max(SMALLEST_BATCH, images // FEWEST_STEPS_PER_EPOCH))


def rate_for(rate: float, usual_batch: int, batch: int, images: int) -> float:
    """Return the peak learning rate for a batch, given that for ``usual_batch``: lower for small ones of few images.

    It goes with the fourth root of the batch. Measured on drawn shapes: at the usual rate one seed in three stays on
    the first plateau for most of a short fit. By the square root, as the noise of Adam's steps goes (Malladi et al.
    2022), none does, but 40 pictures come to 81 % instead of 87 %.
    """
    return rate if images >= FEW_IMAGES else rate * min(1.0, (max(1, batch) / usual_batch) ** 0.25)


def passes_for(images: int, batch: int) -> int:
    """Return how often an epoch goes through ``images``, so that it has ``FEWEST_STEPS_PER_EPOCH`` steps."""
    return math.ceil(FEWEST_STEPS_PER_EPOCH * max(1, min(batch, images)) / images)


def averaging_decay_for(images: int, steps: int) -> float:
    """Return the share of the weights' average that a step keeps: less where a fit on few images is short.

    The usual average reaches back 500 steps, which may be all in which such a fit learned anything; then a tenth.
    """
    return DECAY if images >= FEW_IMAGES else min(DECAY, max(0.0, 1.0 - 10.0 / max(1, steps)))


def epochs_for(epochs: int, images: int, batch: int) -> int:
    """Return the epochs of a training on ``images`` in batches of ``batch``, given those for ``FULL_SIZE`` images.

    Smaller sets get more, in proportion, so that the number of steps stays about the same, up to ``MOST_REPEATS``. The
    smallest get fewer of their small steps again, but no fewer than 1,000.
    """
    return _epochs_for(epochs, images, batch, _FEWEST_STEPS)


def fine_tuning_epochs_for(epochs: int, images: int, batch: int) -> int:
    """Return the epochs of a fine-tuning, as ``epochs_for`` those of a training; no fewer than 300 steps."""
    return _epochs_for(epochs, images, batch, _FEWEST_FINE_TUNING_STEPS)


def _epochs_for(epochs: int, images: int, batch: int, fewest_steps: int) -> int:
    if images >= FEW_IMAGES:
        return round(epochs * min(max(FULL_SIZE / images, 1.0), MOST_REPEATS))
    repeats = max(_REPEATS_OF_FEW, MOST_REPEATS * images / FEW_IMAGES)
    steps = max(epochs * repeats * FEWEST_STEPS_PER_EPOCH, fewest_steps)
    return math.ceil(steps / max(1, steps_of(images, batch, passes_for(images, batch))))


def _one_cycle(steps: int, warm_up: float) -> NDArray[np.float64]:
    """Rise linearly from 1/25 to 1, then fall along a half cosine to 0 (Smith and Topin 2018, cosine variant)."""
    rise = max(1, round(steps * warm_up))
    return np.concatenate([np.linspace(1 / 25, 1.0, rise, endpoint=False), _half_cosine(steps - rise)])


def _cosine(steps: int, _: float) -> NDArray[np.float64]:
    """Fall from 1 along a half cosine to 0 (Loshchilov and Hutter 2017, without restarts)."""
    return _half_cosine(steps)


def _half_cosine(steps: int) -> NDArray[np.float64]:
    return np.asarray(0.5 * (1 + np.cos(np.pi * np.arange(steps) / max(steps, 1))), dtype=np.float64)


def _constant(steps: int, _: float) -> NDArray[np.float64]:
    return np.ones(steps)


SCHEDULES: dict[str, Callable[[int, float], NDArray[np.float64]]] = {
    "one-cycle": _one_cycle,
    "cosine": _cosine,
    "constant": _constant,
}


def find_schedule(name: str) -> Callable[[int, float], NDArray[np.float64]]:
    """Return the schedule's function: (steps, warm-up share) to one factor per step, in 0..1.

    :raises InputError: there is none of that name.
    """
    try:
        return SCHEDULES[name]
    except KeyError:
        raise unknown("schedule", name, SCHEDULES) from None


def learning_rates(recipe: Recipe, steps: int) -> NDArray[np.float32]:
    """Return the learning rate of each of ``steps`` steps: float32, shape (steps,)."""
    return (recipe.learning_rate * find_schedule(recipe.schedule)(steps, recipe.warm_up)).astype(np.float32)
