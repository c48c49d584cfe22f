"""The report stage: choose, measure, collect, judge, write."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder, digests_of
from edgemnist.commands.report.baseline.compare import DEFAULT_TOLERANCE, comparison
from edgemnist.commands.report.baseline.release import Found as FoundBaseline
from edgemnist.commands.report.baseline.release import find_baseline, measured_release
from edgemnist.commands.report.collecting import collected
from edgemnist.commands.report.device import device
from edgemnist.commands.report.formats import Target, check_targets, write_targets
from edgemnist.commands.report.measuring import Measured, MeasuringSettings, measure
from edgemnist.commands.report.node_data import left_out, node_data, write_node_data
from edgemnist.commands.report.records import provenance
from edgemnist.commands.report.repeating import commands_for
from edgemnist.commands.report.report import Report
from edgemnist.commands.report.verdict import Found, judge
from edgemnist.harness.models import named_subjects, work_subjects
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.mcu.boards import find_board
from edgemnist.support.errors import GateFailedError, InputError
from edgemnist.support.files import check_writable


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What ``edgemnist report`` takes. Without ``models`` it is the work folder's.

    ``targets``: the files to write; ``command``: how to call the command again, for the report. ``baseline``: a report,
    model or folder of an earlier release; ``tolerance``: the share by which what is the same in both may cost more.
    ``node_data``: a folder for what Model Explorer shows by operator, None writes none.
    """

    models: tuple[Path, ...] = ()
    measuring: MeasuringSettings = field(default_factory=MeasuringSettings)
    board: str = DEFAULT_BOARD
    targets: tuple[Target, ...] = ()
    baseline: Path | None = None
    tolerance: float = DEFAULT_TOLERANCE
    node_data: Path | None = None
    command: str = "edgemnist report"


@dataclass(frozen=True, eq=False)
class WrittenReport:
    """A report and the files that it was written to."""

    report: Report
    files: tuple[Path, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return self.report.as_json()


def report(settings: ReportSettings, work: WorkFolder) -> WrittenReport:
    """Make the report and write it; a check that fails doesn't raise (:func:`raise_failed`).

    :raises InputError: unknown runtime, dataset or board, models that don't fit the images or were replaced meanwhile.
    :raises StageOrderError: no models named and none converted.
    :raises MissingDependencyError: HTML without Jinja2.
    :raises StorageError: a file cannot be written.
    """
    check_targets(settings.targets)
    if settings.node_data is not None:
        check_writable(settings.node_data)
    find_board(settings.board)  # a slip is told before anything is measured
    folder = None if settings.models else work
    feeding = settings.measuring.feeding
    earlier = None if settings.baseline is None else find_baseline(settings.baseline, feeding.output)
    found = named_subjects(settings.models, output=feeding.output) or work_subjects(work, keras=True)
    read = digests_of(one.path for one in found)
    measured = measure(found, _as_many_images(settings.measuring, earlier), folder)
    onto = device(measured, settings.board, feeding, work, named=folder is None)
    commands = commands_for(folder, settings.models, settings.command)
    made, judged = collected(measured, onto, folder, provenance(found, folder, commands), settings.measuring)
    if earlier is not None:
        made = _compared(made, judged, measured, earlier, settings, work)
    if digests_of(read) != read:
        raise InputError("a model was replaced while it was reported on, so nothing was written; run the command again")
    return _written(made, measured, settings)


def _written(made: Report, measured: Measured, settings: ReportSettings) -> WrittenReport:
    folder, model = settings.node_data, measured.subject.model.tflite
    if folder is None:
        return WrittenReport(made, write_targets(made, settings.targets))
    data = () if model is None else node_data(made)
    made = replace(made, left_out=(*made.left_out, *left_out(data)))
    files = write_targets(made, settings.targets)
    return WrittenReport(made, files if model is None else (*files, *write_node_data(data, model, folder)))


def _as_many_images(settings: MeasuringSettings, earlier: FoundBaseline | None) -> MeasuringSettings:
    """Return the settings with as many images as a baseline's report has, where nobody says how many: the same ones."""
    count = None if earlier is None else earlier.images
    return settings if count is None else replace(settings, usual_images=count)


def _compared(
    made: Report,
    judged: Found,
    measured: Measured,
    earlier: FoundBaseline,
    settings: ReportSettings,
    work: WorkFolder,
) -> Report:
    release = measured_release(earlier, measured, settings.measuring, settings.board, work)
    timeout = settings.measuring.timeout
    found = comparison(release, made, measured, tolerance=settings.tolerance, timeout=timeout)
    return replace(made, comparison=found, verdict=judge(replace(judged, comparison=found)))


def raise_failed(found: WrittenReport) -> None:
    """Raise if the verdict is that something does not hold.

    :raises GateFailedError: says which checks failed and by how much.
    """
    verdict = found.report.verdict
    if verdict.state == "failed":
        lines = [f"  - {check.name}: {check.detail}" for check in verdict.checks if check.state == "failed"]
        raise GateFailedError("\n".join([f"{verdict.sentence}:", *lines]))
