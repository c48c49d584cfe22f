"""What a fit leaves for people: its history as CSV and JSON, the curves as PNG, and the peak memory it took."""

from __future__ import annotations

import csv
import dataclasses
import io
import sys
from collections.abc import Sequence
from pathlib import Path

from edgemnist.artifacts import WorkFolder, write_json, write_text
from edgemnist.plots import write_curves
from edgemnist.progress import say
from edgemnist.training.loop import EpochReport


def write_history(work: WorkFolder, prefix: str, history: Sequence[EpochReport]) -> tuple[Path, ...]:
    """Write ``<prefix>history.csv``, ``.json`` and ``<prefix>curves.png``; return what was written.

    The PNG needs matplotlib; without it one line says so and the rest is written all the same.
    """
    rows = [dataclasses.asdict(report) for report in history]
    table = write_text(work.path(f"{prefix}history.csv"), _as_csv(rows))
    document = write_json(work.path(f"{prefix}history.json"), rows)
    curves = work.path(f"{prefix}curves.png")
    if write_curves(curves, history):
        return table, document, curves
    say("no curves drawn: matplotlib is not installed (pip install 'edgemnist[plot]')")
    return table, document


def _as_csv(rows: Sequence[dict[str, float]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in dataclasses.fields(EpochReport)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def peak_memory_bytes() -> int:
    """Return the largest resident set this process has had, in bytes, as counted by the operating system."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
