"""The robustness stage: every model on the same corrupted images, compared image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.reading import digests_of_models
from edgemnist.commands.robustness.plot import write_plot
from edgemnist.commands.robustness.report import CLEAN, PLOT_NAME, REPORT_NAME, Condition, RobustnessReport
from edgemnist.commands.robustness.summary import Measurement, summarise
from edgemnist.data.corruptions import MAX_SEVERITY, Corruption, corrupt, select_corruptions
from edgemnist.harness.classifier import open_classifier
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import ANY_TFLITE, FLOAT_REFERENCES, Subject, named_subjects, work_subjects
from edgemnist.harness.runtimes import check_named
from edgemnist.harness.subjects import Subjects, with_images
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.support.errors import InputError
from edgemnist.support.files import check_writable, write_json
from edgemnist.support.progress import progress_task

_REQUEST_IMAGES = 4096
"""About so many images go into one request to a runtime."""


@dataclass(frozen=True, kw_only=True)
class RobustnessSettings:
    """What ``edgemnist robustness`` takes. Without ``models`` they are the work folder's float
    reference and the preferred one of the others, which is int8 if there is one.

    ``corruptions`` and ``severities`` empty are all of them. ``runtimes``: where to run, else the usual one for each
    kind of model. ``out``: the folder for JSON and plot, by default the work folder. ``timeout`` is in seconds, for a
    few thousand images.
    """

    models: tuple[Path, ...] = ()
    images: ImageSettings = field(default_factory=ImageSettings)
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    corruptions: tuple[str, ...] = ()
    severities: tuple[int, ...] = ()
    runtimes: tuple[str, ...] = ()
    seed: int = 0
    out: Path | None = None
    timeout: float = DEFAULT_TIMEOUT


@dataclass(frozen=True)
class Robustness:
    """A report and the files that were written; ``plot`` is None where matplotlib is missing or nothing is written."""

    report: RobustnessReport
    written: Path | None
    plot: Path | None

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return self.report.as_json()


def robustness(settings: RobustnessSettings, work: WorkFolder) -> Robustness:
    """Measure accuracy under corruptions; leave ``robustness.json``, ``robustness.png`` and a record.

    The work folder's models leave them there unless ``out`` names another folder, without a record then; named models
    leave nothing unless it does.

    :raises InputError: an unknown corruption, severity, runtime or dataset; models that do not fit the images.
    :raises StageOrderError: no models named and none converted.
    :raises EnvironmentFailure: no runtime for a model is installed, or one crashed.
    :raises StorageError: the folder cannot be written.
    """
    conditions = plan(select_corruptions(settings.corruptions), settings.severities)
    found = _subjects(settings, work)
    read = {} if settings.models else digests_of_models(one.model for one in found)
    subjects = with_images(found, settings.images, settings.feeding, timeout=settings.timeout)
    check_named(subjects.models, settings.runtimes)
    folder = settings.out or (None if settings.models else work.root)
    if folder is not None:
        check_writable(folder)
    report = summarise(subjects, _measure(subjects, conditions, settings), settings.seed)
    if folder is None:
        return Robustness(report, None, None)
    with WorkFolder(folder).leaving("robustness", read):
        return _leave(folder, read, report, settings)


def plan(chosen: Sequence[Corruption], severities: Sequence[int]) -> tuple[Condition, ...]:
    """Return the conditions to measure, in the corruptions' order; no severities: all that a corruption has.

    A corruption of one strength is measured once, whichever severities are asked for.

    :raises InputError: a severity outside 1..5.
    """
    for severity in severities:
        if not 1 <= severity <= MAX_SEVERITY:
            raise InputError(f"severity {severity!r} is out of range; give 1 to {MAX_SEVERITY}")
    return tuple(
        Condition(one.name, severity, one.level(severity), severity == one.published)
        for one in chosen
        for severity in one.severities
        if not severities or severity in severities or len(one.levels) == 1
    )


def _subjects(settings: RobustnessSettings, work: WorkFolder) -> Sequence[Subject]:
    """Return the named models, else the work folder's float reference and the model that is preferred of the others."""
    if settings.models:
        return named_subjects(settings.models, output=settings.feeding.output)
    found = work_subjects(work, keras=True)
    # The float32 .tflite goes before the Keras model it was made from: the same classes for a fiftieth of the time.
    floats = [one for kind in reversed(FLOAT_REFERENCES) for one in found if one.kind is kind]
    others = [one for kind in ANY_TFLITE for one in found if one.kind is kind and kind not in FLOAT_REFERENCES]
    return (*floats[:1], *others[:1])


def _measure(subjects: Subjects, conditions: Sequence[Condition], settings: RobustnessSettings) -> Measurement:
    """Run every model under every condition; several in one request, since opening a model takes time too."""
    images, labels = subjects.split.images, subjects.split.labels
    together = max(1, _REQUEST_IMAGES // len(images))
    with ExitStack() as stack:
        classifiers = [
            stack.enter_context(open_classifier(model, subjects, settings.runtimes, timeout=settings.timeout))
            for model in subjects.models
        ]
        task = stack.enter_context(progress_task(CLEAN, total=1 + len(conditions)))
        correct = [[classifier.classify(images) == labels] for classifier in classifiers]
        task.update(advance=1)
        for first in range(0, len(conditions), together):
            group = conditions[first : first + together]
            task.update(description=group[0].corruption)
            corrupted = [corrupt(images, one.corruption, one.severity, seed=settings.seed) for one in group]
            for rows, classifier in zip(correct, classifiers, strict=True):
                predicted = classifier.classify(np.concatenate(corrupted)).reshape(len(group), len(images))
                rows.extend(predicted == labels)
            task.update(advance=len(group))
        models = tuple(classifier.evaluated() for classifier in classifiers)
    return Measurement(models, tuple(conditions), np.array(correct))


def _leave(
    folder: Path, read: Mapping[Path, str], report: RobustnessReport, settings: RobustnessSettings
) -> Robustness:
    content = report.as_json()
    target = write_json(folder / REPORT_NAME, content)
    drawn = folder / PLOT_NAME
    plot = drawn if write_plot(drawn, report) else None
    if not settings.models and settings.out is None:
        WorkFolder(folder).record(
            "robustness",
            settings={
                "dataset": report.dataset,
                "sampling": report.sampling,
                "corruptions": list(settings.corruptions),
                "severities": list(settings.severities),
                "runtimes": list(settings.runtimes),
                "seed": report.seed,
            },
            results={name: content[name] for name in ("models", "clean", "summaries", "verdicts")},
            inputs=read,
            outputs=[target, *([plot] if plot else [])],
            versions={model.runtime: model.version for model in report.models},
        )
    return Robustness(report, target, plot)
