"""An evaluation as pictures: the confusion matrix, and the misclassified images."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from edgemnist.commands.evaluate.report import EvaluationReport
from edgemnist.commands.evaluate.stage import Evaluation
from edgemnist.runner.base import missing_package
from edgemnist.support.errors import MissingDependencyError, storage_errors
from edgemnist.support.files import atomic_path, check_png, write_bytes

MOST_MISTAKES = 300
"""Images on a sheet of mistakes; the JSON has them all."""

_MOST_NUMBERED = 26
"""Up to so many classes every cell of the matrix gets its number."""


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
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts = np.array(report.confusion)
    shares = 100.0 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    wrong = np.where(np.eye(len(counts), dtype=bool), np.nan, shares)
    side = max(4.4, 2.2 + 0.42 * len(counts))  # less would cut the colour bar's label off
    figure = Figure(figsize=(side + 1.0, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    # Colour is for the mistakes: on one scale with a diagonal near 100 % they would all look like nothing.
    drawn = axes.imshow(wrong, cmap="Reds", vmin=0.0, vmax=max(float(np.nanmax(wrong)), 0.1))
    figure.colorbar(drawn, ax=axes, shrink=0.8, label="taken for another class, % of the label's images")
    axes.set(xlabel="predicted", ylabel="label")
    axes.set_title(_title(report), parse_math=False)
    turned = 90 if _long_names(report) else 0
    axes.set_xticks(range(len(counts)), report.class_names, rotation=turned, parse_math=False)
    axes.set_yticks(range(len(counts)), report.class_names, parse_math=False)
    if len(counts) <= _MOST_NUMBERED:
        dark = np.nanmax(wrong) / 2
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if row != column and shares[row, column] > dark else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8, color=colour)
    with atomic_path(path) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of class names in a script that the font lacks; they are drawn as boxes
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    return path


def write_mistakes(path: Path, evaluation: Evaluation) -> Path | None:
    """Write the misclassified images into a PNG, "label as predicted" under each; None when there are none.

    At most :data:`MOST_MISTAKES`, spread evenly over all of them. A sheet of an earlier model does not stay.
    """
    from edgemnist.data.images import contact_sheet

    report = evaluation.report
    if not report.mistakes:
        with storage_errors(path):
            path.unlink(missing_ok=True)
        return None
    chosen = np.unique(np.linspace(0, len(report.mistakes) - 1, MOST_MISTAKES).round().astype(int))
    shown = [report.mistakes[index] for index in chosen]
    names = report.class_names
    captions = [f"{names[mistake.label]} as {names[mistake.predicted]}" for mistake in shown]
    images = evaluation.split.images[[mistake.index for mistake in shown]]
    cell = 168 if _long_names(report) else 84
    return write_bytes(path, contact_sheet(images, range(len(shown)), captions, columns=12, cell=cell))


def _title(report: EvaluationReport) -> str:
    accuracy = report.accuracy
    return f"{report.model.file}: {100 * accuracy.share:.2f} % of {accuracy.total:,} right"


def _long_names(report: EvaluationReport) -> bool:
    return max(len(name) for name in report.class_names) > 2
