"""What pruning and quantisation-aware training share: the training's dataset, and a recipe that follows on from its."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.data.base import Dataset
from edgemnist.data.loading import load_dataset_for
from edgemnist.support.errors import InputError
from edgemnist.tflite.preprocessing import Preprocessing
from edgemnist.training.augmentation_choice import choose_augmentation
from edgemnist.training.recipe import (
    Recipe,
    averaging_decay_for,
    fine_tuning_epochs_for,
    given_or,
    passes_for,
    steps_of,
)
from edgemnist.training.settings import FitSettings

NEEDED = (
    "dataset",
    "dataset_sha256",
    "validation",
    "batch",
    "learning_rate",
    "label_smoothing",
    "augmentation",
    "seed",
)
"""Settings of the training that a fine-tuning follows on from."""


def settings_before(work: WorkFolder, *, needed_by: str) -> Mapping[str, Any]:
    """Return the recorded settings of the work folder's training.

    :raises StageOrderError: nothing has been trained here.
    :raises InputError: the record lacks some of them.
    """
    before = work.require("train", needed_by=needed_by).settings
    missing = [name for name in NEEDED if name not in before]
    if missing:
        raise InputError(
            f"{needed_by} needs {missing[0]!r} of the training, which the record of 'train' in "
            f"{str(work.manifest_path)!r} does not have: run `edgemnist train --work {work.root}` again"
        )
    return before


def following_recipe(
    settings: FitSettings,
    before: Mapping[str, Any],
    dataset: Dataset,
    *,
    epochs: int,
    rate_share: float,
    averaging: bool,
) -> Recipe:
    """Return the recipe of a fine-tuning.

    ``before``: the training's recorded settings; ``epochs``: the default for 55,000 images; ``rate_share``: the default
    peak learning rate as a share of the training's.

    :raises InputError: a setting is out of range.
    """
    images = len(dataset.train) - before["validation"]
    batch = given_or(settings.batch, int(before["batch"]))
    count = given_or(settings.epochs, fine_tuning_epochs_for(epochs, images, batch))
    passes = passes_for(images, batch)
    return Recipe(
        epochs=count,
        batch=batch,
        learning_rate=given_or(settings.learning_rate, before["learning_rate"] * rate_share),
        schedule="one-cycle",
        augmentation=choose_augmentation(settings.augmentation, before["augmentation"], dataset),
        patience=0,
        seed=given_or(settings.seed, int(before["seed"])),
        label_smoothing=before["label_smoothing"],
        augmentation_strength=before.get("augmentation_strength", 1.0),
        averaging=averaging,
        selection=before.get("selection", True),
        passes=passes,
        averaging_decay=averaging_decay_for(images, count * steps_of(images, batch, passes)),
    )


def trained_dataset(settings: FitSettings, work: WorkFolder, *, needed_by: str) -> Dataset:
    """Load the dataset that the work folder's model was trained on, its images in the order of channels and the
    orientation in which the model takes them; the settings may name where it is now.

    :raises StageOrderError: nothing has been trained here.
    :raises EdgeMnistError: as ``load_dataset_for``.
    """
    context = ModelContext.from_json(work.require("train", needed_by=needed_by).settings)
    return as_seen(load_dataset_for(context, settings.dataset), context.preprocessing)


def as_seen(dataset: Dataset, preprocessing: Preprocessing) -> Dataset:
    """Return a dataset with its images as a model sees them but for the range; its digest stays the pictures'."""
    splits = (dataset.train, dataset.test)
    train, test = (replace(split, images=preprocessing.as_seen(split.images)) for split in splits)
    return replace(dataset, train=train, test=test)


def require_same_dataset(before: Mapping[str, Any], dataset: Dataset, what: str) -> None:
    """Check that a fine-tuning (``what``, a verb) has the dataset that the training had.

    :raises InputError: it has not.
    """
    if dataset.sha256 != before["dataset_sha256"]:
        raise InputError(
            f"the model was trained on {before['dataset']!r} (sha256 {before['dataset_sha256'][:12]}), this is "
            f"{dataset.name!r} ({dataset.sha256[:12]}); {what} on the same data, or run `edgemnist train` on this one"
        )
