"""An evaluation as pictures: the confusion matrix, and the misclassified images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.evaluate.report import EvaluationReport
from edgemnist.commands.evaluate.stage import Evaluation
from edgemnist.runner.base import missing_package
from edgemnist.support.errors import MissingDependencyError, storage_errors
from edgemnist.support.files import check_png, write_bytes
from edgemnist.support.palette import contrast, theme

MOST_MISTAKES = 300
"""Images on a sheet of mistakes; the JSON has them all."""

_MOST_NUMBERED = 26
"""Up to so many classes every cell of the matrix gets its number."""


_COUNTS = ("#000000", "#ffffff")
"""One of the two can be read on any colour."""


def check_pictures(confusion: Path | None, mistakes: Path | None) -> None:
    """Refuse pictures that could not be drawn in the end, before the model is run.

    :raises InputError: a name that does not end in .png.
    :raises MissingDependencyError: a confusion matrix without matplotlib.
    """
    for path in (confusion, mistakes):
        check_png(path)
    reason = missing_package("matplotlib", "pip install 'edgemnist[plot]'")
    if confusion is not None and reason is not None:
        raise MissingDependencyError(f"cannot draw {str(confusion)!r}: {reason}")


def write_pictures(evaluation: Evaluation, confusion: Path | None, mistakes: Path | None) -> tuple[str, ...]:
    """Write the pictures that are asked for and return a line about each.

    :raises StorageError: a file cannot be written.
    """
    lines = []
    if confusion is not None:
        lines.append(f"confusion matrix: {write_confusion(confusion, evaluation.report)}")
    if mistakes is not None:
        count = len(evaluation.report.mistakes)
        shown = f"{min(count, MOST_MISTAKES)} of {count} mistakes"
        lines.append(
            f"{shown}: {mistakes}" if write_mistakes(mistakes, evaluation) else f"no mistakes, so no {mistakes}"
        )
    return tuple(lines)


def write_confusion(path: Path, report: EvaluationReport) -> Path:
    """Draw the confusion matrix into a PNG: each row's shares as colour, the counts as numbers. Needs matplotlib."""
    from edgemnist.support.figures import save

    return save(confusion_figure(report), path)


def confusion_figure(report: EvaluationReport) -> Any:
    """Return the confusion matrix as a figure of matplotlib."""
    from edgemnist.support import figures

    counts = np.array(report.confusion)
    shares = 100.0 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = np.where(np.eye(len(counts), dtype=bool), np.nan, shares)
    most = max(float(np.nanmax(wrong, initial=0.0)), 0.1)
    numbered = len(counts) <= _MOST_NUMBERED
    side = max(4.4, 2.2 + (0.42 if numbered else 0.22) * len(counts))  # less would cut the colour bar's label off
    figure = figures.new_figure(side + 1.2, side)
    axes = figure.subplots()
    # Colour is for the mistakes: on one scale with a diagonal near 100 % they would all look like nothing.
    drawn = axes.imshow(wrong, cmap=_colours(), vmin=0.0, vmax=most)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8)
    figures.styled(bar.ax, y="taken for another class, % of the label's images", grid="")
    figures.styled(axes, x="predicted", y="label", grid="")
    figures.heading(figure, _title(report))
    turned = 90 if _long_names(report) else 0
    axes.set_xticks(range(len(counts)), report.class_names, rotation=turned, parse_math=False)
    axes.set_yticks(range(len(counts)), report.class_names, parse_math=False)
    if numbered:
        _write_counts(axes, counts, np.nan_to_num(wrong) / most)
    return figure


def _colours() -> Any:
    """Return the scale of the mistakes, from none to most; what is right has a colour of its own."""
    from matplotlib.colors import LinearSegmentedColormap

    colours = theme()
    scale = LinearSegmentedColormap.from_list("mistakes", [colours.paper, *colours.wrong])
    return scale.with_extremes(bad=colours.right)


def _write_counts(axes: Any, counts: NDArray[np.int64], strength: NDArray[np.float64]) -> None:
    """Write the counts; ``strength``: each cell's place on the scale of colours, 0..1."""
    from matplotlib.colors import to_hex

    scale = _colours()
    for row, column in zip(*np.nonzero(counts), strict=True):
        ground = theme().right if row == column else to_hex(scale(float(strength[row, column])))
        colour = max(_COUNTS, key=lambda one: contrast(one, ground))
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8, color=colour)


def write_mistakes(path: Path, evaluation: Evaluation) -> Path | None:
    """Write the misclassified images into a PNG, "label -> predicted, confidence" under each; None without any.

    At most :data:`MOST_MISTAKES`, spread evenly over all of them. A sheet of an earlier model does not stay.
    """
    from edgemnist.data.contact_sheet import Caption, contact_sheet

    report = evaluation.report
    if not report.mistakes:
        with storage_errors(path):
            path.unlink(missing_ok=True)
        return None
    chosen = np.unique(np.linspace(0, len(report.mistakes) - 1, MOST_MISTAKES).round().astype(int))
    shown = [report.mistakes[index] for index in chosen]
    names = report.class_names
    captions = [Caption.of_prediction(names[one.predicted], one.confidence, names[one.label]) for one in shown]
    images = evaluation.split.images[[mistake.index for mistake in shown]]
    return write_bytes(path, contact_sheet(images, captions))


def _title(report: EvaluationReport) -> str:
    accuracy = report.accuracy
    return f"{report.model.file}: {100 * accuracy.share:.2f} % of {accuracy.total:,} right"


def _long_names(report: EvaluationReport) -> bool:
    return max(len(name) for name in report.class_names) > 2
