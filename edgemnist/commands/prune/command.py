"""``edgemnist prune``."""

from __future__ import annotations

from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.fitting import Fitting, TrainedOn, outcome_of
from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section
from edgemnist.training.augment import augmentation_from

Sparsity = Annotated[float | None, typer.Option("--sparsity", help="Share of zeros, 0 to below 1; default 0.5.")]

PruningSchedule = Annotated[
    str | None, typer.Option("--schedule", help="polynomial (zeros rise step by step; default) or constant.")
]

Pattern = Annotated[
    str | None, typer.Option("--pattern", help="unstructured (default) or 2:4 (2 zeros in 4 along input channels).")
]

InitialSparsity = Annotated[
    float | None,
    typer.Option("--initial-sparsity", help="Share of zeros that a polynomial schedule starts with; default 0."),
]

Begin = Annotated[
    str | None,
    typer.Option(
        "--begin", metavar="STEP", help="Step of the first zeros: a number, or a share such as 0.1; default 1."
    ),
]

End = Annotated[
    str | None,
    typer.Option("--end", metavar="STEP", help="Step of the last change: a number, or a share of all; default 0.6."),
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        prune,
        tracked=True,
        draws=True,
        section=Section.DATA,
        short="Set weights to zero while training on.",
        examples=(
            Example("edgemnist prune", "Half of the trained model's weights become zero."),
            Example(
                "edgemnist prune --sparsity 0.8 --initial-sparsity 0.3 --begin 0.1 --end 60%",
                "Four fifths, from 30 % on, between 10 and 60 % of the steps.",
                needs="minutes of training",
            ),
        ),
    )


def prune(
    *,
    sparsity: Sparsity = None,
    schedule: PruningSchedule = None,
    pattern: Pattern = None,
    initial_sparsity: InitialSparsity = None,
    begin: Begin = None,
    end: End = None,
    dataset: TrainedOn = None,
    fitting: Fitting,
) -> Outcome:
    """Set weights of the trained model to zero while fine-tuning it; writes pruned.keras."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.artifacts.tracking import open_tracking
    from edgemnist.commands.prune import stage, view

    settings = stage.PruneSettings(
        sparsity=sparsity, schedule=schedule, pattern=pattern, initial_sparsity=initial_sparsity, begin=begin, end=end,
        dataset=dataset, epochs=fitting.epochs, seed=fitting.seed, batch=fitting.batch,
        learning_rate=fitting.learning_rate, augmentation=augmentation_from(fitting.augment, None),
        distillation=fitting.distillation(),
    )  # fmt: skip
    work, tracking = WorkFolder(fitting.work), open_tracking(fitting.mlflow)
    result = stage.run_pruning(settings, work, resume=fitting.resume)
    return outcome_of(result, view.show, tracking, work)
