"""The evaluation stage: one model over the test set; what it gets right, and what it takes for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.evaluate.metrics import (
    average_scores,
    class_scores,
    confusion_matrix,
    cross_entropy,
    top_hits,
)
from edgemnist.commands.evaluate.report import REPORT_NAME, EvaluationReport, Mistake
from edgemnist.commands.reading import digests_of_models
from edgemnist.data.base import Split
from edgemnist.harness.calibration import expected_calibration_error, reliability
from edgemnist.harness.classifier import Answers, EvaluatedModel, open_classifier
from edgemnist.harness.compare import Share, agreement
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import find_subject
from edgemnist.harness.remarks import remark_on
from edgemnist.harness.runtimes import check_named
from edgemnist.harness.subjects import Subjects, with_images
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.support.files import write_json
from edgemnist.support.progress import progress_task
from edgemnist.tflite.normalisation import normalisation_name


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """What ``edgemnist evaluate`` takes. Without ``model`` it is the work folder's preferred one.

    ``runtimes``: where to run it, the first that takes it; empty is the usual one for its kind. ``timeout`` is in
    seconds, for a few thousand images.
    """

    model: Path | None = None
    images: ImageSettings = field(default_factory=lambda: ImageSettings(count=None))
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    runtimes: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A report and the images it is about."""

    report: EvaluationReport
    split: Split

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return self.report.as_json()


def evaluate(settings: EvaluateSettings, work: WorkFolder) -> Evaluation:
    """Evaluate one model; that of a work folder leaves ``evaluation.json`` and a record there, a named one nothing.

    :raises InputError: unknown runtime or dataset, a model that is missing or does not fit the images.
    :raises StageOrderError: no model named and none converted.
    :raises EnvironmentFailure: no runtime for the model is installed, or it crashed.
    :raises StorageError: the work folder cannot be written.
    """
    subject = find_subject(settings.model, work, keras=True, output=settings.feeding.output)
    read = digests_of_models([subject.model])
    subjects = with_images([subject], settings.images, settings.feeding, timeout=settings.timeout)
    check_named(subjects.models, settings.runtimes)
    with (
        open_classifier(subject.model, subjects, settings.runtimes, timeout=settings.timeout) as classifier,
        progress_task(f"{subject.model.name} in {classifier.runtime}"),
    ):
        report = _report(subjects, classifier.evaluated(), classifier.answer(subjects.split.images))
    remark = remark_on(subject.model, subjects, report.accuracy.share, timeout=settings.timeout)
    report = replace(report, remark=remark)
    if settings.model is None:
        with work.leaving("evaluate", read):
            _leave(work, read, report, settings.runtimes)
    return Evaluation(report, subjects.split)


def _report(subjects: Subjects, model: EvaluatedModel, answers: Answers) -> EvaluationReport:
    labels, predicted, chances = subjects.split.labels, answers.classes, answers.probabilities
    confusion = confusion_matrix(labels, predicted, len(subjects.preprocessing.class_names))
    scores = class_scores(confusion, subjects.preprocessing.class_names)
    wrong = np.flatnonzero(labels != predicted)
    ordered = wrong[np.lexsort((wrong, predicted[wrong], labels[wrong]))]
    return EvaluationReport(
        model=model,
        dataset=subjects.dataset,
        sampling=subjects.sampling,
        normalisation=normalisation_name(subjects.preprocessing.normalisation),
        preprocessing=subjects.preprocessing.in_words(),
        assumed=subjects.assumed,
        accuracy=agreement(predicted, labels),
        loss=cross_entropy(chances, labels),
        top={count: Share(hits, len(labels)) for count, hits in top_hits(chances, labels).items()},
        calibration_error=expected_calibration_error(reliability(chances.max(axis=1), predicted == labels)),
        images_per_second=len(labels) / answers.seconds,
        class_names=subjects.preprocessing.class_names,
        classes=scores,
        averages=average_scores(scores),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        mistakes=tuple(
            Mistake(int(index), int(labels[index]), int(predicted[index]), round(float(chances[index].max()), 6))
            for index in ordered
        ),
    )


def _leave(work: WorkFolder, read: Mapping[Path, str], report: EvaluationReport, runtimes: Sequence[str]) -> None:
    content = report.as_json()
    target = write_json(work.path(REPORT_NAME), content)
    work.record(
        "evaluate",
        settings={"dataset": report.dataset, "sampling": report.sampling, "runtimes": list(runtimes)},
        results={"model": content["model"], "accuracy": content["accuracy"], "classes": content["classes"]},
        inputs=read,
        outputs=[target],
        versions={report.model.runtime: report.model.version},
    )
