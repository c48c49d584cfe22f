"""A report's verdict on the terminal, and where the files are."""

from __future__ import annotations

from edgemnist.commands.report.stage import WrittenReport
from edgemnist.support.tables import print_text


def show(found: WrittenReport) -> None:
    """Print the verdict, its checks, what was left out, and the files."""
    report = found.report
    print_text(f"{report.verdict.sentence}")
    for check in report.verdict.checks:
        print_text(f"  {check.state:<7} {check.name}: {check.detail}")
    for missing in report.left_out:
        print_text(f"left out: {missing.section}: {missing.reason}")
    if report.remark:
        print_text(report.remark)
    for path in found.files:
        print_text(f"written: {path} ({path.stat().st_size:,} bytes)")
