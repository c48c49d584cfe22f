"""Which models and which images take part in a parity run, from a work folder or from files named one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgemnist.artifacts import MANIFEST_NAME, ModelContext, StageRecord, WorkFolder, sha256_of
from edgemnist.data.base import Dataset, Normalisation, Split
from edgemnist.errors import InputError, ModelError, StageOrderError
from edgemnist.parity.harness import Subjects
from edgemnist.pixels import infer_normalisation, normalisation_named
from edgemnist.runtimes.run import LoadedModel, load_model

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


def work_folder_subjects(work: WorkFolder, choice: ImageChoice) -> Subjects:
    """Return what a work folder has converted: the Keras model and every ``.tflite`` made from it.

    :raises StageOrderError: nothing has been converted here, or it was made from an older Keras model.
    """
    converted = work.require("convert", needed_by="parity")
    context = ModelContext.from_json(converted.settings)
    tflite = [work.path(name) for name in converted.outputs if name.endswith(".tflite")]
    paths = [*_keras_source(work, converted), *tflite]
    return _subjects([load_model(path) for path in paths], context, context.normalisation, choice)


def file_subjects(paths: Sequence[Path], choice: ImageChoice, normalisation: str | None = None) -> Subjects:
    """Return models named one by one; what they were trained on comes from a manifest beside the first, if any.

    :param normalisation: a name of ``edgemnist.pixels.NORMALISATIONS``; None takes the manifest's, else what an int8
        input's scale tells, else 0..1.
    :raises InputError: a file is missing or the normalisation unknown.
    """
    models = [load_model(path) for path in dict.fromkeys(paths)]
    context = context_beside(models[0].path)
    if normalisation is not None:
        chosen = normalisation_named(normalisation)
    else:
        chosen = context.normalisation if context else told_by_input(models)
    return _subjects(models, context, chosen, choice)


def context_beside(model: Path) -> ModelContext | None:
    """Return what a model was trained on, from the ``manifest.json`` in its folder, if that names the model."""
    work = WorkFolder(model.resolve().parent)
    if not work.path(MANIFEST_NAME).exists():
        return None
    for record in work.stages().values():
        if model.name in record.outputs and "normalisation" in record.settings:
            return ModelContext.from_json(record.settings)
    return None


def _keras_source(work: WorkFolder, converted: StageRecord) -> list[Path]:
    """Return the Keras model that was converted, if it is still there.

    :raises StageOrderError: it has been trained or pruned anew since.
    """
    path = work.root / str(converted.settings.get("source", ""))
    if not path.exists() or path == work.root:
        return []
    newest = work.latest_model(needed_by="parity")[0] if path.parent == work.root and work.find("train") else path
    if newest != path or (path.is_file() and sha256_of(path) not in converted.inputs.values()):
        raise StageOrderError(
            f"the converted models in {str(work.root)!r} were not made from the newest {newest.name!r}: "
            f"run `edgemnist convert --float32 --int8 --work {work.root}` again"
        )
    return [path]


def told_by_input(models: Sequence[LoadedModel]) -> Normalisation:
    """Return the normalisation that the scale of a quantised input tells, else the house default."""
    for model in models:
        found = infer_normalisation(model.tflite.input()) if model.tflite else None
        if found is not None:
            return found
    return Normalisation()


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
