"""``edgemnist prune``."""

from __future__ import annotations

from typing import Annotated

import typer

from edgemnist.commands.fitting import Fitting, TrainedOn
from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.training.augment import augmentation_from

Sparsity = Annotated[float | None, typer.Option("--sparsity", help="Share of zeros, 0 to below 1; default 0.5.")]

PruningSchedule = Annotated[
    str | None, typer.Option("--schedule", help="polynomial (zeros rise step by step; default) or constant.")
]

Pattern = Annotated[
    str | None, typer.Option("--pattern", help="unstructured (default) or 2:4 (2 zeros in 4 along input channels).")
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(app, prune, tracked=True)


def prune(
    *,
    sparsity: Sparsity = None,
    schedule: PruningSchedule = None,
    pattern: Pattern = None,
    dataset: TrainedOn = None,
    fitting: Fitting,
) -> Outcome:
    """Set weights of the trained model to zero while fine-tuning it; writes pruned.keras."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.artifacts.tracking import open_tracking
    from edgemnist.commands.prune import stage, view

    settings = stage.PruneSettings(
        sparsity=sparsity, schedule=schedule, pattern=pattern,
        dataset=dataset, epochs=fitting.epochs, seed=fitting.seed, batch=fitting.batch,
        learning_rate=fitting.learning_rate, augmentation=augmentation_from(fitting.augment, None),
        distillation=fitting.distillation(),
    )  # fmt: skip
    work, tracking = WorkFolder(fitting.work), open_tracking(fitting.mlflow)
    result = stage.run_pruning(settings, work, resume=fitting.resume)
    return Outcome(result, lambda: view.show(result), lambda: tracking.log(work, "prune"))
