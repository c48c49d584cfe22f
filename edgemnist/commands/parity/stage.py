"""The parity stage: choose, run, judge, write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.parity.execution import run_parity
from edgemnist.commands.parity.gate import check_gates
from edgemnist.commands.parity.report import REPORT_NAME, ParityReport
from edgemnist.commands.reading import digests_of_models
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.gates import Gates
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import named_subjects, work_subjects
from edgemnist.harness.remarks import remark_on
from edgemnist.harness.subjects import Subjects, with_images
from edgemnist.mismatch.explain import explain_first
from edgemnist.mismatch.explanation import Explanation
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.runner.registry import default_runtimes
from edgemnist.support.files import check_writable, write_json


@dataclass(frozen=True, kw_only=True)
class ParitySettings:
    """What ``edgemnist parity`` takes. Without ``models`` it is the work folder's; ``runtimes`` empty is all of them.

    ``timeout`` is in seconds, for one runtime and one model. ``explain``: whether it is said why bytes differ;
    ``profile``: whether steps are timed too. ``out``: a file for the report's JSON.
    """

    models: tuple[Path, ...] = ()
    images: ImageSettings = field(default_factory=ImageSettings)
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    runtimes: tuple[str, ...] = ()
    gates: Gates = field(default_factory=Gates)
    timeout: float = DEFAULT_TIMEOUT
    explain: bool = False
    profile: bool = False
    out: Path | None = None


def parity(settings: ParitySettings, work: WorkFolder) -> ParityReport:
    """Run the parity stage and return its report, gates included; a failed gate doesn't raise (``gate.raise_failed``),
    nor does a model that nothing ran.

    With the work folder's models it leaves ``parity.json`` and a record there; with named ones only ``out``.

    :raises InputError: unknown runtime or dataset, a gate that can't be decided, models that don't fit the images.
    :raises StageOrderError: no models named and none converted.
    :raises StorageError: the work folder cannot be written.
    """
    if settings.out is not None:
        check_writable(settings.out.parent)
    needed = settings.gates.needed_runtimes()
    chosen = tuple(dict.fromkeys([*(settings.runtimes or default_runtimes()), *needed]))
    named = named_subjects(settings.models, output=settings.feeding.output)
    found = named or work_subjects(work, keras=True)
    read = digests_of_models(one.model for one in found)
    subjects = with_images(found, settings.images, settings.feeding, timeout=settings.timeout)
    if not named:
        check_writable(work.root)
    report = _judged(subjects, chosen, settings)
    if not named:
        with work.leaving("parity", read):
            _leave(work, read, report, settings)
    if settings.out is not None:
        write_json(settings.out, report.as_json())
    return report


def _judged(subjects: Subjects, chosen: Sequence[str], settings: ParitySettings) -> ParityReport:
    report = run_parity(subjects, chosen, timeout=settings.timeout, profile=settings.profile)
    explanations = tuple(_explanations(subjects, report, settings.timeout)) if settings.explain else ()
    remark = _remark(subjects, report, settings.timeout)
    return check_gates(replace(report, remark=remark, explanations=explanations), settings.gates)


def _explanations(subjects: Subjects, report: ParityReport, timeout: float) -> Iterator[Explanation]:
    """Yield why bytes differ, for each model of integers that has an oracle and runtimes that are not exact."""
    for model in subjects.models:
        unlike = [run.runtime for run in report.runs if run.file == model.name and run.exact is False]
        if model.tflite is not None and unlike:
            yield explain_first(model, subjects, unlike, timeout)


def _remark(subjects: Subjects, report: ParityReport, timeout: float) -> str:
    """Return what would make the models right, judged by the first of them that ran; all are fed alike."""
    for model in subjects.models:
        run = next((one for one in report.runs if one.file == model.name), None)
        if run is not None:
            return remark_on(model, subjects, run.accuracy.share, timeout=timeout)
    return ""


def _leave(work: WorkFolder, read: Mapping[Path, str], report: ParityReport, settings: ParitySettings) -> None:
    content = report.as_json()
    target = write_json(work.path(REPORT_NAME), content)
    work.record(
        "parity",
        settings={
            "dataset": report.dataset,
            "images": report.images,
            "sampling": report.sampling,
            "runtimes": list(settings.runtimes),
            "gates": settings.gates.as_json(),
        },
        results={"runs": content["runs"], "not_run": content["not_run"], "gates": content["gates"]},
        inputs=read,
        outputs=[target],
        versions={run.runtime: run.version for run in report.runs},
    )
