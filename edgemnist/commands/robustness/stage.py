"""The robustness stage: every model on the same corrupted images, compared image by image."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.evaluate.stage import evaluated_model
from edgemnist.commands.robustness.plot import write_plot
from edgemnist.commands.robustness.report import CLEAN, PLOT_NAME, REPORT_NAME, Condition, RobustnessReport
from edgemnist.commands.robustness.summary import Measurement, summarise
from edgemnist.data.corruptions import MAX_SEVERITY, Corruption, corrupt, select_corruptions
from edgemnist.harness.classifier import check_named, open_classifier
from edgemnist.harness.subjects import ImageChoice, Subjects, file_subjects, work_folder_subjects
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.support.errors import InputError
from edgemnist.support.files import check_writable, write_json
from edgemnist.support.progress import progress_task
from edgemnist.tflite.kinds import ModelKind

_FLOAT_ORDER = (ModelKind.FLOAT32, ModelKind.KERAS)
"""The float reference of a work folder. The float32 .tflite goes before the Keras model it was made from: its classes
are the same, and it needs a fiftieth of the time."""

_REQUEST_IMAGES = 4096
"""About so many images go into one request to an engine."""


@dataclass(frozen=True)
class RobustnessOptions:
    """What ``edgemnist robustness`` takes. Without ``models`` they are the work folder's float and int8 ones.

    ``corruptions`` and ``severities`` empty are all of them. ``runtimes``: where to run, else the usual one for each
    kind of model. ``out``: the folder for JSON and plot, by default the work folder. ``timeout`` is in seconds, for a
    few thousand images.
    """

    work: Path
    models: tuple[Path, ...] = ()
    images: ImageChoice = field(default_factory=ImageChoice)
    normalisation: str | None = None
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


def robustness(options: RobustnessOptions) -> Robustness:
    """Measure accuracy under corruptions; leave ``robustness.json``, ``robustness.png`` and a record.

    The work folder's models leave them there unless ``out`` names another folder, without a record then; named models
    leave nothing unless it does.

    :raises InputError: an unknown corruption, severity, runtime or dataset; models that do not fit the images.
    :raises StageOrderError: no models named and none converted.
    :raises EnvironmentFailure: no runtime for a model is installed, or one crashed.
    :raises StorageError: the folder cannot be written.
    """
    conditions = plan(select_corruptions(options.corruptions), options.severities)
    subjects = _subjects(options)
    check_named(subjects.models, options.runtimes)
    folder = options.out or (None if options.models else options.work)
    if folder is not None:
        check_writable(folder)
    report = summarise(subjects, _measure(subjects, conditions, options), options.seed)
    return Robustness(report, None, None) if folder is None else _leave(folder, subjects, report, options)


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


def _subjects(options: RobustnessOptions) -> Subjects:
    if options.models:
        return file_subjects(options.models, options.images, options.normalisation)
    found = work_folder_subjects(WorkFolder(options.work), options.images, needed_by="robustness")
    floats = sorted(
        (model for model in found.models if model.kind in _FLOAT_ORDER),
        key=lambda model: _FLOAT_ORDER.index(model.kind),
    )
    quantised = [model for model in found.models if model.kind is ModelKind.INT8] or [
        model for model in found.models if model.kind not in _FLOAT_ORDER
    ]
    return replace(found, models=(*floats[:1], *quantised))


def _measure(subjects: Subjects, conditions: Sequence[Condition], options: RobustnessOptions) -> Measurement:
    """Run every model under every condition; several in one request, since opening a model takes time too."""
    images, labels = subjects.split.images, subjects.split.labels
    together = max(1, _REQUEST_IMAGES // len(images))
    with ExitStack() as stack:
        classifiers = [
            stack.enter_context(open_classifier(model, subjects, options.runtimes, timeout=options.timeout))
            for model in subjects.models
        ]
        task = stack.enter_context(progress_task(CLEAN, total=1 + len(conditions)))
        correct = [[classifier.classify(images) == labels] for classifier in classifiers]
        task.update(advance=1)
        for first in range(0, len(conditions), together):
            group = conditions[first : first + together]
            task.update(description=group[0].corruption)
            corrupted = [corrupt(images, one.corruption, one.severity, seed=options.seed) for one in group]
            for rows, classifier in zip(correct, classifiers, strict=True):
                predicted = classifier.classify(np.concatenate(corrupted)).reshape(len(group), len(images))
                rows.extend(predicted == labels)
            task.update(advance=len(group))
        models = tuple(evaluated_model(classifier) for classifier in classifiers)
    return Measurement(models, tuple(conditions), np.array(correct))


def _leave(folder: Path, subjects: Subjects, report: RobustnessReport, options: RobustnessOptions) -> Robustness:
    content = report.as_json()
    target = write_json(folder / REPORT_NAME, content)
    drawn = folder / PLOT_NAME
    plot = drawn if write_plot(drawn, report) else None
    if not options.models and options.out is None:
        WorkFolder(folder).record(
            "robustness",
            settings={
                "dataset": report.dataset,
                "sampling": report.sampling,
                "corruptions": list(options.corruptions),
                "severities": list(options.severities),
                "runtimes": list(options.runtimes),
                "seed": report.seed,
            },
            results={name: content[name] for name in ("models", "clean", "summaries", "verdicts")},
            inputs=[model.path for model in subjects.models if model.path.is_file()],
            outputs=[target, *([plot] if plot else [])],
            versions={model.runtime: model.version for model in report.models},
        )
    return Robustness(report, target, plot)
