"""The runtimes' part of a report: measured now, or taken from the work folder's ``parity.json`` of the same models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import MAX_MANIFEST_BYTES, WorkFolder
from edgemnist.commands.parity.execution import ParityRun, run_all
from edgemnist.commands.parity.gate import check_gates
from edgemnist.commands.parity.report import REPORT_FORMAT, REPORT_NAME
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.gates import Gates
from edgemnist.harness.images import DEFAULT_IMAGES, ImageSettings
from edgemnist.harness.models import ANY_TFLITE, FLOAT_REFERENCES, Subject, digest_of
from edgemnist.harness.runtimes import preferred_runtimes
from edgemnist.harness.subjects import Subjects, with_images
from edgemnist.runner.base import RunResult
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.runner.registry import default_runtimes, find_runtime
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import ModelError
from edgemnist.support.files import sha256_of
from edgemnist.support.reading import read_json
from edgemnist.tflite.kinds import ModelKind

_MEASURED = "measured by this command"


@dataclass(frozen=True, kw_only=True)
class MeasuringSettings:
    """What is measured, and on what.

    ``images`` None and no ``runtimes`` take the work folder's ``parity.json`` if it is of its present models; else
    ``usual_images`` and all runtimes that are not emulated. ``timeout``: seconds for one runtime and one model.
    ``gates``: what has to hold; those of runtimes are decided by a run of now.
    """

    images: ImageSettings | None = None
    dataset: str | None = None
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    runtimes: tuple[str, ...] = ()
    timeout: float = DEFAULT_TIMEOUT
    gates: Gates = field(default_factory=Gates)
    usual_images: int = DEFAULT_IMAGES

    @property
    def leaves_all_open(self) -> bool:
        """Whether nothing is asked for that ``parity.json`` may have otherwise."""
        asked = self.images, self.dataset, *self.runtimes
        return not any(asked) and not self.feeding.given() and not self.gates.of_runtimes


@dataclass(frozen=True, eq=False)
class Answers:
    """A model and what a runtime made of the images."""

    model: LoadedModel
    run: RunResult

    @property
    def title(self) -> str:
        """The model and the runtime, for people."""
        return f"{self.model.name} in {self.run.runtime}"


@dataclass(frozen=True, eq=False)
class Measured:
    """``parity``: the document of :class:`ParityReport`, and ``source`` whether it was measured now or read.

    ``subject`` is the model that the report is about, ``main`` its answers in the oracle or the runtime that comes
    nearest, ``others`` those in the other runtimes; ``reference`` the float model's, None where there is none.
    """

    subjects: Subjects
    parity: Mapping[str, Any]
    source: str
    subject: Subject
    main: Answers
    others: tuple[Answers, ...]
    reference: Answers | None


def measure(found: Sequence[Subject], settings: MeasuringSettings, work: WorkFolder | None) -> Measured:
    """Run the models; ``work`` is where they come from, None where they were named.

    :raises InputError: an unknown runtime or dataset, models that do not fit the images.
    :raises ModelError: no runtime ran the model that the report is about.
    """
    subject = _subject(found)
    recorded = recorded_parity(found, work) if work is not None and settings.leaves_all_open else None
    if recorded is None:
        chosen, images = found, settings.images or _usual(settings)
        names = tuple(dict.fromkeys([*(settings.runtimes or default_runtimes()), *settings.gates.needed_runtimes()]))
    else:
        chosen, names = _for_details(found, subject, recorded)
        images = ImageSettings(count=recorded["images"])
    subjects = with_images(chosen, images, settings.feeding, timeout=settings.timeout)
    run = run_all(subjects, names, timeout=settings.timeout)
    subject = replace(subject, model=_same(subjects, subject.model))
    judged = check_gates(run.report, settings.gates).as_json()
    document, source = (judged, _MEASURED) if recorded is None else (recorded, _read_from(work))
    main = _main(subject.model, run)
    others = [Answers(model, result) for model, result in _results(subjects, run) if model is subject.model]
    return Measured(
        subjects=subjects,
        parity=document,
        source=source,
        subject=subject,
        main=main,
        others=tuple(one for one in others if one.run is not main.run),
        reference=_reference(subjects, subject.model, run),
    )


def _usual(settings: MeasuringSettings) -> ImageSettings:
    return ImageSettings(count=settings.usual_images, dataset=settings.dataset)


def title_of(dataset: str) -> str:
    """Return a dataset's name for others to read: of a folder or a file the last part of its path."""
    return Path(dataset).name


def _subject(found: Sequence[Subject]) -> Subject:
    """Return the model that the report is about: the one that a work folder's commands would take."""
    order = [*ANY_TFLITE, ModelKind.KERAS]
    return min(found, key=lambda one: order.index(one.kind))


def _same(subjects: Subjects, model: LoadedModel) -> LoadedModel:
    """Return a model under the name that it has among the others."""
    return next(one for one in subjects.models if one.path == model.path)


# --- what the work folder has already --------------------------------------------------------------------------------


def recorded_parity(found: Sequence[Subject], work: WorkFolder) -> Mapping[str, Any] | None:
    """Return the folder's ``parity.json`` if it is the recorded one and of these very models, else None."""
    record, path = work.find("parity"), work.path(REPORT_NAME)
    if record is None or not path.is_file() or record.outputs.get(REPORT_NAME) != sha256_of(path):
        return None
    document: Mapping[str, Any] = read_json(path, MAX_MANIFEST_BYTES)
    models = {model["file"]: model["sha256"] for model in document["models"]}
    current = {one.model.name: digest_of(one.path) for one in found}
    return document if document["format"] == REPORT_FORMAT and document["runs"] and models == current else None


def _read_from(work: WorkFolder | None) -> str:
    path = Path(REPORT_NAME) if work is None else work.path(REPORT_NAME)
    return f"{path.name} of the work folder, which `edgemnist parity` measured on these very models"


def _for_details(
    found: Sequence[Subject], subject: Subject, document: Mapping[str, Any]
) -> tuple[list[Subject], tuple[str, ...]]:
    """Return what has to run again for what ``parity.json`` does not hold: the answers themselves.

    Of the runtimes that are the oracle's equals nothing new is to be learned.
    """
    runs = [run for run in document["runs"] if run["file"] == subject.model.name]
    names = [run["runtime"] for run in runs if run["is_oracle"] or not run["exact"]]
    floats = [one for kind in reversed(FLOAT_REFERENCES) for one in found if one.kind is kind and one is not subject]
    for one in floats[:1]:
        takers = [name for name in preferred_runtimes(one.kind) if one.kind in find_runtime(name).takes]
        ran = {run["runtime"] for run in document["runs"] if run["file"] == one.model.name}
        names += [name for name in takers if name in ran][:1]
    return [*floats[:1], subject], tuple(dict.fromkeys(names))


# --- whose answers are looked at -------------------------------------------------------------------------------------


def _results(subjects: Subjects, run: ParityRun) -> list[tuple[LoadedModel, RunResult]]:
    models = {model.path: model for model in subjects.models}
    return [(models[path], result) for (path, _), result in sorted(run.results.items(), key=lambda one: one[0][1])]


def _main(model: LoadedModel, run: ParityRun) -> Answers:
    """Return the oracle's answers, else those of the runtime that is preferred for the kind.

    :raises ModelError: nothing ran the model; says why.
    """
    oracle = [one.runtime for one in run.report.runs if one.file == model.name and one.is_oracle]
    found = _preferred(model, run, oracle)
    if found is not None:
        return found
    failed = [one for one in run.report.not_run if one.file in (None, model.name)]
    lines = [f"  - {one.runtime}: {one.reason}" for one in failed] or ["  - none of those named takes it"]
    raise ModelError("\n".join([f"no runtime could run {model.name!r}:", *lines]))


def _reference(subjects: Subjects, subject: LoadedModel, run: ParityRun) -> Answers | None:
    """Return the float model's answers: the ``.tflite``'s before the Keras model's that it was made of."""
    floats = [one for kind in reversed(FLOAT_REFERENCES) for one in subjects.models if one.kind is kind]
    found = [_preferred(model, run) for model in floats if model is not subject]
    return next((one for one in found if one is not None), None)


def _preferred(model: LoadedModel, run: ParityRun, first: Sequence[str] = ()) -> Answers | None:
    """Return the answers of the first that ran of ``first``, the preferred runtimes and all others."""
    results = {name: result for (path, name), result in run.results.items() if path == model.path}
    names = [name for name in (*first, *preferred_runtimes(model.kind), *results) if name in results]
    return Answers(model, results[names[0]]) if names else None
