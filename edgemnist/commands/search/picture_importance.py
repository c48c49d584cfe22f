"""How much each drawn parameter decides, for the error and for each cost that is to be small, as bars."""

from __future__ import annotations

from typing import Any

from edgemnist.commands.search.plotting import title_of
from edgemnist.commands.search.report import StudyReport
from edgemnist.search.costs import ACCURACY
from edgemnist.search.importance import BEST, FEWEST, Importance, importances
from edgemnist.support import figures
from edgemnist.support.errors import InputError
from edgemnist.support.palette import theme

_SHOWN = 12


def figure_of(report: StudyReport) -> Any:
    """Return the figure: a panel for each objective. Needs matplotlib.

    :raises InputError: too few nets were trained.
    """
    nets, settings = report.candidates, report.settings
    if len(nets) < FEWEST:
        raise InputError(
            f"the study {report.name!r} has trained {len(nets)} net{'' if len(nets) == 1 else 's'}, which are too few "
            f"to tell what decides: at least {FEWEST}; `--kind parallel` shows them as they are"
        )
    params = [one.item.params for one in nets]
    figure = figures.new_figure(max(7.0, 4.2 * len(settings.objectives)), 4.8)
    epochs = settings.rungs[0]
    heading = (
        f"{len(nets)} nets after {epochs} epoch{'' if epochs == 1 else 's'}; what tells their best {BEST:.0%} apart"
    )
    figures.heading(figure, f"{title_of(report)}\n{heading}")
    handles: dict[str, Any] = {}
    panels = figure.subplots(1, len(settings.objectives), squeeze=False).flat
    for axes, objective in zip(panels, settings.objectives, strict=True):
        values = [-one.first if objective == ACCURACY else one.costs[settings.boards[0]].of(objective) for one in nets]
        _panel(axes, objective, importances(settings.space, params, values)[:_SHOWN], handles)
    figures.legend_below(figure, list(handles.values()), list(handles))
    return figure


def _panel(axes: Any, objective: str, found: list[Importance], handles: dict[str, Any]) -> None:
    """Draw one objective: bars, and a line across each at what chance gives."""
    figures.styled(axes, title=f"for {objective}", x="importance (PED-ANOVA divergence)", grid="x")
    colour, places = theme().series[0], range(len(found))
    plain = theme().scratch
    told = [one.value > one.chance for one in found]
    handles["more than chance"] = axes.barh(
        [place for place in places if told[place]],
        [found[p].value for p in places if told[p]],
        color=colour,
        height=0.7,
    )
    handles["no more than chance"] = axes.barh(
        [place for place in places if not told[place]], [found[p].value for p in places if not told[p]], color=plain,
        height=0.7,
    )  # fmt: skip
    (line,) = axes.plot(
        [one.chance for one in found], places, linestyle="none", marker="|", markersize=14, markeredgewidth=2,
        color=theme().ink,
    )  # fmt: skip
    handles["what 95 of 100 random orders stay below"] = line
    axes.set_yticks(places, [one.name.replace("_", " ") for one in found])
    axes.invert_yaxis()
    axes.set_xlim(left=0)
