"""Training curves and accuracy against cost, as PNGs. The only user of matplotlib, which is an extra."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgemnist.support.files import atomic_path
from edgemnist.training.loop import EpochReport


def write_curves(path: Path, history: Sequence[EpochReport]) -> bool:
    """Draw loss, error and learning rate by epoch into a PNG; return False when matplotlib is missing.

    Draws on a canvas of its own: no window system, and no state shared with the caller's plots.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(12, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, middle, right = figure.subplots(1, 3)
    epochs = [report.epoch for report in history]
    left.plot(epochs, [report.loss for report in history], label="training (augmented, smoothed labels)")
    left.plot(epochs, [report.validation_loss for report in history], label="validation")
    left.set(title="cross-entropy", xlabel="epoch", yscale="log")
    middle.plot(epochs, [100 * (1 - report.accuracy) for report in history], label="training (augmented)")
    middle.plot(epochs, [100 * (1 - report.validation_accuracy) for report in history], label="validation")
    middle.set(title="error, %", xlabel="epoch")
    right.plot(epochs, [report.learning_rate for report in history])
    right.set(title="learning rate at the end of the epoch", xlabel="epoch")
    for axes in (left, middle):
        axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    return True
