"""Accuracy against cost as a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.support.files import atomic_path


@dataclass(frozen=True)
class CostPoint:
    """A net in a plot of accuracy against cost: its name, its cost, accuracy in 0..1 and its standard deviation."""

    name: str
    cost: float
    accuracy: float
    deviation: float = 0.0


@dataclass(frozen=True)
class CostSeries:
    """Nets of one kind, drawn alike."""

    label: str
    points: Sequence[CostPoint]


@dataclass(frozen=True)
class CostPanel:
    """One panel: ``cost`` names the horizontal axis; the Pareto front is drawn through ``ours``, all kinds together."""

    cost: str
    ours: Sequence[CostSeries]
    published: CostSeries | None = None


_PANELS_PER_ROW = 3


def pareto_front(points: Sequence[CostPoint]) -> list[CostPoint]:
    """Return the points that no other beats at the same or a lower cost, by rising cost."""
    front: list[CostPoint] = []
    for point in sorted(points, key=lambda point: (point.cost, -point.accuracy)):
        if not front or point.accuracy > front[-1].accuracy:
            front.append(point)
    return front


def write_pareto(path: Path, title: str, panels: Sequence[CostPanel]) -> bool:
    """Draw accuracy against cost (logarithmic), a panel per cost, into a PNG; False when matplotlib is missing."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator, NullLocator
    except ImportError:
        return False
    columns = min(_PANELS_PER_ROW, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.4 * columns, 4.6 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    places = figure.subplots(rows, columns, squeeze=False).flat
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    for axes, panel in zip(places, panels, strict=False):
        front = pareto_front([point for series in panel.ours for point in series.points])
        axes.plot([p.cost for p in front], [100 * p.accuracy for p in front], color="C0", alpha=0.4)
        for number, series in enumerate(panel.ours):
            _draw_series(axes, series, f"C{2 * number}", (-5, 5) if number == 0 else (5, -11))
        if panel.published is not None:
            _draw_series(axes, panel.published, "C1", (5, -11))
        axes.set(xlabel=panel.cost, ylabel="accuracy, %", xscale="log")
        axes.margins(x=0.25, y=0.15)  # the names stand beside the points
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)  # off the points
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    return True


def _draw_series(axes: Any, series: CostSeries, colour: str, label_at: tuple[int, int]) -> None:
    """``label_at``: where a point's name goes, in points to the right and up; each series has its own side."""
    costs, accuracies = [p.cost for p in series.points], [100 * p.accuracy for p in series.points]
    deviations = [100 * p.deviation for p in series.points]
    axes.errorbar(costs, accuracies, yerr=deviations, fmt="o", color=colour, label=series.label)
    for point, cost, accuracy in zip(series.points, costs, accuracies, strict=True):
        axes.annotate(
            point.name,
            (cost, accuracy),
            textcoords="offset points",
            xytext=label_at,
            horizontalalignment="left" if label_at[0] > 0 else "right",
            color=colour,
            fontsize=9,
        )
