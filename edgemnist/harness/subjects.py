"""Models and images that fit each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Dataset, Split
from edgemnist.harness.feeding import FeedingSettings, Understanding, understand
from edgemnist.harness.images import ANY_SHAPE, ImageSettings, choose_dataset, choose_images
from edgemnist.harness.models import Subject
from edgemnist.harness.trying import TIMEOUT, Choice, choose_unknown
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import InputError, ModelError
from edgemnist.support.progress import say
from edgemnist.tflite.normalisation import normalisation_name
from edgemnist.tflite.preprocessing import Preprocessing, class_count


@dataclass(frozen=True, eq=False)
class Subjects:
    """What is put through the runtimes: models, and labelled images with how they become input.

    ``sampling`` says, for people, which images these are. ``recorded`` is what is known of the models' training, None
    where nobody has recorded it. ``assumed``: a line for each thing that nobody had said, with its evidence;
    ``known`` is what somebody had, as ``Understanding.known``.
    """

    models: tuple[LoadedModel, ...]
    split: Split
    preprocessing: Preprocessing
    dataset: str
    sampling: str
    recorded: ModelContext | None = None
    assumed: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()

    def context(self) -> ModelContext:
        """Return what the models are taken to be trained on, with the names of its classes."""
        return ModelContext(self.dataset, "", self.preprocessing)


def with_images(
    subjects: Sequence[Subject],
    settings: ImageSettings,
    feeding: FeedingSettings | None = None,
    *,
    timeout: float = TIMEOUT,
) -> Subjects:
    """Return models with images that all of them fit.

    ``feeding``: what the user says of how the models are fed. What neither he nor a record nor a file tells is tried on
    the images; what was assumed is said. ``timeout``: seconds that a runtime may take for the images once.

    :raises InputError: the models were not trained on the same, or a name of a class is wrong.
    :raises ModelError: a model does not fit the images.
    """
    feeding = feeding or FeedingSettings()
    models = _told_apart([one.model for one in subjects])
    context = _context(subjects)
    found = _joined(models, [understand(one, feeding) for one in subjects])
    dataset, preprocessing = fitting_dataset(subjects, settings, found, feeding)
    split, sampling = choose_images(dataset, settings.count)
    assumed = [*found.evidence]
    if settings.dataset is None and context is None:
        assumed.append(f"images of {dataset.name}: nobody has recorded what {models[0].name} was trained on")
    choice = choose_unknown(models[0], split, Choice(preprocessing, found.known), timeout=timeout)
    assumed += choice.evidence
    for line in assumed:
        say(line)
    return Subjects(
        tuple(models), split, choice.preprocessing, dataset.name, sampling, context, tuple(assumed), found.known
    )


def fitting_dataset(
    subjects: Sequence[Subject], settings: ImageSettings, known: Understanding, feeding: FeedingSettings
) -> tuple[Dataset, Preprocessing]:
    """Return the dataset at the models' shape, and how they are fed with its shape and the names of its classes.

    :raises InputError, ModelError: as :func:`with_images`.
    """
    models, context = [one.model for one in subjects], _context(subjects)
    if settings.dataset is None:
        recorded = [one.context.dataset if one.context else None for one in subjects]
        _require_one("dataset", models, recorded, "--dataset")
    dataset = choose_dataset(context, settings.dataset, known.preprocessing)
    names = _class_names(dataset, context, feeding)
    preprocessing = replace(known.preprocessing, image_shape=dataset.image_shape, class_names=names)
    for model in models:
        _check_fits(model, dataset, preprocessing)
    return dataset, preprocessing


def _context(subjects: Sequence[Subject]) -> ModelContext | None:
    return next((one.context for one in subjects if one.context is not None), None)


def _class_names(dataset: Dataset, context: ModelContext | None, feeding: FeedingSettings) -> tuple[str, ...]:
    """Return the names of the classes in the order of the outputs; the dataset's labels are in that order already.

    A record of the same dataset may have better names for it than its folder has by now.
    """
    feeding.require_classes_of(dataset)
    recorded = context.preprocessing.class_names if context and context.dataset == dataset.name else ()
    return recorded if len(recorded) == dataset.classes and feeding.classes is None else dataset.class_names


def _joined(models: Sequence[LoadedModel], found: Sequence[Understanding]) -> Understanding:
    """Return what is known of all models together: each field as the first model has it of which it is known."""
    ranges = [
        normalisation_name(one.preprocessing.normalisation) if "normalisation" in one.known else None for one in found
    ]
    _require_one("range of pixels", models, ranges, "--normalisation")
    best = max(found, key=lambda one: (one.preprocessing.image_shape != ANY_SHAPE, len(one.known)))
    told = next((one for one in found if "normalisation" in one.known), best)
    return Understanding(
        replace(best.preprocessing, normalisation=told.preprocessing.normalisation),
        best.known | told.known,
        tuple(dict.fromkeys(line for one in (best, told) for line in one.evidence)),
    )


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


def _check_fits(model: LoadedModel, dataset: Dataset, preprocessing: Preprocessing) -> None:
    """Refuse a model that takes other images or has another number of classes, before any runtime starts.

    :raises ModelError: says which model and both sizes.
    """
    if model.tflite is None:
        return
    try:
        model.inputs(dataset.test.images[:1], preprocessing)
    except ModelError as error:
        raise ModelError(f"{str(model.path)!r} and the dataset {dataset.name!r} do not fit: {error}") from error
    classes = class_count(model.tflite.output().elements)
    if classes != dataset.classes:
        raise InputError(
            f"{str(model.path)!r} tells {classes} classes apart, the dataset {dataset.name!r} has {dataset.classes}; "
            "name the dataset that it was trained on with --dataset"
        )
