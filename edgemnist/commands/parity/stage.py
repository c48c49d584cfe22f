"""The parity stage: choose, run, judge, write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.parity.execution import run_parity
from edgemnist.commands.parity.gate import Gates, check_gates
from edgemnist.commands.parity.report import REPORT_NAME, ParityReport
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import named_subjects, work_subjects
from edgemnist.harness.remarks import remark_on
from edgemnist.harness.subjects import Subjects, with_images
from edgemnist.runner.client import DEFAULT_TIMEOUT
from edgemnist.runner.registry import default_runtimes
from edgemnist.support.errors import EnvironmentFailure, ModelError
from edgemnist.support.files import check_writable, write_json


@dataclass(frozen=True, kw_only=True)
class ParitySettings:
    """What ``edgemnist parity`` takes. Without ``models`` it is the work folder's; ``runtimes`` empty is all of them.

    ``timeout`` is in seconds, for one runtime and one model.
    """

    models: tuple[Path, ...] = ()
    images: ImageSettings = field(default_factory=ImageSettings)
    feeding: FeedingSettings = field(default_factory=FeedingSettings)
    runtimes: tuple[str, ...] = ()
    gates: Gates = field(default_factory=Gates)
    timeout: float = DEFAULT_TIMEOUT


def parity(settings: ParitySettings, work: WorkFolder) -> ParityReport:
    """Run the parity stage and return its report, gates included; a failed gate doesn't raise (``gate.raise_failed``).

    With the work folder's models it leaves ``parity.json`` and a record there; with named models it writes nothing.

    :raises InputError: unknown runtime or dataset, a gate that can't be decided, models that don't fit the images.
    :raises StageOrderError: no models named and none converted.
    :raises ModelError: no runtime ran anything, and at least one because it can't do the model.
    :raises StorageError: the work folder cannot be written.
    :raises EnvironmentFailure: no runtime ran anything, because all are missing or crashed.
    """
    needed = settings.gates.needed_runtimes()
    chosen = tuple(dict.fromkeys([*(settings.runtimes or default_runtimes()), *needed]))
    named = named_subjects(settings.models)
    subjects = with_images(named or work_subjects(work, keras=True), settings.images, settings.feeding)
    if named:
        return _judged(subjects, chosen, settings)
    check_writable(work.root)
    report = _judged(subjects, chosen, settings)
    _leave(work, subjects, report, settings)
    return report


def _judged(subjects: Subjects, chosen: Sequence[str], settings: ParitySettings) -> ParityReport:
    report = run_parity(subjects, chosen, timeout=settings.timeout)
    if not report.runs:
        refused = any(entry.how == "refused" for entry in report.not_run)
        raise (ModelError if refused else EnvironmentFailure)(_nothing_ran(report))
    return check_gates(replace(report, remark=_remark(subjects, report)), settings.gates)


def _remark(subjects: Subjects, report: ParityReport) -> str:
    """Return what would make the models right, judged by the first of them that ran; all are fed alike."""
    for model in subjects.models:
        run = next((one for one in report.runs if one.file == model.name), None)
        if run is not None:
            return remark_on(model, subjects, run.accuracy.share)
    return ""


def _nothing_ran(report: ParityReport) -> str:
    reasons = [f"  - {entry.runtime}: {entry.reason}" for entry in report.not_run]
    return "\n".join(["no runtime could run any of the models:", *reasons])


def _leave(work: WorkFolder, subjects: Subjects, report: ParityReport, settings: ParitySettings) -> None:
    content = report.as_json()
    target = write_json(work.path(REPORT_NAME), content)
    work.record(
        "parity",
        settings={
            "dataset": report.dataset,
            "images": report.images,
            "sampling": report.sampling,
            "runtimes": list(settings.runtimes),
            "max_accuracy_drop": settings.gates.max_accuracy_drop,
            "require_exact": list(settings.gates.require_exact),
        },
        results={"runs": content["runs"], "not_run": content["not_run"], "gates": content["gates"]},
        inputs=[model.path for model in subjects.models if model.path.is_file()],
        outputs=[target],
        versions={run.runtime: run.version for run in report.runs},
    )
