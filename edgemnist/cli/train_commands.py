"""``edgemnist train``, ``edgemnist prune`` and ``edgemnist qat``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from edgemnist.augment import AUGMENTATIONS, choice_of_options
from edgemnist.cli.options import DEFAULT_WORK, Json, Mlflow, OptionalSeed, TrackedCommand, Work, spread
from edgemnist.models import DEFAULT_ARCHITECTURE, architectures

if TYPE_CHECKING:
    from edgemnist.training.distillation import DistillationSettings

_ARCHITECTURES = ", ".join(row.name for row in architectures())
_AUGMENTATIONS = ", ".join(kind.name for kind in AUGMENTATIONS)

Arch = Annotated[str | None, typer.Option("--arch", help=f"{_ARCHITECTURES}; default {DEFAULT_ARCHITECTURE}.")]
DatasetName = Annotated[
    str | None, typer.Option("--dataset", help="Known dataset or path, see `edgemnist data list`; default mnist.")
]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Epochs; default: the architecture's.")]
Batch = Annotated[int | None, typer.Option("--batch", help="Images per step; default 128.")]
Rate = Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate; default: the architecture's.")]
Schedule = Annotated[
    str | None, typer.Option("--schedule", help="Learning rate: one-cycle (default), cosine, constant.")
]
Augment = Annotated[
    bool | None, typer.Option("--augment/--no-augment", help="Change images at random; default: as suits the net.")
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
Teacher = Annotated[
    str | None, typer.Option("--teacher", help="Learn from this model: an architecture, trained on demand, or a path.")
]
Temperature = Annotated[
    float | None, typer.Option("--temperature", help="Softness of the teacher's answers; default 3.")
]
DistillationWeight = Annotated[
    float | None, typer.Option("--distillation-weight", help="The teacher's share of the loss, 0 to 1; default 0.7.")
]
TeacherEpochs = Annotated[
    int | None, typer.Option("--teacher-epochs", help="Epochs of a teacher trained on demand; default: its own.")
]
ImageSize = Annotated[
    int | None,
    typer.Option(
        "--image-size", min=1, max=224,
        help="Bring images to so many pixels in height and width; mobilenet-v2: 32 (default) to 224.",
    ),
]  # fmt: skip
Alpha = Annotated[
    float | None, typer.Option("--alpha", help="mobilenet-v2's width: 0.35 (default), 0.5, 0.75, 1.0, 1.3 or 1.4.")
]
Weights = Annotated[
    str | None,
    typer.Option("--weights", help="What mobilenet-v2 starts from: imagenet (default), none, a .h5 or .keras file."),
]
Freeze = Annotated[
    bool | None,
    typer.Option("--freeze/--no-freeze", help="Train mobilenet-v2's classifier alone; default: with weights."),
]
FineTuneEpochs = Annotated[
    int | None,
    typer.Option("--fine-tune-epochs", help="Epochs of the whole mobilenet-v2 after the frozen ones; default 0."),
]
Sparsity = Annotated[float | None, typer.Option("--sparsity", help="Share of zeros, 0 to below 1; default 0.5.")]
PruningSchedule = Annotated[
    str | None, typer.Option("--schedule", help="polynomial (zeros rise step by step; default) or constant.")
]
Pattern = Annotated[
    str | None, typer.Option("--pattern", help="unstructured (default) or 2:4 (2 zeros in 4 along input channels).")
]
TrainedOn = Annotated[
    str | None, typer.Option("--dataset", help="The dataset; default: what the model was trained on.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the interrupted run.")]


@dataclass(frozen=True)
class Fitting:
    """The options of everything that fits a net."""

    epochs: Epochs = None
    seed: OptionalSeed = None
    batch: Batch = None
    learning_rate: Rate = None
    augment: Augment = None
    teacher: Teacher = None
    temperature: Temperature = None
    distillation_weight: DistillationWeight = None
    teacher_epochs: TeacherEpochs = None
    resume: Resume = False
    mlflow: Mlflow = None
    work: Work = DEFAULT_WORK
    as_json: Json = False

    def distillation(self) -> DistillationSettings | None:
        """Return what the options of teachers come to."""
        from edgemnist.training.distillation import distillation_of_options

        return distillation_of_options(self.teacher, self.temperature, self.distillation_weight, self.teacher_epochs)


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    commands: dict[str, Callable[..., None]] = {"train": _train, "prune": _prune, "qat": _qat}
    for name, command in commands.items():
        app.command(name, cls=TrackedCommand)(spread(command))


def _train(
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
) -> None:
    """Train a model on a dataset; writes trained.keras, its history and curves."""
    from edgemnist import train
    from edgemnist.artifacts import WorkFolder
    from edgemnist.tracking import open_tracking
    from edgemnist.training.view import show_training
    from edgemnist.transfer import transfer_of_options

    chosen, base = choice_of_options(fitting.augment, augmentation), (alpha, weights, freeze, fine_tune_epochs)
    settings = train.TrainSettings(
        arch, fitting.epochs, fitting.seed, fitting.batch, fitting.learning_rate, schedule, chosen, patience,
        validation, augmentation_strength, label_smoothing, average, fitting.distillation(), transfer_of_options(*base),
    )  # fmt: skip
    work, tracking = WorkFolder(fitting.work), open_tracking(fitting.mlflow)
    result = train.train_named(settings, dataset, work, image_size=image_size, resume=fitting.resume)
    show_training(result, as_json=fitting.as_json)
    tracking.log(work, "train")


def _prune(
    *,
    sparsity: Sparsity = None,
    schedule: PruningSchedule = None,
    pattern: Pattern = None,
    dataset: TrainedOn = None,
    fitting: Fitting,
) -> None:
    """Set weights of the trained model to zero while fine-tuning it; writes pruned.keras."""
    from edgemnist import prune
    from edgemnist.artifacts import WorkFolder
    from edgemnist.tracking import open_tracking
    from edgemnist.training.view import show_pruning

    settings = prune.PruneSettings(
        sparsity, schedule, pattern, fitting.epochs, fitting.seed, fitting.batch, fitting.learning_rate,
        choice_of_options(fitting.augment, None), fitting.distillation(),
    )  # fmt: skip
    work, tracking = WorkFolder(fitting.work), open_tracking(fitting.mlflow)
    show_pruning(prune.prune_named(settings, dataset, work, resume=fitting.resume), as_json=fitting.as_json)
    tracking.log(work, "prune")


def _qat(*, dataset: TrainedOn = None, fitting: Fitting) -> None:
    """Train the pruned or trained model on with int8's rounding; zeros stay zeros; writes qat.keras."""
    from edgemnist import qat
    from edgemnist.artifacts import WorkFolder
    from edgemnist.tracking import open_tracking
    from edgemnist.training.view import show_qat

    settings = qat.QatSettings(
        fitting.epochs, fitting.seed, fitting.batch, fitting.learning_rate,
        choice_of_options(fitting.augment, None), fitting.distillation(),
    )  # fmt: skip
    work, tracking = WorkFolder(fitting.work), open_tracking(fitting.mlflow)
    show_qat(qat.qat_named(settings, dataset, work, resume=fitting.resume), as_json=fitting.as_json)
    tracking.log(work, "qat")
