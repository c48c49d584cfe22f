"""The main job's report for people: a line for each question, the last of which is what to do next."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.commands.parity.report import ParityReport
from edgemnist.commands.parity.view import show_models as show_parity
from edgemnist.commands.run.stage import RunReport, StageRow
from edgemnist.support.tables import Column, numbers, print_table, print_text
from edgemnist.tflite.kinds import ModelKind

NEXT_SHOWN = 3

_COLUMNS = (
    Column("stage"),
    Column("file", rank=3),
    *numbers("accuracy %"),
    Column("measured with", rank=4),
    *numbers("bytes"),
    *numbers("gzip", rank=2),
    *numbers("latency µs"),
    Column("runtime", rank=1),
)


def show(report: RunReport, *, verbose: bool = False) -> None:
    """Print a summary to stdout, with ``verbose`` the tables of all runtimes and files before it."""
    if verbose:
        show_parity(report.parity)
        print_text("")
        print_table(_COLUMNS, [_cells(row) for row in report.rows])
        print_text("")
    print_text(*_summary(report))


def _summary(report: RunReport) -> Iterator[str]:
    yield report.first_line
    yield f"accuracy  {_accuracies(report)}"
    yield f"bytes     {_exactness(report.parity)}"
    program, plan = report.codegen.generated.program, report.codegen.generated.plan
    yield f"C code    arena {plan.size:,} bytes, input and output included, constants {program.constant_bytes:,} bytes"
    yield f"firmware  {_firmware_words(report)}"
    yield from filter(None, (report.pruning.reason, report.advice))
    stages = ", ".join(f"{name} {value:.0f}" for name, value in report.seconds.items())
    yield f"seconds   {sum(report.seconds.values()):.0f}: {stages}"
    yield f"next      {'; '.join(f'`{command}`' for command in report.commands[:NEXT_SHOWN])}"


def _accuracies(report: RunReport) -> str:
    """Return what is right of the images, by what was made: the trained net, and each file in the oracle."""
    rows = [row for row in report.rows if row.accuracy is not None and not row.stage.startswith(("C ", "firmware"))]
    return "; ".join(f"{row.stage} {100 * (row.accuracy or 0):.2f} % ({row.accuracy_of})" for row in rows)


def _exactness(report: ParityReport) -> str:
    """Return which runtimes give the oracle's bytes of the int8 model, and which others."""
    model = next((one for one in report.models if one.kind == ModelKind.INT8.value and one.oracle), None)
    runs = [run for run in report.runs if model is not None and run.file == model.file and not run.is_oracle]
    if model is None or not runs:
        return "no oracle and another runtime for the int8 model to be compared in"
    exact = [run.runtime for run in runs if run.exact]
    others = [run.runtime for run in runs if not run.exact]
    equal = f"those of {model.oracle} in {', '.join(exact)}" if exact else f"none has those of {model.oracle}"
    return equal + (f"; others in {', '.join(others)}: `edgemnist explain` says why" if others else "")


def _firmware_words(report: RunReport) -> str:
    firmware = report.firmware
    if isinstance(firmware, str) or firmware.counts is None:
        return str(firmware)
    equal = "every output byte equals" if firmware.exact else f"{firmware.difference.images} outputs DIFFER from"
    return f"{equal} {firmware.oracle}; {firmware.counts.mean:,.0f} instructions per inference; {firmware.device}"


def _cells(row: StageRow) -> list[str]:
    return [
        row.stage,
        row.file,
        "" if row.accuracy is None else f"{100 * row.accuracy:.2f}",
        row.accuracy_of,
        f"{row.size:,}",
        f"{row.gzip_size:,}",
        "" if row.latency_us is None else f"{row.latency_us:.1f}",
        row.latency_of,
    ]
