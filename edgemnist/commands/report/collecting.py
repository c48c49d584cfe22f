"""A report's values put together of what was measured; nothing is written or refused here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.report.answers import (
    calibrations,
    classes_of,
    confusion,
    differences,
    disagreements,
    image_answers,
    paired_difference,
    proportion,
)
from edgemnist.commands.report.device import Device
from edgemnist.commands.report.layers import layers_of
from edgemnist.commands.report.measuring import Measured, MeasuringSettings, title_of
from edgemnist.commands.report.operators import operators
from edgemnist.commands.report.records import robustness, stages
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
from edgemnist.harness.remarks import remark_on
from edgemnist.support.errors import EdgeMnistError
from edgemnist.support.machine import Conditions


def collected(
    measured: Measured, onto: Device, work: WorkFolder | None, made_with: Provenance, settings: MeasuringSettings
) -> tuple[Report, Found]:
    """Return the report, compared with no other one, and what it was judged by; ``work`` None for named models."""
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
    report = Report(
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
        layers=layers_of(measured.subject.model.tflite, onto.sources),
        answers=image_answers(measured),
        comparison=None,
        provenance=made_with,
        left_out=(*_no_float_model(paired), *no_operators, *onto.left_out, *no_robustness),
        remark=remark_on(measured.subject.model, measured.subjects, accuracy),
    )
    return report, found


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
        conditions=Conditions(**parity["conditions"]).in_words(),
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
        lowest_us=latency["lowest_us"],
        highest_us=latency["highest_us"],
        resident_bytes=run["rss_bytes"],
    )


def _proportion(share: Mapping[str, Any]) -> Proportion:
    return proportion(Share(share["count"], share["total"]))


def _deviation(found: Mapping[str, Any] | None) -> Deviation | None:
    if found is None:
        return None
    elements = found["elements"]
    return Deviation(elements["count"], elements["total"], elements["share"], found["images"], found["max_difference"])
