"""Training on a pre-trained base, in two phases: its classifier on the frozen base, then the whole net at a lower rate.

Each phase is a fit of its own with its own checkpoint. The first one's checkpoint stays until the training is complete,
so resuming runs through a finished first phase at once and goes on in the second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgemnist.training.fit import FitRun
from edgemnist.training.loop import FitState, rank, use_best_weights
from edgemnist.training.mobilenet import Transfer, base_of
from edgemnist.training.recipe import Recipe

FINE_TUNING_CHECKPOINT = "fine-tune-train-checkpoint.npz"
FINE_TUNING_SHARE = 0.2
"""Peak learning rate of the fine-tuning, as a share of that of the first phase."""


def fit_in_phases(model: Any, transfer: Transfer | None, recipe: Recipe, run: FitRun) -> FitState:
    """Fit the model as the transfer says and return one state for both phases; all of it is trainable in the end.

    Without a transfer there is one phase, with all of the model.

    :raises EdgeMnistError: as ``FitRun.fit``.
    """
    if transfer is None:
        return run.fit(model, recipe)
    checkpoint = run.work.path(FINE_TUNING_CHECKPOINT)
    if not run.resume:
        checkpoint.unlink(missing_ok=True)  # it continued another first phase
    _set_trainable(model, not transfer.freeze)
    try:
        before = run.fit(model, recipe)
    finally:
        _set_trainable(model, True)
    if not transfer.fine_tune_epochs:
        return before
    use_best_weights(model, before)
    slower = replace(recipe, epochs=transfer.fine_tune_epochs, learning_rate=recipe.learning_rate * FINE_TUNING_SHARE)
    title = f"fine-tune {run.context.arch}"
    second = replace(run.resumable, title=title, checkpoint=checkpoint, epochs=slower.epochs)
    after = replace(run, resumable=second, resume=run.resume and checkpoint.exists()).fit(model, slower)
    return joined(before, after, selection=recipe.selection)


def joined(before: FitState, after: FitState, *, selection: bool = True) -> FitState:
    """Return a state with the histories of both fits in a row, and with the better one's best weights.

    Without ``selection`` they are those of the later one.
    """
    later = tuple(replace(report, epoch=before.epoch + report.epoch) for report in after.history)
    improved = bool(after.best_epoch) and (not selection or rank(after.best) > rank(before.best))
    return replace(
        after,
        epoch=before.epoch + after.epoch,
        history=(*before.history, *later),
        best_epoch=before.epoch + after.best_epoch if improved else before.best_epoch,
        best_weights=after.best_weights if improved else before.best_weights,
    )


def _set_trainable(model: Any, trainable: bool) -> None:
    """Freeze or unfreeze the base; frozen batch norms keep their statistics, as Keras defines it."""
    for layer in base_of(model).layers:
        layer.trainable = trainable
