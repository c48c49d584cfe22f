"""Accuracy against severity as a PNG, a panel per corruption, and what quantisation costs in each. Needs matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgemnist.commands.robustness.report import CLEAN, ConditionResult, RobustnessReport
from edgemnist.data.corruptions import MAX_SEVERITY
from edgemnist.support.palette import MARKERS, theme

_COLUMNS = 5
_PANEL_WIDTH, _PANEL_HEIGHT, _DROPS_WIDTH, _DROP_HEIGHT = 2.3, 2.1, 4.6, 0.3
"""Inches of a panel, of the drops beside them all, and of a corruption's drops."""


def write_plot(path: Path, report: RobustnessReport) -> bool:
    """Draw the report into a PNG; return False when matplotlib is missing.

    Severity 0 is the clean images. The bars are one standard error of each accuracy.
    """
    try:
        from edgemnist.support.figures import save

        figure = robustness_figure(report)
    except ImportError:
        return False
    save(figure, path)
    return True


def robustness_figure(report: RobustnessReport) -> Any:
    """Return a report as a figure of matplotlib."""
    from edgemnist.support import figures

    names = list(dict.fromkeys(result.condition.corruption for result in report.results))
    columns = min(_COLUMNS, len(names))
    rows = math.ceil(len(names) / columns)
    compared = [index for index in range(len(report.models)) if report.reference not in (None, index)]
    labels = [f"{model.file} in {model.runtime}" for model in report.models]
    beside = _DROPS_WIDTH if compared else 0.0
    width = max(0.9 + _PANEL_WIDTH * columns, 0.6 + 0.085 * max(map(len, labels)), 5.0)
    height = max(_PANEL_HEIGHT * rows, _DROP_HEIGHT * (len(report.summaries) + 1) + 0.8 if compared else 0.0)
    figure = figures.new_figure(width + beside, height + 0.9 + 0.25 * len(labels))
    figures.heading(figure, f"{report.dataset}: accuracy under corruptions, {report.images:,} images for each point")
    left, right = figure, None
    if compared:
        left, right = figure.subfigures(1, 2, width_ratios=(width, beside))
        for part in (left, right):
            part.set_facecolor(theme().paper)
    handles = _draw_panels(left, names, rows, columns, report)
    if right is not None:
        _draw_drops(right.subplots(), compared, report)
    figures.legend_below(figure, handles, labels)
    return figure


def _draw_panels(figure: Any, names: Sequence[str], rows: int, columns: int, report: RobustnessReport) -> list[Any]:
    """Draw a panel for each corruption; return the models' points for the legend."""
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
    handles: list[Any] = []
    for panel, name in zip(panels, names, strict=False):
        handles = _draw_panel(panel, name, [one for one in report.results if one.condition.corruption == name], report)
    for panel in panels[len(names) :]:
        panel.set_axis_off()
    for panel in panels[max(len(names) - columns, 0) : len(names)]:
        panel.tick_params(labelbottom=True)
        panel.set_xlabel("severity")
    for panel in panels[: len(names) : columns]:
        panel.set_ylabel("accuracy, %")
    return handles


def _draw_drops(axes: Any, compared: Sequence[int], report: RobustnessReport) -> None:
    """Draw every compared model's drop by corruption, with two standard errors, in the models' colours."""
    from edgemnist.support import figures

    rows = [(CLEAN, report.clean.drop), *((summary.name, summary.drop) for summary in report.summaries)]
    for place, index in enumerate(compared):
        drops = [drop for _, drops in rows if (drop := drops[index]) is not None]
        axes.errorbar(
            [100 * drop.mean for drop in drops],
            [row + 0.25 * (place - (len(compared) - 1) / 2) for row in range(len(rows))],
            xerr=[200 * drop.standard_error for drop in drops],
            linestyle="none",
            **_look(index),
        )
    axes.axvline(0, color=theme().ink, linewidth=0.8)
    axes.set_yticks(range(len(rows)), [_in_words(name) for name, _ in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    figures.styled(
        axes, title=f"drop against {report.models[report.reference or 0].file}",
        x="points of accuracy lost (bars: two standard errors)", grid="x",
    )  # fmt: skip


def _draw_panel(panel: Any, name: str, results: Sequence[ConditionResult], report: RobustnessReport) -> list[Any]:
    """Draw one corruption. Models lie beside each other by a hair, so that equal ones are both seen."""
    from edgemnist.support import figures

    points = [report.clean, *results]
    middle, handles = (len(report.models) - 1) / 2, []
    for index in range(len(report.models)):
        shares = [point.accuracy[index] for point in points]
        handles.append(
            panel.errorbar(
                [point.condition.severity + 0.12 * (index - middle) for point in points],
                [100 * share.share for share in shares],
                yerr=[100 * share.standard_error for share in shares],
                **_look(index),
            )
        )
    figures.styled(panel, title=_in_words(name), grid="y")
    panel.set(xlim=(-0.4, MAX_SEVERITY + 0.4), ylim=(0, 103), xticks=range(MAX_SEVERITY + 1))
    return handles


def _look(model: int) -> dict[str, Any]:
    """Return how a model's points look everywhere in the picture."""
    series = theme().series
    return {
        "marker": MARKERS[model % len(MARKERS)], "color": series[model % len(series)], "markersize": 4, "linewidth": 1.2
    }  # fmt: skip


def _in_words(name: str) -> str:
    return name.replace("_", " ")
