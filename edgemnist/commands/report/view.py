"""A report's verdict on the terminal, and where the files are."""

from __future__ import annotations

from edgemnist.commands.report.stage import WrittenReport
from edgemnist.support.progress import stdout_console


def show(found: WrittenReport) -> None:
    """Print the verdict, its checks, what was left out, and the files."""
    console, report = stdout_console(), found.report
    console.print(f"{report.verdict.sentence}", markup=False)
    for check in report.verdict.checks:
        console.print(f"  {check.state:<7} {check.name}: {check.detail}", markup=False)
    for missing in report.left_out:
        console.print(f"left out: {missing.section}: {missing.reason}", markup=False)
    if report.remark:
        console.print(report.remark, markup=False)
    for path in found.files:
        console.print(f"written: {path} ({path.stat().st_size:,} bytes)", markup=False)
