"""Accuracy against cost as a PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.support.palette import MARKERS, theme


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
        from edgemnist.support.figures import save

        figure = pareto_figure(title, panels)
    except ImportError:
        return False
    save(figure, path)
    return True


def pareto_figure(title: str, panels: Sequence[CostPanel]) -> Any:
    """Return the panels as a figure of matplotlib, each point with its name."""
    from edgemnist.support import figures

    columns = min(_PANELS_PER_ROW, len(panels))
    rows = -(-len(panels) // columns)
    figure = figures.new_figure(5.0 * columns, 4.3 * rows + 0.9)
    figures.heading(figure, title)
    places = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in places[len(panels) :]:
        axes.set_axis_off()
    looks = _looks(panels)
    handles: dict[str, Any] = {}
    for axes, panel in zip(places, panels, strict=False):
        handles |= _draw_panel(axes, panel, looks)
    figures.legend_below(figure, list(handles.values()), list(handles))
    for axes, panel in zip(places, panels, strict=False):
        figures.label_points(
            axes,
            [
                figures.PointLabel(
                    point.cost, 100 * point.accuracy, point.name, looks[series.label][0], 100 * point.deviation
                )
                for series in _series_of(panel)
                for point in series.points
            ],
        )
    return figure


def _series_of(panel: CostPanel) -> list[CostSeries]:
    return [*panel.ours, *([panel.published] if panel.published is not None else [])]


def _looks(panels: Sequence[CostPanel]) -> dict[str, tuple[str, str]]:
    """Return colour and marker of each series, the same in all panels."""
    labels = list(dict.fromkeys(series.label for panel in panels for series in _series_of(panel)))
    series = theme().series
    return {
        label: (series[place % len(series)], MARKERS[place % len(MARKERS)]) for place, label in enumerate(labels)
    }  # fmt: skip


def _draw_panel(axes: Any, panel: CostPanel, looks: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Draw one cost, and return what stands for each series in the legend."""
    from edgemnist.support import figures

    front = pareto_front([point for series in panel.ours for point in series.points])
    (line,) = axes.plot([p.cost for p in front], [100 * p.accuracy for p in front], color=theme().soft, linewidth=1)
    handles = {"none better at the cost": line}
    for series in _series_of(panel):
        colour, marker = looks[series.label]
        handles[series.label] = axes.errorbar(
            [p.cost for p in series.points], [100 * p.accuracy for p in series.points],
            yerr=[100 * p.deviation for p in series.points], linestyle="none", marker=marker, markersize=5,
            color=colour,
        )  # fmt: skip
    figures.styled(axes, x=f"{panel.cost} (logarithmic)", y="accuracy, %")
    axes.set_xscale("log")
    axes.margins(x=0.25, y=0.18)  # the names stand beside the points
    figures.logarithmic_costs(axes.xaxis, *axes.get_xlim())
    return handles
