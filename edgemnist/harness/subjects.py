"""Models and images that fit each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Dataset, Split
from edgemnist.harness.images import ImageSettings, choose_dataset, choose_images
from edgemnist.harness.models import Subject, told_by_input
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import InputError, ModelError
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.pixels import normalisation_name, normalisation_named
from edgemnist.tflite.preprocessing import Preprocessing


@dataclass(frozen=True, eq=False)
class Subjects:
    """What is put through the runtimes: models, and labelled images with how they become input.

    ``sampling`` says, for people, which images these are. ``recorded`` is what is known of the models' training, None
    where nobody has recorded it.
    """

    models: tuple[LoadedModel, ...]
    split: Split
    preprocessing: Preprocessing
    dataset: str
    sampling: str
    recorded: ModelContext | None = None

    def context(self) -> ModelContext:
        """Return what the models are taken to be trained on; where it is recorded, with its class names."""
        if self.recorded is None or self.recorded.dataset != self.dataset:
            return ModelContext(self.dataset, "", self.preprocessing)
        names = self.recorded.preprocessing.class_names
        return ModelContext(self.dataset, "", replace(self.preprocessing, class_names=names))


def with_images(subjects: Sequence[Subject], settings: ImageSettings, normalisation: str | None = None) -> Subjects:
    """Return models with images that all of them fit.

    :param normalisation: a name of ``edgemnist.tflite.pixels.NORMALISATIONS``; None takes what is recorded of the
        models, else what an int8 input's scale tells, else 0..1.
    :raises InputError: the normalisation is unknown, or the models were not trained on the same.
    :raises ModelError: a model does not fit the images.
    """
    models = _told_apart([one.model for one in subjects])
    contexts = [one.context for one in subjects]
    context = next((one for one in contexts if one is not None), None)
    if settings.dataset is None:
        _require_one("dataset", models, [one.dataset if one else None for one in contexts], "--dataset")
    pixels = _normalisation(models, contexts) if normalisation is None else normalisation_named(normalisation)
    dataset = choose_dataset(context, settings.dataset)
    split, sampling = choose_images(dataset, settings.count)
    for model in models:
        _check_fits(model, dataset, pixels)
    preprocessing = Preprocessing(dataset.image_shape, dataset.class_names, pixels)
    return Subjects(tuple(models), split, preprocessing, dataset.name, sampling, context)


def _normalisation(models: Sequence[LoadedModel], contexts: Sequence[ModelContext | None]) -> Normalisation:
    ranges = [
        one.preprocessing.normalisation if one else told_by_input(model)
        for one, model in zip(contexts, models, strict=True)
    ]
    names = [normalisation_name(one) if one else None for one in ranges]
    _require_one("range of pixels", models, names, "--normalisation")
    return next((one for one in ranges if one is not None), Normalisation())


def _told_apart(models: Sequence[LoadedModel]) -> list[LoadedModel]:
    """Return the models, those whose files are called alike with the rest of their paths in their names."""
    names = [model.path.name for model in models]
    return [
        replace(model, longer_name=str(model.path)) if names.count(model.path.name) > 1 else model for model in models
    ]


def _require_one(what: str, models: Sequence[LoadedModel], known: Sequence[str | None], option: str) -> None:
    """Refuse models that cannot be measured on the same images.

    :raises InputError: names those that differ, and the option that overrules what is known of them.
    """
    first: dict[str, Path] = {}
    for model, value in zip(models, known, strict=True):
        if value:
            first.setdefault(value, model.path)
    if len(first) > 1:
        each = ", ".join(f"{str(path)!r} for {value}" for value, path in first.items())
        raise InputError(
            f"the models were not made for the same {what}: {each}; measure them one by one, or say {option}"
        )


def _check_fits(model: LoadedModel, dataset: Dataset, normalisation: Normalisation) -> None:
    """Refuse a model that takes other images or has another number of classes, before any runtime starts.

    :raises ModelError: says which model and both sizes.
    """
    if model.tflite is None:
        return
    try:
        model.inputs(dataset.test.images[:1], normalisation)
    except ModelError as error:
        raise ModelError(f"{str(model.path)!r} and the dataset {dataset.name!r} do not fit: {error}") from error
    classes = int(np.prod(model.tflite.output().shape))
    if classes != dataset.classes:
        raise InputError(
            f"{str(model.path)!r} tells {classes} classes apart, the dataset {dataset.name!r} has {dataset.classes}; "
            "name the dataset that it was trained on with --dataset"
        )
