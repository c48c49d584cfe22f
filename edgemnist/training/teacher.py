"""The teacher of a distillation: a model of the user's, or one trained on demand and kept in the work folder."""

from __future__ import annotations

from pathlib import Path

from edgemnist.artifacts.folder import TRAINED_MODEL, StageRecord, WorkFolder
from edgemnist.data.base import Dataset, Split
from edgemnist.support.errors import InputError, ModelError
from edgemnist.training.architectures import architectures
from edgemnist.training.distillation import Teacher
from edgemnist.training.loop import evaluate

TEACHERS = "teachers"
"""Folder in the work folder with one work folder per architecture that was trained as a teacher."""

ANSWERS = "answers"
"""Folder with what a teacher said, in the teacher's own work folder, else beside the teachers trained here."""


def _given(name: str) -> Path:
    path = Path(name)
    path = path / TRAINED_MODEL if path.is_dir() else path
    if not path.is_file():
        known = ", ".join(row.name for row in architectures())
        raise InputError(
            f"unknown teacher {name!r}: it is neither an architecture ({known}) nor a .keras file or work folder"
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
    takes, classes = tuple(teacher.model.input_shape[1:]), int(teacher.model.output_shape[-1])
    if takes != dataset.image_shape or classes != dataset.classes:
        raise ModelError(
            f"the teacher {str(teacher.path)!r} takes images of shape {takes} and tells {classes} classes apart, "
            f"{dataset.name!r} has {dataset.image_shape} and {dataset.classes}; train one on this dataset"
        )
    accuracy = evaluate(teacher.model, validation, teacher.normalisation)[1]
    if accuracy < 2 / dataset.classes:
        raise ModelError(
            f"the teacher {str(teacher.path)!r} classifies {accuracy:.1%} of the held-out images of {dataset.name!r}, "
            "hardly more than chance: it knows another dataset or another range of pixels; train one on this dataset"
        )
