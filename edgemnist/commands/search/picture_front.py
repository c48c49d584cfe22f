"""Error against each cost: the nets of a study, its front, its finalists, and what is known of other nets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgemnist.commands.search.plotting import title_of
from edgemnist.commands.search.report import Candidate, StudyReport
from edgemnist.mcu import DEFAULT_BOARD
from edgemnist.search.costs import COSTS, front
from edgemnist.support import figures
from edgemnist.support.palette import MARKERS, theme
from edgemnist.training.reference_nets import BITNETMCU, reference_nets

_PANELS = ("instructions", "flash", "arena")
_LADDER = "architectures of `train --arch`, int8, test set"
_PUBLISHED = "BitNetMCU as published: weights alone, cycles of a CH32V002"
_PUBLISHED_FOR = "mnist"
_LEAST_ERROR = 1e-4
"""Errors below are drawn there: a logarithmic axis has no 0."""


@dataclass(frozen=True)
class _Point:
    """A net: what it costs, its error in 0..1 and the error's standard deviation."""

    name: str
    cost: float
    error: float
    deviation: float = 0.0


def figure_of(report: StudyReport) -> Any:
    """Return the figure: a panel for each cost, with one axis of errors for all. Needs matplotlib."""
    settings = report.settings
    asked = {*settings.objectives, *settings.limits.most}
    costs = [*_PANELS, *(["milliseconds"] if "milliseconds" in asked else [])]
    columns = 2 if len(costs) == 4 else len(costs)
    rows = len(costs) // columns
    figure = figures.new_figure(4.3 * columns, 4.0 * rows + 0.9)
    figures.heading(figure, title_of(report))
    panels = list(figure.subplots(rows, columns, squeeze=False, sharey=True).flat)
    handles: dict[str, Any] = {}
    labels = [_panel(axes, report, cost, handles) for axes, cost in zip(panels, costs, strict=True)]
    figures.legend_below(figure, list(handles.values()), list(handles))
    _errors(panels, columns)
    for axes, texts in zip(panels, labels, strict=True):
        figures.label_points(axes, texts)
    return figure


def _errors(panels: Sequence[Any], columns: int) -> None:
    """Scale the axis that all panels share, once everything is drawn."""
    low, high = panels[0].get_ylim()
    panels[0].set_ylim(max(low / 1.15, _LEAST_ERROR * 50), min(high * 1.15, 100))
    figures.logarithmic_costs(panels[0].yaxis, *panels[0].get_ylim())
    for place, axes in enumerate(panels):
        axes.set_ylabel("" if place % columns else "error, % (logarithmic)", fontsize=figures.LABEL)


def _panel(axes: Any, report: StudyReport, cost: str, handles: dict[str, Any]) -> list[figures.PointLabel]:
    """Draw one cost; return the texts for its points."""
    figures.styled(axes, x=COSTS[cost], y=" ")
    axes.set_xscale("log")
    axes.set_yscale("log", nonpositive="clip")
    _chosen(axes, report, cost, handles)
    labels = list(_finalists(axes, report, cost, handles))
    labels += _others(axes, report, cost, handles)
    most = report.settings.limits.most.get(cost)
    if most is not None:
        handles["limit"] = axes.axvline(most, color=theme().bad, linestyle="--", linewidth=1.2)
    axes.margins(x=0.12)
    figures.logarithmic_costs(axes.xaxis, *axes.get_xlim())
    return labels


def _chosen(axes: Any, report: StudyReport, cost: str, handles: dict[str, Any]) -> None:
    """Draw the nets by the highest rung that each was trained on, and the front of the highest of all."""
    board, rungs = report.settings.boards[0], report.settings.rungs
    highest = max(one.rung for one in report.candidates)
    for rung, epochs in enumerate(rungs):
        points = [
            _Point("", one.costs[board].of(cost), 1 - one.accuracy) for one in report.candidates if one.rung == rung
        ]
        if not points:
            continue
        colour = theme().series[rung % len(theme().series)]
        label = f"{epochs} epoch{'' if epochs == 1 else 's'}, held-out images"
        if rung == highest:
            _line(axes, points, colour, "--")
            label += " (line: none better at the cost)"
        handles[label] = axes.scatter(
            [one.cost for one in points], _percent(one.error for one in points), s=20,
            marker=MARKERS[rung % len(MARKERS)], color=colour, linewidths=0, alpha=1.0 if rung == highest else 0.65,
        )  # fmt: skip


def _line(axes: Any, points: Sequence[_Point], colour: str, style: str) -> None:
    """Draw a line through the points that no other beats at the same or a lower cost, in steps."""
    places = front([(-one.error, one.cost) for one in points])
    best = sorted((points[place] for place in places), key=lambda one: one.cost)
    axes.plot(
        [one.cost for one in best], _percent(one.error for one in best), color=colour, linestyle=style, linewidth=1,
        drawstyle="steps-post",
    )  # fmt: skip


def _finalists(axes: Any, report: StudyReport, cost: str, handles: dict[str, Any]) -> Iterator[figures.PointLabel]:
    """Draw those that were trained in full; yield the numbers by which `search export` knows them."""
    board, colour = report.settings.boards[0], theme().good
    points = [_finalist(f"{number}", one, board, cost) for number, one in enumerate(report.candidates, 1) if one.tests]
    if not points:
        return
    _line(axes, points, colour, "-")
    seeds = "1 seed" if report.settings.seeds == 1 else f"{report.settings.seeds} seeds, mean ± deviation"
    label = f"finalists by K, {report.settings.epochs} epochs, int8, test set, {seeds}"
    handles[label] = _bars(axes, points, "*", 11, colour)
    yield from _labels(points, colour)


def _finalist(name: str, one: Candidate, board: str, cost: str) -> _Point:
    return _Point(name, one.costs[board].of(cost), 1 - (one.mean or 0.0), one.deviation)


def _others(axes: Any, report: StudyReport, cost: str, handles: dict[str, Any]) -> Iterator[figures.PointLabel]:
    """Draw what is known of other nets at costs of the same kind; yield their names."""
    dataset, ink, published = report.settings.dataset, theme().ink, theme().series[3]
    ladder = list(_ladder(dataset, cost)) if report.settings.boards[0] == DEFAULT_BOARD else []
    if ladder:
        handles[_LADDER] = _bars(axes, ladder, "D", 5, ink, filled=False)
        yield from _labels(ladder, ink)
    others = list(_bitnets(cost)) if dataset == _PUBLISHED_FOR else []
    if others:
        handles[_PUBLISHED] = _bars(axes, others, "X", 6, published)
        yield from _labels(others, published)


def _ladder(dataset: str, cost: str) -> Iterator[_Point]:
    for net in reference_nets(dataset):
        value = net.arena if cost == "arena" else getattr(net.cost, cost, None)
        if value is not None:
            yield _Point(net.arch, value, 1 - net.accuracy, net.deviation)


def _bitnets(cost: str) -> Iterator[_Point]:
    for net in BITNETMCU:
        value = {"instructions": net.cycles, "flash": net.weight_bytes}.get(cost)
        if value is not None:
            yield _Point(net.name, value, 1 - net.accuracy)


def _bars(axes: Any, points: Sequence[_Point], marker: str, size: int, colour: str, *, filled: bool = True) -> Any:
    """Draw points with a bar of their deviation each; return what stands for them in the legend."""
    return axes.errorbar(
        [one.cost for one in points], _percent(one.error for one in points),
        yerr=[100 * one.deviation for one in points], linestyle="none", marker=marker, markersize=size, color=colour,
        markerfacecolor=colour if filled else theme().paper, elinewidth=1.2,
    )  # fmt: skip


def _labels(points: Iterable[_Point], colour: str) -> Iterator[figures.PointLabel]:
    for one in points:
        yield figures.PointLabel(one.cost, 100 * max(one.error, _LEAST_ERROR), one.name, colour, 100 * one.deviation)


def _percent(errors: Iterable[float]) -> list[float]:
    return [100 * max(error, _LEAST_ERROR) for error in errors]
