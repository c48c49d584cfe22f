"""An evaluation as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edgemnist.commands.evaluate.report import THROUGHPUT, EvaluationReport
from edgemnist.support.tables import Column, fits, numbers, print_table, print_text, terminal_width

_LARGEST_MATRIX = 16
_CONFUSED_PAIRS = 10


def show(report: EvaluationReport, notes: Sequence[str]) -> None:
    """Print the report to stdout as tables with the notes below."""
    print_text(*_head(report))
    print_text("")
    print_table([Column("class"), *numbers("precision %", "recall %", "F1 %", "support")], _scores(report))
    if len(report.class_names) <= _LARGEST_MATRIX:
        _print_matrix(report)
    if report.mistakes:
        print_text(f"\nconfused most often: {_most_confused(report)}")
    print_text(*notes)


def _head(report: EvaluationReport) -> Iterator[str]:
    model, accuracy = report.model, report.accuracy
    yield f"{report.dataset}: {report.sampling}; {report.preprocessing}"
    yield f"{model.file} ({model.kind}, {model.bytes:,} bytes) in {model.runtime} {model.version}"
    yield (
        f"accuracy {100 * accuracy.share:.2f} ± {100 * accuracy.standard_error:.2f} %, "
        f"{accuracy.total - accuracy.count} of {accuracy.total} wrong"
    )
    top = "".join(f", top {count} {100 * one.share:.2f} %" for count, one in report.top.items())
    yield f"loss {report.loss:.4f}, expected calibration error {100 * report.calibration_error:.2f} %{top}"
    yield f"{report.images_per_second:,.0f} images/s: {THROUGHPUT}"


def _scores(report: EvaluationReport) -> list[list[str]]:
    return [
        [
            score.name,
            *(f"{100 * share:.2f}" for share in (score.precision, score.recall, score.f1)),
            f"{score.support:,}",
        ]
        for score in (*report.classes, *report.averages)
    ]


def _print_matrix(report: EvaluationReport) -> None:
    """Print the confusion matrix where it has room; lines of each class are no matrix."""
    columns = [Column(""), *numbers(*report.class_names)]
    counts = [[str(count) if count else "·" for count in row] for row in report.confusion]
    rows = [[name, *row] for name, row in zip(report.class_names, counts, strict=True)]
    if fits(columns, rows, terminal_width()):
        print_table(columns, rows, "\nconfusion: rows are labels, columns what was predicted; · is none")
    else:
        print_text("\nconfusion: a wider terminal has room for the matrix, and --json has it")


def _most_confused(report: EvaluationReport) -> str:
    counts: dict[tuple[int, int], int] = {}
    for mistake in report.mistakes:
        pair = mistake.label, mistake.predicted
        counts[pair] = counts.get(pair, 0) + 1
    often = sorted(counts.items(), key=lambda item: -item[1])[:_CONFUSED_PAIRS]
    names = report.class_names
    return ", ".join(f"{names[label]} as {names[predicted]} ({count})" for (label, predicted), count in often)
