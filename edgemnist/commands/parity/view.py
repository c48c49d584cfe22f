"""A parity report as tables for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from edgemnist.commands.parity.report import MEMORY, TIMING, ModelEntry, ParityReport, RunEntry
from edgemnist.harness.compare import Difference
from edgemnist.mismatch.text import print_explanation
from edgemnist.runner.base import StepTime
from edgemnist.support.tables import Column, numbers, print_table, print_text

_COLUMNS = (
    Column("runtime"),
    *numbers("accuracy %"),
    *numbers("= float", rank=1),
    *numbers("≠ oracle %", "max LSB"),
    *numbers("ties", rank=5),
    *numbers("median µs", rank=2),
    *numbers("p95 µs", "first µs", rank=3),
    *numbers("windows µs", rank=6),
    *numbers("RSS MB", rank=4),
)


def show(report: ParityReport) -> None:
    """Print the report to stdout."""
    show_models(report)
    for one in report.explanations:
        print_text("")
        print_explanation(one)


def show_models(report: ParityReport) -> None:
    """Print a table for each model, then what did not run, gates, and what the headings mean."""
    print_text(f"{report.dataset}: {report.sampling}; {report.preprocessing}")
    print_text(f"measured on {report.machine}; {report.conditions.in_words()}")
    for model in report.models:
        _print_model(report, model)
    for run in report.runs:
        if run.profile is not None:
            _print_profile(run, run.profile)
    print_text("")
    print_text(*_notes(report))


def _notes(report: ParityReport) -> Iterator[str]:
    for entry in report.not_run:
        subject = entry.runtime if entry.file is None else f"{entry.runtime} on {entry.file}"
        yield f"not run: {subject}: {entry.reason}"
    for gate in report.gates:
        yield f"{'passed' if gate.passed else 'FAILED'}: {gate.gate}: {gate.detail}"
    if report.no_keras:
        yield f"no Keras model to compare with: {report.no_keras}"
    if report.float_reference:
        yield f"= float: images in which the class is that of {report.float_reference}"
    yield "≠ oracle %: outputs/logits that are not the oracle's; max LSB: their largest difference"
    yield f"time: {TIMING}"
    yield f"RSS: {MEMORY}"
    for name, (version, kernels) in {run.runtime: (run.version, run.kernels) for run in report.runs}.items():
        yield f"{name}: {version}, {kernels}"


def _print_model(report: ParityReport, model: ModelEntry) -> None:
    runs = [_row(run) for run in report.runs if run.file == model.file]
    failed = [entry for entry in report.not_run if entry.file == model.file]
    empty = [""] * (len(_COLUMNS) - 2)
    rows = [*runs, *([entry.runtime, entry.how, *empty] for entry in failed)]
    print_text(f"\n{model.file} ({model.kind}, {model.bytes:,} bytes)")
    print_table(_COLUMNS, rows or [["no runtime took it", "", *empty]])
    if model.oracle or model.no_oracle:
        print_text(f"oracle: {model.oracle}" if model.oracle else f"no oracle: {model.no_oracle}")


def _print_profile(run: RunEntry, steps: Sequence[StepTime]) -> None:
    whole = sum(step.microseconds for step in steps)
    rows = [
        (step.label, _microseconds(step.microseconds), f"{100 * step.microseconds / (whole or 1):.1f}")
        for step in steps
    ]
    print_table([Column("step"), *numbers("µs", "%")], rows, f"\nsteps of {run.file} in {run.runtime}")


def _row(run: RunEntry) -> list[str]:
    accuracy, agreement, latency = run.accuracy, run.agreement, run.latency
    return [
        run.runtime,
        f"{100 * accuracy.share:.2f} ± {100 * accuracy.standard_error:.2f}",
        "" if agreement is None else f"{agreement.count}/{agreement.total}",
        "oracle" if run.is_oracle else _pair(run, _unequal),
        "" if run.is_oracle else _pair(run, _largest),
        str(run.ties),
        *(_microseconds(value) for value in (latency.median_us, latency.p95_us, latency.first_us)),
        f"{_microseconds(latency.lowest_us)}–{_microseconds(latency.highest_us)}",
        f"{run.rss_bytes / 1e6:,.0f}",
    ]


def _microseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _pair(run: RunEntry, show_one: Callable[[Difference], str]) -> str:
    return "/".join(show_one(found) for found in (run.outputs, run.logits) if found is not None)


def _unequal(found: Difference) -> str:
    if found.exact:
        return "0"
    percent = 100 * found.elements.share
    return f"{percent:.2f}" if percent >= 0.01 else "< 0.01"


def _largest(found: Difference) -> str:
    return f"{found.max_difference:g}"
