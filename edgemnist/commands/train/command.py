"""``edgemnist train``."""

from __future__ import annotations

from typing import Annotated

import typer

from edgemnist.commands.examples import Example
from edgemnist.commands.fitting import Fitting, outcome_of
from edgemnist.commands.options import SkipUnreadable, add_command
from edgemnist.commands.outcome import Outcome
from edgemnist.commands.sections import Section
from edgemnist.training.architectures import DEFAULT_ARCHITECTURE, architectures
from edgemnist.training.augment import AUGMENTATIONS, augmentation_from

_ARCHITECTURES = ", ".join(row.name for row in architectures())
_AUGMENTATIONS = ", ".join(kind.name for kind in AUGMENTATIONS)

Arch = Annotated[
    str | None,
    typer.Option(
        "--arch",
        metavar="NAME|FILE",
        help=f"{_ARCHITECTURES}; default {DEFAULT_ARCHITECTURE}. Or a .toml file, as `edgemnist search export` writes.",
    ),
]
DatasetName = Annotated[
    str | None,
    typer.Option(
        "--dataset", metavar="NAME|PATH", help="Known dataset or path, see `edgemnist data list`; default mnist."
    ),
]
Schedule = Annotated[
    str | None, typer.Option("--schedule", help="Learning rate: one-cycle (default), cosine, constant.")
]
Augmentation = Annotated[str | None, typer.Option("--augmentation", help=f"{_AUGMENTATIONS}; default: by dataset.")]
Patience = Annotated[
    int | None, typer.Option("--patience", help="Stop after so many epochs without a better validation; 0: never.")
]
Validation = Annotated[
    int | None, typer.Option("--validation", help="Images held out of training; default 5000, at most a tenth.")
]
Strength = Annotated[
    float | None, typer.Option("--augmentation-strength", help="Scales the augmentation's ranges; default: the net's.")
]
Smoothing = Annotated[
    float | None, typer.Option("--label-smoothing", help="Share of the target spread over all classes; default 0.1.")
]
Average = Annotated[
    bool | None,
    typer.Option("--average/--no-average", help="Keep a moving average of the weights; default: as suits the net."),
]
ImageSize = Annotated[
    str | None,
    typer.Option(
        "--image-size",
        metavar="SIZE",
        help="Bring images to so many pixels in height and width; auto (default): by the pictures of a folder. "
        "mobilenet-v2: 32 (default) to 224.",
    ),
]
Head = Annotated[
    str | None,
    typer.Option("--head", help="softmax (default), or sigmoid: one output, which tells two classes apart."),
]
Alpha = Annotated[
    float | None, typer.Option("--alpha", help="mobilenet-v2's width: 0.35 (default), 0.5, 0.75, 1.0, 1.3 or 1.4.")
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="NAME|FILE",
        help="What mobilenet-v2 starts from: imagenet (default), none, a .h5 or .keras file.",
    ),
]
Freeze = Annotated[
    bool | None,
    typer.Option("--freeze/--no-freeze", help="Train mobilenet-v2's classifier alone; default: with weights."),
]
FineTuneEpochs = Annotated[
    int | None,
    typer.Option("--fine-tune-epochs", help="Epochs of the whole mobilenet-v2 after the frozen ones; default 0."),
]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    add_command(
        app,
        train,
        tracked=True,
        draws=True,
        section=Section.DATA,
        short="Train a net on a dataset.",
        examples=(
            Example("edgemnist train", "MNIST's digits.", needs="minutes of training"),
            Example("edgemnist train --dataset photos", "Your own pictures, one folder for each class."),
            Example(
                "edgemnist train --arch micro --teacher cnn-large --epochs 30",
                "A smaller net that learns from a larger one.",
                needs="minutes of training",
            ),
        ),
    )


def train(
    *,
    arch: Arch = None,
    dataset: DatasetName = None,
    image_size: ImageSize = None,
    fitting: Fitting,
    schedule: Schedule = None,
    augmentation: Augmentation = None,
    augmentation_strength: Strength = None,
    label_smoothing: Smoothing = None,
    average: Average = None,
    patience: Patience = None,
    validation: Validation = None,
    alpha: Alpha = None,
    weights: Weights = None,
    freeze: Freeze = None,
    fine_tune_epochs: FineTuneEpochs = None,
    head: Head = None,
    skip_unreadable: SkipUnreadable = False,
) -> Outcome:
    """Train a model on a dataset; writes trained.keras, its history and curves."""
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.artifacts.tracking import open_tracking
    from edgemnist.commands.train import stage, view
    from edgemnist.training.image_size import parse_image_size
    from edgemnist.training.mobilenet import transfer_settings_from
    from edgemnist.training.train import TrainSettings

    settings = TrainSettings(
        arch=arch, dataset=dataset, image_size=parse_image_size(image_size), epochs=fitting.epochs, seed=fitting.seed,
        batch=fitting.batch, learning_rate=fitting.learning_rate, schedule=schedule, patience=patience,
        augmentation=augmentation_from(fitting.augment, augmentation), augmentation_strength=augmentation_strength,
        label_smoothing=label_smoothing, averaging=average, validation=validation, distillation=fitting.distillation(),
        transfer=transfer_settings_from(alpha, weights, freeze, fine_tune_epochs), head=head,
    )  # fmt: skip
    work, tracking = WorkFolder(fitting.work), open_tracking(fitting.mlflow)
    result = stage.run_training(settings, work, resume=fitting.resume, skip_unreadable=skip_unreadable)
    return outcome_of(result, view.show, tracking, work)
