"""A parity report as a table for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from edgemnist.commands.parity.report import MEMORY, TIMING, ModelEntry, NotRun, ParityReport, RunEntry
from edgemnist.harness.compare import Difference
from edgemnist.mismatch.text import print_explanation
from edgemnist.runner.base import StepTime
from edgemnist.support.progress import stdout_console

_COLUMNS = (
    ("runtime", "left"),
    ("accuracy %", "right"),
    ("= float", "right"),
    ("≠ oracle", "right"),
    ("max LSB", "right"),
    ("ties", "right"),
    ("first/median/p95 µs\n(lowest–highest window)", "right"),
    ("RSS MB", "right"),
)


_WIDTH_OFF_TERMINAL = 120


def show(report: ParityReport) -> None:
    """Print the report to stdout; a file or pipe gets the table's full width."""
    console = stdout_console()
    if not console.is_terminal:
        console.width = _WIDTH_OFF_TERMINAL
    console.print(render(report))
    for one in report.explanations:
        console.print("")
        print_explanation(one)


def render(report: ParityReport) -> RenderableType:
    """Return the report as a rich renderable: one table per model, then what did not run, gates, explanations."""
    return Group(*_parts(report))


def _parts(report: ParityReport) -> Iterator[RenderableType]:
    yield Text(f"{report.dataset}: {report.sampling}; {report.preprocessing}")
    yield Text(f"measured on {report.machine}; {report.conditions.in_words()}")
    for model in report.models:
        yield Text("")
        failed = [entry for entry in report.not_run if entry.file == model.file]
        yield _model_table(model, [run for run in report.runs if run.file == model.file], failed)
    for run in report.runs:
        if run.profile is not None:
            yield _profile_table(run, run.profile)
    for entry in report.not_run:
        subject = entry.runtime if entry.file is None else f"{entry.runtime} on {entry.file}"
        yield Text(f"not run: {subject}: {entry.reason}")
    for gate in report.gates:
        yield Text(f"{'passed' if gate.passed else 'FAILED'}: {gate.gate}: {gate.detail}")
    yield Text("")
    if report.no_keras:
        yield Text(f"no Keras model to compare with: {report.no_keras}")
    if report.float_reference:
        yield Text(f"= float: images in which the class is that of {report.float_reference}")
    yield Text("≠ oracle: outputs/logits that are not the oracle's; max LSB: their largest difference")
    yield Text(f"time: {TIMING}")
    yield Text(f"RSS: {MEMORY}")


def _model_table(model: ModelEntry, runs: list[RunEntry], failed: list[NotRun]) -> Table:
    title = f"{model.file} ({model.kind}, {model.bytes:,} bytes)"
    no_oracle = f"no oracle: {model.no_oracle}" if model.no_oracle else None
    caption = f"oracle: {model.oracle}" if model.oracle else no_oracle
    table = Table(title=escape(title), caption=caption, title_justify="left", caption_justify="left", box=None)
    for name, justify in _COLUMNS:
        table.add_column(name, justify="right" if justify == "right" else "left", overflow="fold")
    for run in runs:
        table.add_row(*(escape(cell) for cell in _row(run)))
    for entry in failed:
        table.add_row(entry.runtime, entry.how)
    if not runs and not failed:
        table.add_row("no runtime took it")
    return table


def _profile_table(run: RunEntry, steps: Sequence[StepTime]) -> Table:
    whole = sum(step.microseconds for step in steps)
    table = Table(title=escape(f"steps of {run.file} in {run.runtime}"), title_justify="left", box=None)
    for name in ("step", "µs", "%"):
        table.add_column(name, justify="left" if name == "step" else "right", overflow="fold")
    for step in steps:
        table.add_row(
            escape(step.label), _microseconds(step.microseconds), f"{100 * step.microseconds / (whole or 1):.1f}"
        )
    return table


def _row(run: RunEntry) -> list[str]:
    accuracy, agreement, latency = run.accuracy, run.agreement, run.latency
    return [
        f"{run.runtime}\n  {run.version}, {run.kernels}",
        f"{100 * accuracy.share:.2f} ± {100 * accuracy.standard_error:.2f}",
        "" if agreement is None else f"{agreement.count}/{agreement.total}",
        "oracle" if run.is_oracle else _pair(run, _unequal),
        "" if run.is_oracle else _pair(run, _largest),
        str(run.ties),
        " / ".join(_microseconds(value) for value in (latency.first_us, latency.median_us, latency.p95_us))
        + f"\n({_microseconds(latency.lowest_us)}–{_microseconds(latency.highest_us)})",
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
    return f"{percent:.2f} %" if percent >= 0.01 else "< 0.01 %"


def _largest(found: Difference) -> str:
    return f"{found.max_difference:g}"
