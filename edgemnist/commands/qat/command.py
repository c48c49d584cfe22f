"""``edgemnist qat``."""

from __future__ import annotations

import typer

from edgemnist.commands.fitting import Fitting, TrainedOn
from edgemnist.commands.options import TrackedCommand, spread
from edgemnist.training.augment import choice_of_options


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("qat", cls=TrackedCommand)(spread(qat))


def qat(*, dataset: TrainedOn = None, fitting: Fitting) -> None:
    """Train the pruned or trained model on with int8's rounding; zeros stay zeros; writes qat.keras."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.artifacts.tracking import open_tracking
    from edgemnist.commands.qat import stage
    from edgemnist.commands.qat.view import show_qat

    settings = stage.QatSettings(
        fitting.epochs, fitting.seed, fitting.batch, fitting.learning_rate,
        choice_of_options(fitting.augment, None), fitting.distillation(),
    )  # fmt: skip
    work, tracking = WorkFolder(fitting.work), open_tracking(fitting.mlflow)
    show_qat(stage.qat_named(settings, dataset, work, resume=fitting.resume), as_json=fitting.as_json)
    tracking.log(work, "qat")
