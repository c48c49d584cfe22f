"""A study as a picture: accuracy against each cost, with what is known of other nets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.commands.search.report import Candidate, StudyReport
from edgemnist.search.costs import COSTS
from edgemnist.support.errors import InputError, MissingDependencyError
from edgemnist.training.reference_nets import reference_nets

_PANELS = ("instructions", "flash", "arena")


@dataclass(frozen=True)
class Plotted:
    """The picture, and how many nets are in it."""

    path: Path
    points: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"path": str(self.path), "points": self.points}


def plot(report: StudyReport, path: Path) -> Plotted:
    """Draw a study.

    :raises InputError: it has trained no net yet.
    :raises MissingDependencyError: matplotlib is not installed.
    """
    if not report.candidates:
        raise InputError(f"the study {report.name!r} has trained no net yet; there is nothing to draw")
    try:
        from edgemnist.support.figures import heading, legend_below, new_figure, save
    except ImportError:
        raise MissingDependencyError("matplotlib is not installed; run `pip install 'edgemnist[plot]'`") from None
    figure = new_figure(12, 4.6)
    handles: dict[str, Any] = {}
    for number, cost in enumerate(_PANELS, start=1):
        axes = figure.add_subplot(1, len(_PANELS), number)
        _panel(axes, report, cost, handles)
    heading(figure, f"{report.name}: {report.settings.dataset} on {report.settings.boards[0]}")
    legend_below(figure, list(handles.values()), list(handles))
    save(figure, path)
    return Plotted(path, len(report.candidates))


def _panel(axes: Any, report: StudyReport, cost: str, handles: dict[str, Any]) -> None:
    from edgemnist.support.figures import styled
    from edgemnist.support.palette import MARKERS, theme

    colours, board = theme(), report.settings.boards[0]
    styled(axes, x=COSTS[cost], y="accuracy, %" if cost == _PANELS[0] else "")
    axes.set_xscale("log")
    chosen = [one for one in report.candidates if not one.tests]
    for rung in range(report.settings.last_rung):
        there = [one for one in chosen if one.rung == rung]
        if there:
            label = f"{report.settings.rungs[rung]} epochs, held-out images"
            handles[label] = axes.scatter(
                [one.costs[board].of(cost) for one in there], [100 * one.accuracy for one in there],
                s=18, marker=MARKERS[rung % len(MARKERS)], color=colours.series[rung % len(colours.series)], alpha=0.6,
            )  # fmt: skip
    _finalists(axes, report.finalists, board, cost, handles)
    _ladder(axes, report.settings.dataset, cost, handles)
    most = report.settings.limits.most.get(cost)
    if most is not None:
        handles["limit"] = axes.axvline(most, color=colours.soft, linestyle="--", linewidth=1)


def _finalists(axes: Any, finalists: Sequence[Candidate], board: str, cost: str, handles: dict[str, Any]) -> None:
    from edgemnist.support.palette import theme

    if finalists:
        handles["finalists, int8, test set"] = axes.errorbar(
            [one.costs[board].of(cost) for one in finalists], [100 * (one.mean or 0.0) for one in finalists],
            yerr=[100 * one.deviation for one in finalists], fmt="*", markersize=11, color=theme().series[2],
        )  # fmt: skip


def _ladder(axes: Any, dataset: str, cost: str, handles: dict[str, Any]) -> None:
    """Draw the published architectures' accuracies; their arenas are not among what is kept of them."""
    from edgemnist.support.palette import theme

    known = [(net, getattr(net.cost, cost, None)) for net in reference_nets(dataset) if net.cost is not None]
    known = [(net, value) for net, value in known if value]
    if known:
        handles["architectures of `train --arch`, int8, test set"] = axes.scatter(
            [value for _, value in known], [100 * net.accuracy for net, _ in known],
            s=30, marker="D", facecolors="none", edgecolors=theme().ink,
        )  # fmt: skip
        for net, value in known:
            axes.annotate(
                net.arch, (value, 100 * net.accuracy), fontsize=7, color=theme().ink, xytext=(4, 3),
                textcoords="offset points", parse_math=False,
            )  # fmt: skip
