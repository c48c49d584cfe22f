"""``edgemnist qat``."""

from __future__ import annotations

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.fitting import Fitting, TrainedOn, outcome_of
from edgemnist.commands.options import add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section
from edgemnist.training.augment import augmentation_from


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        qat,
        tracked=True,
        draws=True,
        section=Section.DATA,
        short="Train on with the rounding of int8.",
        examples=(
            Example("edgemnist qat", "What was pruned or trained last.", needs="minutes of training"),
            Example(
                "edgemnist qat --epochs 5 --learning-rate 0.0005",
                "Longer, in smaller steps.",
                needs="minutes of training",
            ),
        ),
    )


def qat(*, dataset: TrainedOn = None, fitting: Fitting) -> Outcome:
    """Train the pruned or trained model on with int8's rounding; zeros stay zeros; writes qat.keras."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.artifacts.tracking import open_tracking
    from edgemnist.commands.qat import stage, view

    settings = stage.QatSettings(
        dataset=dataset, epochs=fitting.epochs, seed=fitting.seed, batch=fitting.batch,
        learning_rate=fitting.learning_rate, augmentation=augmentation_from(fitting.augment, None),
        distillation=fitting.distillation(),
    )  # fmt: skip
    work, tracking = WorkFolder(fitting.work), open_tracking(fitting.mlflow)
    result = stage.run_qat(settings, work, resume=fitting.resume)
    return outcome_of(result, view.show, tracking, work)
