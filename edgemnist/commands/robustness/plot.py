"""Accuracy against severity as a PNG, a panel per corruption, and what quantisation costs in each. Needs matplotlib."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from edgemnist.commands.robustness.report import CLEAN, ConditionResult, RobustnessReport
from edgemnist.data.corruptions import MAX_SEVERITY
from edgemnist.support.files import atomic_path

_COLUMNS = 5
_MARKERS = "os^Dv"


def write_plot(path: Path, report: RobustnessReport) -> bool:
    """Draw the report into a PNG; return False when matplotlib is missing.

    Severity 0 is the clean images. The bars are one standard error of each accuracy.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    names = list(dict.fromkeys(result.condition.corruption for result in report.results))
    columns = min(_COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    compared = [index for index in range(len(report.models)) if report.reference not in (None, index)]
    beside = 4.2 if compared else 0.0
    figure: Any = Figure(
        figsize=(1.0 + 2.4 * columns + beside, 1.2 + max(2.0 * rows, 0.3 * len(names))), layout="constrained"
    )
    FigureCanvasAgg(figure)
    if compared:
        left, right = figure.subfigures(1, 2, width_ratios=(1.0 + 2.4 * columns, beside))
        _draw_drops(right.subplots(), compared, report)
    else:
        left = figure
    _draw_panels(left, names, rows, columns, report)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    return True


def _draw_panels(figure: Any, names: list[str], rows: int, columns: int, report: RobustnessReport) -> None:
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    for panel, name in zip(panels, names, strict=False):
        _draw_panel(panel, name, [one for one in report.results if one.condition.corruption == name], report)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    for panel in panels[max(len(names) - columns, 0) : len(names)]:
        panel.tick_params(labelbottom=True)
    labels = [f"{model.file} in {model.runtime}" for model in report.models]
    handles = panels[0].get_legend_handles_labels()[0]
    legend = figure.legend(handles, labels, loc="outside upper center", ncols=min(2, len(labels)), fontsize=9)
    for text in legend.get_texts():
        text.set_parse_math(False)
    figure.supxlabel("severity", fontsize=10)
    figure.supylabel("accuracy, %", fontsize=10)


def _draw_drops(axes: Any, compared: list[int], report: RobustnessReport) -> None:
    """Draw every compared model's drop by corruption, with two standard errors, in the models' colours."""
    rows = [(CLEAN, report.clean.drop), *((summary.name, summary.drop) for summary in report.summaries)]
    for place, index in enumerate(compared):
        drops = [drop for _, drops in rows if (drop := drops[index]) is not None]
        axes.errorbar(
            [100 * drop.mean for drop in drops],
            [row + 0.25 * (place - (len(compared) - 1) / 2) for row in range(len(rows))],
            xerr=[200 * drop.standard_error for drop in drops],
            linestyle="none",
            marker=_MARKERS[index % len(_MARKERS)],
            markersize=4,
            linewidth=1,
            color=f"C{index}",
        )
    reference = report.models[report.reference or 0].file
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=9)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title(f"drop against {reference}", fontsize=10, parse_math=False)
    axes.set_xlabel("points of accuracy lost\n(bars: two standard errors)", fontsize=9)
    axes.grid(axis="x", alpha=0.3)


def _draw_panel(panel: Any, name: str, results: list[ConditionResult], report: RobustnessReport) -> None:
    """Draw one corruption. Models lie beside each other by a hair, so that equal ones are both seen."""
    points = [report.clean, *results]
    middle = (len(report.models) - 1) / 2
    for index in range(len(report.models)):
        shares = [point.accuracy[index] for point in points]
        panel.errorbar(
            [point.condition.severity + 0.12 * (index - middle) for point in points],
            [100 * share.share for share in shares],
            yerr=[100 * share.standard_error for share in shares],
            marker=_MARKERS[index % len(_MARKERS)],
            markersize=4,
            linewidth=1,
            color=f"C{index}",
            label=str(index),
        )
    panel.set_title(name, fontsize=10)
    panel.set(xlim=(-0.4, MAX_SEVERITY + 0.4), ylim=(0, 103), xticks=range(MAX_SEVERITY + 1))
    panel.grid(axis="y", alpha=0.3)
