"""The evaluation stage: one model over the test set; what it gets right, and what it takes for what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.evaluate.metrics import average_scores, class_scores, confusion_matrix
from edgemnist.commands.evaluate.report import REPORT_NAME, EvaluatedModel, EvaluationReport, Mistake
from edgemnist.data.base import Split
from edgemnist.harness.classifier import Classifier, check_named, open_classifier
from edgemnist.harness.compare import agreement
from edgemnist.harness.subjects import ImageChoice, Subjects, file_subjects, work_folder_subjects
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import StageOrderError
from edgemnist.support.files import sha256_of, write_json
from edgemnist.support.progress import progress_task
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.pixels import normalisation_name

_KIND_ORDER = (ModelKind.INT8, ModelKind.INT16X8, ModelKind.DYNAMIC, ModelKind.FLOAT16, ModelKind.FLOAT32)
"""Which of a work folder's models is meant when none is named: the one closest to a microcontroller."""


@dataclass(frozen=True)
class EvaluateOptions:
    """What ``edgemnist evaluate`` takes. Without ``model`` it is the work folder's int8 one.

    ``runtimes``: where to run it, the first that takes it; empty is the usual one for its kind. ``timeout`` is in
    seconds, for a few thousand images.
    """

    work: Path
    model: Path | None = None
    images: ImageChoice = field(default_factory=lambda: ImageChoice(None))
    normalisation: str | None = None
    runtimes: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A report and the images it is about."""

    report: EvaluationReport
    split: Split


def evaluate(options: EvaluateOptions) -> Evaluation:
    """Evaluate one model; that of a work folder leaves ``evaluation.json`` and a record there, a named one nothing.

    :raises InputError: unknown runtime or dataset, a model that is missing or does not fit the images.
    :raises StageOrderError: no model named and none converted.
    :raises EnvironmentFailure: no runtime for the model is installed, or it crashed.
    :raises StorageError: the work folder cannot be written.
    """
    subjects = _subjects(options)
    (model,) = subjects.models
    check_named(subjects.models, options.runtimes)
    with (
        open_classifier(model, subjects, options.runtimes, timeout=options.timeout) as classifier,
        progress_task(f"{model.name} in {classifier.runtime}"),
    ):
        predicted = classifier.classify(subjects.split.images)
        report = _report(subjects, evaluated_model(classifier), predicted)
    if options.model is None:
        _leave(WorkFolder(options.work), model, report, options.runtimes)
    return Evaluation(report, subjects.split)


def evaluated_model(classifier: Classifier) -> EvaluatedModel:
    """Return what a report says of a model."""
    path = classifier.model.path
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return EvaluatedModel(
        file=classifier.model.name,
        kind=classifier.model.kind.value,
        bytes=sum(file.stat().st_size for file in files),
        sha256=sha256_of(path) if path.is_file() else "",
        runtime=classifier.runtime,
        version=classifier.version,
    )


def _subjects(options: EvaluateOptions) -> Subjects:
    if options.model is not None:
        return file_subjects([options.model], options.images, options.normalisation)
    found = work_folder_subjects(WorkFolder(options.work), options.images, needed_by="evaluate")
    converted = [model for model in found.models if model.kind in _KIND_ORDER]
    if not converted:
        raise StageOrderError(f"{str(options.work)!r} holds no .tflite: run `edgemnist convert --int8` first")
    best = min(converted, key=lambda model: _KIND_ORDER.index(model.kind))
    return Subjects((best,), found.split, found.normalisation, found.dataset, found.class_names, found.sampling)


def _report(subjects: Subjects, model: EvaluatedModel, predicted: NDArray[np.int64]) -> EvaluationReport:
    labels = subjects.split.labels
    confusion = confusion_matrix(labels, predicted, len(subjects.class_names))
    scores = class_scores(confusion, subjects.class_names)
    wrong = np.flatnonzero(labels != predicted)
    ordered = wrong[np.lexsort((wrong, predicted[wrong], labels[wrong]))]
    return EvaluationReport(
        model=model,
        dataset=subjects.dataset,
        sampling=subjects.sampling,
        normalisation=normalisation_name(subjects.normalisation),
        accuracy=agreement(predicted, labels),
        class_names=subjects.class_names,
        classes=scores,
        averages=average_scores(scores),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        mistakes=tuple(Mistake(int(index), int(labels[index]), int(predicted[index])) for index in ordered),
    )


def _leave(work: WorkFolder, model: LoadedModel, report: EvaluationReport, runtimes: Sequence[str]) -> None:
    content = report.as_json()
    target = write_json(work.path(REPORT_NAME), content)
    work.record(
        "evaluate",
        settings={"dataset": report.dataset, "sampling": report.sampling, "runtimes": list(runtimes)},
        results={"model": content["model"], "accuracy": content["accuracy"], "classes": content["classes"]},
        inputs=[model.path] if model.path.is_file() else [],
        outputs=[target],
        versions={report.model.runtime: report.model.version},
    )
