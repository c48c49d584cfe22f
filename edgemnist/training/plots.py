"""Training curves as a PNG: loss, error and learning rate by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.support.palette import MARKERS, theme
from edgemnist.training.loop import EpochReport

_FEW_EPOCHS = 30
"""Up to so many each epoch has a mark, without which a single one could not be seen."""

_NEAR_ONE = 0.1
"""An error below this is drawn on a logarithmic axis, on which 1 % and 0.5 % can be told apart."""

_WIDE = 3.0
"""A logarithmic axis over a smaller factor would have hardly a tick."""


@dataclass(frozen=True)
class CurvesHeading:
    """What stands over the curves: of what they are, and what the model came to.

    ``test_accuracy``: in 0..1 on the test split, None where nobody knows it; ``best_epoch``: the one whose weights
    were kept, 0 for none.
    """

    title: str = "training"
    test_accuracy: float | None = None
    best_epoch: int = 0


def write_curves(path: Path, history: Sequence[EpochReport], over: CurvesHeading | None = None) -> bool:
    """Draw the curves into a PNG; return False when matplotlib is missing."""
    try:
        from edgemnist.support.figures import save

        figure = curves_figure(history, over or CurvesHeading())
    except ImportError:
        return False
    save(figure, path)
    return True


def curves_figure(history: Sequence[EpochReport], over: CurvesHeading) -> Any:
    """Return loss, error and learning rate by epoch as a figure. Needs matplotlib."""
    from edgemnist.support import figures

    figure = figures.new_figure(12, 4.2)
    figures.heading(figure, over.title)
    panels = figure.subplots(1, 3)
    losses = [report.loss for report in history], [report.validation_loss for report in history]
    lines = _draw(panels[0], history, losses)
    words = _axis_words(panels[0], [value for values in losses for value in values])
    figures.styled(panels[0], title="loss", y=f"cross-entropy, nats{words}", x="epoch")
    errors = (
        [100 * (1 - report.accuracy) for report in history],
        [100 * (1 - report.validation_accuracy) for report in history],
    )
    handles = [*lines, *_draw_errors(panels[1], history, errors, over)]
    (rate,) = _draw(panels[2], history, ([report.learning_rate for report in history],))
    rate.set(color=theme().series[3], linestyle="-")
    figures.styled(panels[2], title="learning rate", y="at the end of the epoch", x="epoch")
    panels[2].yaxis.set_major_formatter("{x:g}")
    panels[2].set_ylim(0, 1.1 * max(report.learning_rate for report in history) or 1.0)
    for axes in panels:
        figures.whole_numbers(axes.xaxis)
        axes.set_xlim(history[0].epoch - 0.5, history[-1].epoch + 0.5)
    labels = ["training (augmented, smoothed labels)", "validation", *(one.get_label() for one in handles[2:])]
    figures.legend_below(figure, handles, labels)
    return figure


def _draw(axes: Any, history: Sequence[EpochReport], curves: Sequence[Sequence[float]]) -> list[Any]:
    epochs, few = [report.epoch for report in history], len(history) <= _FEW_EPOCHS
    return [
        axes.plot(
            epochs, values, color=theme().series[place], linewidth=1.6, linestyle="-" if place else "--",
            marker=MARKERS[place] if few else "", markersize=3.5,
        )[0]
        for place, values in enumerate(curves)
    ]  # fmt: skip


def _draw_errors(
    axes: Any, history: Sequence[EpochReport], errors: Sequence[Sequence[float]], over: CurvesHeading
) -> list[Any]:
    """Draw the error's panel; return the lines that the others have not: test, and the epoch that was kept."""
    from edgemnist.support import figures

    known = [value for values in errors for value in values]
    found = []
    _draw(axes, history, errors)
    if over.test_accuracy is not None:
        error = 100 * (1 - over.test_accuracy)
        known.append(error)
        found.append(axes.axhline(error, color=theme().series[2], linewidth=1.4, linestyle=(0, (6, 2))))
        found[-1].set_label(f"test, {error:.2f} %")
    if over.best_epoch:
        found.append(axes.axvline(over.best_epoch, color=theme().soft, linewidth=1.0, linestyle=":"))
        found[-1].set_label(f"epoch {over.best_epoch}, kept")
    words = _axis_words(axes, known) if min(known) < 100 * _NEAR_ONE else ""
    figures.styled(axes, title="error", y=f"wrong, %{words}", x="epoch")
    if not words:
        axes.set_ylim(0, 1.1 * max(known) or 1.0)
    return found


def _axis_words(axes: Any, values: Sequence[float]) -> str:
    """Make an axis logarithmic where its values spread far enough, and return words that say so.

    Values of zero lie on its lower edge.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    positive = [value for value in values if value > 0]
    if not positive or max(positive) < _WIDE * min(positive):
        return ""
    lowest = min(positive) / (2 if len(positive) < len(values) else 1.25)
    axes.set_yscale("log", nonpositive="clip")
    axes.set_ylim(lowest, max(positive) * 1.25)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    return ", logarithmic"
