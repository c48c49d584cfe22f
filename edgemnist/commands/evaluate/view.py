"""An evaluation as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from edgemnist.commands.evaluate.report import THROUGHPUT, EvaluationReport
from edgemnist.support.progress import stdout_console

_WIDTH_OFF_TERMINAL = 120
_LARGEST_MATRIX = 16
_CONFUSED_PAIRS = 10


def show(report: EvaluationReport, notes: Sequence[str]) -> None:
    """Print the report to stdout as tables with the notes below; a file or pipe gets their full width."""
    console = stdout_console()
    if not console.is_terminal:
        console.width = _WIDTH_OFF_TERMINAL
    console.print(Group(*_parts(report), *(Text(note) for note in notes)))


def _parts(report: EvaluationReport) -> Iterator[RenderableType]:
    model, accuracy = report.model, report.accuracy
    yield Text(f"{report.dataset}: {report.sampling}; {report.preprocessing}")
    yield Text(f"{model.file} ({model.kind}, {model.bytes:,} bytes) in {model.runtime} {model.version}")
    yield Text(
        f"accuracy {100 * accuracy.share:.2f} ± {100 * accuracy.standard_error:.2f} %, "
        f"{accuracy.total - accuracy.count} of {accuracy.total} wrong"
    )
    top = "".join(f", top {count} {100 * one.share:.2f} %" for count, one in report.top.items())
    yield Text(f"loss {report.loss:.4f}, expected calibration error {100 * report.calibration_error:.2f} %{top}")
    yield Text(f"{report.images_per_second:,.0f} images/s: {THROUGHPUT}")
    yield Text("")
    yield _scores(report)
    if len(report.class_names) <= _LARGEST_MATRIX:
        yield Text("\nconfusion: rows are labels, columns what was predicted")
        yield _matrix(report)
    if report.mistakes:
        yield Text(f"\nconfused most often: {_most_confused(report)}")


def _scores(report: EvaluationReport) -> Table:
    table = Table(box=None)
    table.add_column("class")
    for name in ("precision %", "recall %", "F1 %", "support"):
        table.add_column(name, justify="right")
    for score in (*report.classes, *report.averages):
        shares = (score.precision, score.recall, score.f1)
        table.add_row(escape(score.name), *(f"{100 * share:.2f}" for share in shares), f"{score.support:,}")
    return table


def _matrix(report: EvaluationReport) -> Table:
    table = Table(box=None)
    table.add_column("")
    for name in report.class_names:
        table.add_column(escape(name), justify="right", overflow="fold")
    for name, row in zip(report.class_names, report.confusion, strict=True):
        table.add_row(escape(name), *(str(count) if count else "·" for count in row))
    return table


def _most_confused(report: EvaluationReport) -> str:
    counts: dict[tuple[int, int], int] = {}
    for mistake in report.mistakes:
        pair = mistake.label, mistake.predicted
        counts[pair] = counts.get(pair, 0) + 1
    often = sorted(counts.items(), key=lambda item: -item[1])[:_CONFUSED_PAIRS]
    names = report.class_names
    return ", ".join(f"{names[label]} as {names[predicted]} ({count})" for (label, predicted), count in often)
