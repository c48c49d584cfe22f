"""A diagnosis as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from edgemnist.commands.doctor.stage import Diagnosis, Finding
from edgemnist.support.progress import stdout_console

_NAME_WIDTH = 30


def show(diagnosis: Diagnosis) -> None:
    """Print the diagnosis: what is there with its version or place, what is not with the command that brings it."""
    heading = f"edgemnist {diagnosis.edgemnist}, Python {diagnosis.python} ({diagnosis.executable}), {diagnosis.system}"
    lines = [heading]
    for title, findings in (
        ("Packages", diagnosis.packages),
        ("Runtimes (each was started)", diagnosis.runtimes),
        ("Toolchains", diagnosis.tools),
        ("Datasets", diagnosis.datasets),
    ):
        lines += ["", title, *_lines(findings)]
    stdout_console().print("\n".join(lines), markup=False, soft_wrap=True)


def _lines(findings: Sequence[Finding]) -> list[str]:
    return [
        f"  {'ok' if one.ok else '--'}  {one.name:<{_NAME_WIDTH}}{one.found if one.ok else one.remedy}"
        for one in findings
    ]
