"""The main job's report for people: parity, then a table of stages, then what to do next."""

from __future__ import annotations

from edgemnist.commands.parity.view import show_models as show_parity
from edgemnist.commands.run.stage import RunReport, StageRow
from edgemnist.support.progress import stdout_console
from edgemnist.support.tables import Column, numbers, print_table

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


def show(report: RunReport) -> None:
    """Print the report to stdout."""
    console = stdout_console()
    console.print(report.first_line, markup=False)
    console.print("")
    show_parity(report.parity)
    console.print("")
    print_table(_COLUMNS, [_cells(row) for row in report.rows])
    plan = report.codegen.generated.plan
    console.print(f"\narena of the C code: {plan.size:,} bytes, input, output and scratch included", markup=False)
    console.print(_firmware_line(report), markup=False)
    if report.pruning.reason:
        console.print(report.pruning.reason, markup=False)
    if report.advice:
        console.print(report.advice, markup=False)
    seconds = ", ".join(f"{name} {value:.0f}" for name, value in report.seconds.items())
    console.print(f"seconds: {seconds}", markup=False)
    console.print("\nnext commands:")
    for command in report.commands:
        console.print(f"  {command}", markup=False)


def _firmware_line(report: RunReport) -> str:
    firmware = report.firmware
    if isinstance(firmware, str) or firmware.counts is None:
        return str(firmware)
    equal = "every output byte equals" if firmware.exact else f"{firmware.difference.images} outputs DIFFER from"
    return (
        f"firmware on the {firmware.device}: {equal} {firmware.oracle}; "
        f"{firmware.counts.mean:,.0f} instructions per inference"
    )


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
