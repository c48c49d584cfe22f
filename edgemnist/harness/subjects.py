"""Which models and which images take part in a parity run, from a work folder or from files named one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgemnist.artifacts.context import ModelContext, context_beside
from edgemnist.artifacts.folder import StageRecord, WorkFolder
from edgemnist.data.base import Dataset, Split
from edgemnist.runner.run import LoadedModel, load_model
from edgemnist.support.errors import (
    InputError,
    ModelError,
    StageOrderError,
)
from edgemnist.support.files import sha256_of
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.pixels import infer_normalisation, normalisation_name, normalisation_named

DEFAULT_DATASET = "mnist"
DEFAULT_IMAGES = 1000
_SAMPLE_SEED = 0


@dataclass(frozen=True)
class ImageChoice:
    """Which images to use: ``count`` of the test set with equally many per class, or all of it with ``count`` None.

    ``dataset`` None takes the one that the model was trained on, or MNIST where that isn't known.
    """

    count: int | None = DEFAULT_IMAGES
    dataset: str | None = None


def choice_of_options(images: int | None, all_images: bool, dataset: str | None) -> ImageChoice:
    """Return what ``--images`` and ``--all`` come to; neither is :data:`DEFAULT_IMAGES`.

    :raises InputError: both are given.
    """
    if all_images and images is not None:
        raise InputError(f"--images {images} and --all contradict each other; give one of them")
    return ImageChoice(None if all_images else images or DEFAULT_IMAGES, dataset)


def work_folder_subjects(work: WorkFolder, choice: ImageChoice, *, needed_by: str) -> Subjects:
    """Return what a work folder has converted: the Keras model and every ``.tflite`` made from it.

    :raises StageOrderError: nothing has been converted here, or it was made from an older Keras model.
    """
    converted = work.require("convert", needed_by=needed_by)
    context = ModelContext.from_json(converted.settings)
    tflite = [work.path(name) for name in converted.outputs if name.endswith(".tflite")]
    paths = [*_keras_source(work, converted, needed_by), *tflite]
    return _subjects([load_model(path) for path in paths], context, context.normalisation, choice)


def file_subjects(paths: Sequence[Path], choice: ImageChoice, normalisation: str | None = None) -> Subjects:
    """Return models named one by one; what they were trained on comes from the manifests beside them, if any.

    :param normalisation: a name of ``edgemnist.tflite.pixels.NORMALISATIONS``; None takes the manifests', else what an
        int8 input's scale tells, else 0..1.
    :raises InputError: a file is missing, the normalisation unknown, or the models were not trained on the same.
    """
    models = _told_apart([load_model(path) for path in dict.fromkeys(paths)])
    contexts = [context_beside(model.path) for model in models]
    context = next((one for one in contexts if one is not None), None)
    if choice.dataset is None:
        known = [one.dataset if one else None for one in contexts]
        _require_one("dataset", models, known, "--dataset")
    if normalisation is not None:
        return _subjects(models, context, normalisation_named(normalisation), choice)
    ranges = [one.normalisation if one else told_by_input(model) for one, model in zip(contexts, models, strict=True)]
    _require_one(
        "range of pixels", models, [normalisation_name(one) if one else None for one in ranges], "--normalisation"
    )
    return _subjects(models, context, next((one for one in ranges if one is not None), Normalisation()), choice)


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


def _keras_source(work: WorkFolder, converted: StageRecord, needed_by: str) -> list[Path]:
    """Return the Keras model that was converted, if it is still there.

    :raises StageOrderError: it has been trained or pruned anew since.
    """
    path = work.root / str(converted.settings.get("source", ""))
    if not path.exists() or path == work.root:
        return []
    trained = path.parent == work.root and work.find("train") is not None
    newest = work.latest_model(needed_by=needed_by)[0] if trained else path
    if newest != path or (path.is_file() and sha256_of(path) not in converted.inputs.values()):
        raise StageOrderError(
            f"the converted models in {str(work.root)!r} were not made from the newest {newest.name!r}: "
            f"run `edgemnist convert --float32 --int8 --work {work.root}` again"
        )
    return [path]


def told_by_input(model: LoadedModel) -> Normalisation | None:
    """Return the normalisation that the scale of a quantised input tells, if it does."""
    return infer_normalisation(model.tflite.input()) if model.tflite else None


def _subjects(
    models: Sequence[LoadedModel], context: ModelContext | None, normalisation: Normalisation, choice: ImageChoice
) -> Subjects:
    from edgemnist.data.loading import load_dataset, load_dataset_for

    name = choice.dataset or (context.dataset if context else DEFAULT_DATASET)
    if not name:
        raise InputError("nobody has recorded what the model was trained on; name the dataset with --dataset")
    dataset = load_dataset_for(context, name) if context else load_dataset(name)
    split, sampling = _sample(dataset, choice.count)
    for model in models:
        _check_fits(model, dataset, normalisation)
    return Subjects(tuple(models), split, normalisation, dataset.name, dataset.class_names, sampling)


def _sample(dataset: Dataset, count: int | None) -> tuple[Split, str]:
    from edgemnist.data.splits import class_balanced_sample

    total = len(dataset.test)
    if count is None or count >= total:
        return dataset.test, f"all {total} test images"
    sample = class_balanced_sample(dataset.test, count, _SAMPLE_SEED)
    return sample, f"{count} of {total} test images, equally many per class (seed {_SAMPLE_SEED})"


def _check_fits(model: LoadedModel, dataset: Dataset, normalisation: Normalisation) -> None:
    """Refuse a model that takes other images or has another number of classes, before any engine starts.

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


@dataclass(frozen=True, eq=False)
class Subjects:
    """What is put through the runtimes: models, and labelled images with how a pixel becomes input.

    ``class_names`` are in label order; ``sampling`` says, for people, which images these are.
    """

    models: tuple[LoadedModel, ...]
    split: Split
    normalisation: Normalisation
    dataset: str
    class_names: tuple[str, ...]
    sampling: str
