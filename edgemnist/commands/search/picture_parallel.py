"""Parallel coordinates: a line for each net through what was drawn for it and what it costs, coloured by its error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgemnist.commands.search.plotting import title_of
from edgemnist.commands.search.report import Candidate, StudyReport
from edgemnist.search.costs import COSTS
from edgemnist.support import figures
from edgemnist.support.errors import InputError
from edgemnist.support.palette import theme

_NONE = "none"
_MOST_TICKS = 6
_ROOM = 0.06
"""Of an axis, between two ticks."""
_LEAST_ERROR = 1e-4
_BELOW = -0.14
"""Where a net passes an axis of what was not drawn for it; the axis itself goes from 0 to 1."""


@dataclass(frozen=True)
class _Axis:
    """One axis: each net's height on it, None where it has none, and its ticks as heights and texts."""

    name: str
    heights: Sequence[float | None]
    ticks: Mapping[float, str]


def figure_of(report: StudyReport) -> Any:
    """Return the figure. Needs matplotlib.

    :raises InputError: one net alone was trained, which differs from none.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_hex

    nets = sorted(report.candidates, key=lambda one: one.first)  # the best are drawn last
    errors = [100 * max(1 - one.first, _LEAST_ERROR) for one in nets]
    axes_of = _axes(nets, report.settings.boards[0])
    if not axes_of:
        raise InputError(
            f"the study {report.name!r} has trained one net, which differs from no other; see `--kind front`"
        )
    figure = figures.new_figure(max(6.0, 1.6 + 0.72 * len(axes_of)), 4.8)
    epochs = report.settings.rungs[0]
    words = f"{len(nets)} nets, thick ones on the front; {report.over} over a limit are not shown"
    figures.heading(figure, f"{title_of(report)}\n{words}")
    axes = figures.styled(figure.add_subplot(), grid="")
    colours = LinearSegmentedColormap.from_list("error", [theme().series[0], theme().scratch])
    scale = LogNorm(min(errors), max(max(errors), 1.01 * min(errors)))
    shades = ScalarMappable(scale, colours)
    of_nets: Any = colours(scale(errors))
    for place, net in enumerate(nets):
        axes.plot(
            range(len(axes_of)), [_BELOW if one.heights[place] is None else one.heights[place] for one in axes_of],
            color=to_hex(of_nets[place]), linewidth=2.6 if net.on_front else 1.1,
        )  # fmt: skip
    _scales(axes, axes_of)
    bar = figure.colorbar(shades, ax=axes, pad=0.01)
    figures.logarithmic_costs(bar.ax.yaxis, *bar.ax.get_ylim())
    bar.ax.tick_params(colors=theme().soft, labelcolor=theme().ink, labelsize=figures.TICK)
    bar.outline.set_edgecolor(theme().soft)
    bar.set_label(f"error, % ({epochs} epoch{'' if epochs == 1 else 's'}, held-out images)", color=theme().ink,
                  fontsize=figures.LABEL)  # fmt: skip
    return figure


def _axes(nets: Sequence[Candidate], board: str) -> list[_Axis]:
    """Return an axis for all that differs between nets."""
    names = list(dict.fromkeys(name for one in nets for name in one.item.params))
    found = [_drawn(name, [one.item.params.get(name) for one in nets]) for name in sorted(names, key=_order)]
    found += [_counted(cost, [one.costs[board].of(cost) for one in nets]) for cost in COSTS if cost != "milliseconds"]
    return [one for one in found if len(set(one.heights)) > 1]


def _order(name: str) -> tuple[bool, str, str]:
    """Sort what is of the whole net before what is of a stage, and that by stage."""
    stage = name[-1] if name[-1].isdigit() else ""
    return bool(stage), stage, name if stage else ""


def _drawn(name: str, values: Sequence[Any]) -> _Axis:
    """Return the axis of a parameter: numbers stand where their values are, names one above the other."""
    known = {one for one in values if one is not None}
    if any(isinstance(one, str) for one in known):
        steps = {one: place / max(1, len(known) - 1) for place, one in enumerate(sorted(known))}
        return _Axis(name, [steps.get(one) for one in values], {at: one for one, at in steps.items()})
    ticks = sorted(known) if len(known) <= _MOST_TICKS else [min(known), max(known)]
    return _scaled(name, values, ticks, float)


def _counted(name: str, values: Sequence[float]) -> _Axis:
    """Return a cost's axis, which is logarithmic."""
    return _scaled(name, values, [min(values), max(values)], math.log)


def _scaled(
    name: str, values: Sequence[float | None], ticks: Sequence[float], scale: Callable[[float], float]
) -> _Axis:
    low, high = scale(ticks[0]), scale(ticks[-1])

    def height(value: float) -> float:
        return (scale(value) - low) / ((high - low) or 1)

    told: dict[float, str] = {}
    for tick in (ticks[0], ticks[-1], *ticks[1:-1]):  # the ends have room in any case
        if all(abs(height(tick) - other) > _ROOM for other in told):
            told[height(tick)] = _three(tick)
    return _Axis(name, [None if one is None else height(one) for one in values], told)


def _three(value: float) -> str:
    return figures.short_number(float(f"{value:.3g}"))


def _scales(axes: Any, shown: Sequence[_Axis]) -> None:
    """Draw the axes and their texts over the lines."""
    colours, frame = theme(), {"facecolor": theme().paper, "edgecolor": "none", "pad": 1.0, "alpha": 0.85}
    for place, one in enumerate(shown):
        axes.plot([place, place], [0, 1], color=colours.soft, linewidth=1)
        ticks = {**one.ticks, **({_BELOW: _NONE} if None in one.heights else {})}
        for height, text in ticks.items():
            axes.text(
                place, height, text, fontsize=figures.TICK - 1, color=colours.ink, parse_math=False, bbox=frame,
                horizontalalignment="center", verticalalignment="center", zorder=5,
            )  # fmt: skip
    axes.set_xlim(-0.5, len(shown) - 0.5)
    axes.set_ylim(_BELOW - 0.08, 1.08)
    axes.set_yticks([])
    axes.set_xticks(range(len(shown)), [one.name.replace("_", " ") for one in shown], rotation=40, ha="right",
                    rotation_mode="anchor")  # fmt: skip
    for spine in axes.spines.values():
        spine.set_visible(False)
