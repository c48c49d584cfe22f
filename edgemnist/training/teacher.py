"""The teacher of a distillation: a model of the user's, or one trained on demand and kept in the work folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import TRAINED_MODEL, StageRecord, WorkFolder
from edgemnist.data.base import Dataset, Split
from edgemnist.keras_io.saving import load_model
from edgemnist.support.errors import InputError, ModelError
from edgemnist.support.files import sha256_of
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.training.architectures import architectures
from edgemnist.training.chance import seen_at_chance
from edgemnist.training.distillation import DistillationSettings, Teacher
from edgemnist.training.fit import FittedT, PlannedFit, PlanT, ResultT, plan_fit, run_fit
from edgemnist.training.heads import class_count
from edgemnist.training.loop import predicted_classes
from edgemnist.training.settings import SettingsT
from edgemnist.training.train import TRAIN, TrainSettings, is_resumable, is_trained

TEACHERS = "teachers"
"""Folder in the work folder with one work folder per architecture that was trained as a teacher."""

# The name on disk is from when logits were called answers: those in people's work folders are found under it, and to
# compute them anew would take most of the time of a training.
LOGITS_FOLDER = "answers"
"""Folder with a teacher's logits, in the teacher's own work folder, else beside the teachers trained here."""


def run_taught(planned: PlannedFit[SettingsT, PlanT, FittedT, ResultT]) -> ResultT:
    """Run a planned fit with the teacher that its settings ask for, if they ask for one.

    :raises EdgeMnistError: as ``find_teacher`` and ``run_fit``.
    """
    distillation = planned.settings.distillation
    if distillation is None:
        return run_fit(planned, None)
    validation, seed = planned.division.validation, planned.plan.split_seed
    return run_fit(planned, find_teacher(distillation, planned.dataset, validation, planned.work, seed=seed))


def find_teacher(
    settings: DistillationSettings, dataset: Dataset, validation: Split, work: WorkFolder, *, seed: int
) -> Teacher:
    """Return the teacher, trained now if it is an architecture that has not been trained here on this dataset.

    A teacher trained here holds out the same images as its student (``validation``, chosen by ``seed``), so that the
    student is not selected on images that its teacher has learned.

    :raises InputError: there is no such architecture or file, or it was trained on another dataset.
    :raises ModelError: it takes other images, tells other classes apart, or does not know this dataset.
    """
    if settings.teacher in {row.name for row in architectures()}:
        path = _trained_here(settings, dataset, len(validation), work, seed)
    else:
        path = _given(settings)
    record = _record_of(path)
    if record is not None:
        _require_same_dataset(path, record, dataset)
    normalisation = ModelContext.from_json(record.settings).preprocessing.normalisation if record else Normalisation()
    logits = (path.parent if record else work.path(TEACHERS)) / LOGITS_FOLDER
    teacher = Teacher(settings, path, sha256_of(path), load_model(path), normalisation, logits)
    _require_fit(teacher, dataset, validation)
    return teacher


def _trained_here(settings: DistillationSettings, dataset: Dataset, held_out: int, work: WorkFolder, seed: int) -> Path:
    folder = WorkFolder(work.path(TEACHERS) / settings.teacher)
    wanted = TrainSettings(arch=settings.teacher, epochs=settings.teacher_epochs, seed=seed, validation=held_out)
    with folder.fitting(TRAIN.name):
        if not is_trained(wanted, dataset, folder):
            run_fit(plan_fit(TRAIN, wanted, dataset, folder, resume=is_resumable(wanted, dataset, folder)), None)
    return folder.path(TRAINED_MODEL)


def _given(settings: DistillationSettings) -> Path:
    """Return the path of a model of the user's."""
    path = Path(settings.teacher)
    path = path / TRAINED_MODEL if path.is_dir() else path
    if not path.is_file():
        known = ", ".join(row.name for row in architectures())
        raise InputError(
            f"unknown teacher {settings.teacher!r}: it is neither an architecture ({known}) nor a .keras file or work "
            "folder"
        )
    if settings.teacher_epochs is not None:
        raise InputError(
            f"--teacher-epochs {settings.teacher_epochs} is for a teacher that is trained here; {str(path)!r} is "
            "trained already: leave it out, or name an architecture"
        )
    return path


def _record_of(path: Path) -> StageRecord | None:
    """Return the record of the stage that made a model, from the manifest beside it; None where there is none."""
    for record in WorkFolder(path.parent).stages().values():
        if path.name in record.outputs and "dataset_sha256" in record.settings:
            return record
    return None


def _require_same_dataset(path: Path, record: StageRecord, dataset: Dataset) -> None:
    settings = record.settings
    if settings["dataset_sha256"] != dataset.sha256:
        raise InputError(
            f"the teacher {str(path)!r} was trained on {settings['dataset']!r} "
            f"(sha256 {settings['dataset_sha256'][:12]}), this is {dataset.name!r} ({dataset.sha256[:12]}); "
            "a teacher has to know the same dataset: train one on it, or name an architecture"
        )


def _require_fit(teacher: Teacher, dataset: Dataset, validation: Split) -> None:
    takes, classes = tuple(teacher.model.input_shape[1:]), class_count(teacher.model)
    if takes != dataset.image_shape or classes != dataset.classes:
        raise ModelError(
            f"the teacher {str(teacher.path)!r} takes images of shape {takes} and tells {classes} classes apart, "
            f"{dataset.name!r} has {dataset.image_shape} and {dataset.classes}; train one on this dataset"
        )
    predicted = predicted_classes(teacher.model, validation, teacher.normalisation)
    if seen_at_chance(validation.labels, predicted, dataset.class_names):
        accuracy = np.mean(predicted == validation.labels)
        raise ModelError(
            f"the teacher {str(teacher.path)!r} classifies {accuracy:.1%} of the held-out images of {dataset.name!r}, "
            "hardly more than chance: it knows another dataset or another range of pixels; train one on this dataset"
        )
