"""The report stage: choose, measure, collect, judge, write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgemnist.artifacts.folder import WorkFolder, digests_of
from edgemnist.commands.report.answers import (
    calibrations,
    classes_of,
    confusion,
    differences,
    disagreements,
    paired_difference,
    proportion,
)
from edgemnist.commands.report.device import Device, device
from edgemnist.commands.report.formats import Target, check_targets, write_targets
from edgemnist.commands.report.measuring import Measured, MeasuringSettings, measure, title_of
from edgemnist.commands.report.operators import operators
from edgemnist.commands.report.records import provenance, robustness, stages
from edgemnist.commands.report.repeating import commands_for
from edgemnist.commands.report.report import (
    Deviation,
    Images,
    LeftOut,
    ModelFile,
    NotRun,
    Provenance,
    Report,
    RuntimeRow,
    Runtimes,
)
from edgemnist.commands.report.sections import Operators, PairedDifference, Proportion
from edgemnist.commands.report.verdict import Found, judge
from edgemnist.harness.compare import Share
from edgemnist.harness.models import named_subjects, work_subjects
from edgemnist.harness.remarks import remark_on
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.mcu.boards import find_board
from edgemnist.support.errors import EdgeMnistError, GateFailedError, InputError


@dataclass(frozen=True, kw_only=True)
class ReportSettings:
    """What ``edgemnist report`` takes. Without ``models`` it is the work folder's.

    ``targets``: the files to write; ``command``: how to call the command again, for the report.
    """

    models: tuple[Path, ...] = ()
    measuring: MeasuringSettings = field(default_factory=MeasuringSettings)
    board: str = DEFAULT_BOARD
    targets: tuple[Target, ...] = ()
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
    find_board(settings.board)  # a slip is told before anything is measured
    folder = None if settings.models else work
    found = named_subjects(settings.models, output=settings.measuring.feeding.output) or work_subjects(work, keras=True)
    read = digests_of(one.path for one in found)
    measured = measure(found, settings.measuring, folder)
    feeding = settings.measuring.feeding
    onto = device(measured, settings.board, feeding, work, named=folder is None)
    commands = commands_for(folder, settings.models, settings.command)
    made = _collected(measured, onto, folder, provenance(found, folder, commands), settings.measuring)
    if digests_of(read) != read:
        raise InputError("a model was replaced while it was reported on, so nothing was written; run the command again")
    return WrittenReport(made, write_targets(made, settings.targets))


def raise_failed(found: WrittenReport) -> None:
    """Raise if the verdict is that something does not hold.

    :raises GateFailedError: says which checks failed and by how much.
    """
    verdict = found.report.verdict
    if verdict.state == "failed":
        lines = [f"  - {check.name}: {check.detail}" for check in verdict.checks if check.state == "failed"]
        raise GateFailedError("\n".join([f"{verdict.sentence}:", *lines]))


def _collected(
    measured: Measured, onto: Device, work: WorkFolder | None, made_with: Provenance, settings: MeasuringSettings
) -> Report:
    paired = paired_difference(measured)
    corrupted, no_robustness = robustness(measured, work)
    parted, no_operators = _operators(measured, settings.timeout)
    models = tuple(_model(one) for one in measured.parity["models"])
    found = Found(
        measured.parity,
        measured.subject.model.name,
        measured.subject.kind,
        paired,
        onto.firmware,
        onto.failed,
        settings.gates.firmware,
    )
    subject = next(one for one in models if one.file == found.name)
    accuracy = float((classes_of(measured.subjects, measured.main) == measured.subjects.split.labels).mean())
    return Report(
        title=f"{subject.file} on {title_of(measured.parity['dataset'])}",
        verdict=judge(found),
        subject=subject,
        models=models,
        images=_images(measured),
        stages=stages(measured, work, onto.firmware),
        runtimes=_runtimes(measured),
        paired=paired,
        operators=parted,
        confusion=confusion(measured),
        calibration=calibrations(measured),
        differences=differences(measured),
        disagreements=disagreements(measured),
        firmware=onto.firmware,
        memory=onto.memory,
        robustness=corrupted,
        provenance=made_with,
        left_out=(*_no_float_model(paired), *no_operators, *onto.left_out, *no_robustness),
        remark=remark_on(measured.subject.model, measured.subjects, accuracy),
    )


def _operators(measured: Measured, timeout: float) -> tuple[Operators | None, tuple[LeftOut, ...]]:
    try:
        return operators(measured, timeout), ()
    except EdgeMnistError as error:
        return None, (LeftOut("operators", str(error)),)


def _no_float_model(paired: PairedDifference | None) -> tuple[LeftOut, ...]:
    reason = "there is no float model to compare with: name its .tflite too, or convert with --float32 --int8"
    return () if paired else (LeftOut("disagreements", reason),)


def _model(entry: Mapping[str, Any]) -> ModelFile:
    return ModelFile(
        file=entry["file"],
        kind=entry["kind"],
        bytes=entry["bytes"],
        sha256=entry["sha256"],
        oracle=entry["oracle"] or "",
        no_oracle=entry["no_oracle"],
    )


def _images(measured: Measured) -> Images:
    parity = measured.parity
    return Images(
        dataset=title_of(parity["dataset"]),
        count=parity["images"],
        sampling=parity["sampling"],
        preprocessing=parity["preprocessing"],
        assumed=tuple(parity["assumed"]),
        class_names=measured.subjects.preprocessing.class_names,
    )


def _runtimes(measured: Measured) -> Runtimes:
    parity = measured.parity
    kinds = {model["file"]: model["kind"] for model in parity["models"]}
    return Runtimes(
        source=measured.source,
        machine=parity["machine"],
        timing=parity["timing"],
        float_reference=parity["float_reference"] or "",
        rows=tuple(_row(run, kinds[run["file"]]) for run in parity["runs"]),
        not_run=tuple(NotRun(one["runtime"], one["file"], one["how"], one["reason"]) for one in parity["not_run"]),
    )


def _row(run: Mapping[str, Any], kind: str) -> RuntimeRow:
    agreement, latency = run["agreement"], run["latency"]
    return RuntimeRow(
        file=run["file"],
        kind=kind,
        runtime=run["runtime"],
        version=run["version"],
        kernels=run["kernels"],
        accuracy=_proportion(run["accuracy"]),
        agreement=None if agreement is None else _proportion(agreement),
        ties=run["ties"],
        is_oracle=run["is_oracle"],
        exact=run["exact"],
        outputs=_deviation(run["outputs"]),
        logits=_deviation(run["logits"]),
        first_us=latency["first_us"],
        median_us=latency["median_us"],
        p95_us=latency["p95_us"],
        resident_bytes=run["rss_bytes"],
    )


def _proportion(share: Mapping[str, Any]) -> Proportion:
    return proportion(Share(share["count"], share["total"]))


def _deviation(found: Mapping[str, Any] | None) -> Deviation | None:
    if found is None:
        return None
    elements = found["elements"]
    return Deviation(elements["count"], elements["total"], elements["share"], found["images"], found["max_difference"])
