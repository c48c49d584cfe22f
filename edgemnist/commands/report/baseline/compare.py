"""Two releases side by side, as the report has it."""

from __future__ import annotations

from edgemnist.commands.report.baseline.accuracy import accuracy_change
from edgemnist.commands.report.baseline.costs import Both
from edgemnist.commands.report.baseline.growth import compared
from edgemnist.commands.report.baseline.interleaved import interleaved, reported
from edgemnist.commands.report.baseline.release import Release
from edgemnist.commands.report.comparison import Comparison
from edgemnist.commands.report.measuring import Measured
from edgemnist.commands.report.report import Report

DEFAULT_TOLERANCE = 0.02
"""The share by which what is the same may cost more."""


def comparison(
    baseline: Release, report: Report, measured: Measured, *, tolerance: float = DEFAULT_TOLERANCE, timeout: float
) -> Comparison:
    """Compare a report with an earlier release.

    :param measured: the report's model and its images; ``timeout``: seconds for one window of latency.
    :raises InputError: the baseline's record of its answers is damaged.
    """
    old = baseline.report
    accuracy, of_accuracy = accuracy_change(old, report)
    costs = compared(Both.of(old, report), tolerance)
    if baseline.measured is None:
        latency, of_latency = reported(old, report)
    else:
        latency, of_latency = interleaved(baseline.measured, measured, timeout)
    return Comparison(
        file=old.subject.file,
        kind=old.subject.kind,
        bytes=old.subject.bytes,
        sha256=old.subject.sha256,
        source=baseline.source,
        tolerance=tolerance,
        accuracy=accuracy,
        growths=costs.growths,
        layers=costs.layers,
        latency=latency,
        findings=(of_accuracy, *costs.findings, *of_latency),
    )
