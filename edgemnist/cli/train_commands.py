"""``edgemnist train``, ``edgemnist prune`` and ``edgemnist qat``."""

from __future__ import annotations

from typing import Annotated

import typer

from edgemnist.augment import AUGMENTATIONS, choice_of_options
from edgemnist.cli.options import DEFAULT_WORK, Json, OptionalSeed, Work
from edgemnist.models import DEFAULT_ARCHITECTURE, architectures

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


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("train")(_train)
    app.command("prune")(_prune)
    app.command("qat")(_qat)


def _train(
    arch: Arch = None,
    dataset: DatasetName = None,
    epochs: Epochs = None,
    seed: OptionalSeed = None,
    batch: Batch = None,
    learning_rate: Rate = None,
    schedule: Schedule = None,
    augment: Augment = None,
    augmentation: Augmentation = None,
    augmentation_strength: Strength = None,
    label_smoothing: Smoothing = None,
    average: Average = None,
    teacher: Teacher = None,
    temperature: Temperature = None,
    distillation_weight: DistillationWeight = None,
    teacher_epochs: TeacherEpochs = None,
    patience: Patience = None,
    validation: Validation = None,
    resume: Resume = False,
    work: Work = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """Train a model on a dataset; writes trained.keras, its history and curves."""
    from edgemnist import train
    from edgemnist.artifacts import WorkFolder
    from edgemnist.training.distillation import distillation_of_options
    from edgemnist.training.view import show_training

    chosen = choice_of_options(augment, augmentation)
    settings = train.TrainSettings(
        arch, epochs, seed, batch, learning_rate, schedule, chosen, patience, validation, augmentation_strength,
        label_smoothing, average, distillation_of_options(teacher, temperature, distillation_weight, teacher_epochs),
    )  # fmt: skip
    show_training(train.train_named(settings, dataset, WorkFolder(work), resume=resume), as_json=as_json)


def _prune(
    sparsity: Sparsity = None,
    schedule: PruningSchedule = None,
    pattern: Pattern = None,
    dataset: TrainedOn = None,
    epochs: Epochs = None,
    seed: OptionalSeed = None,
    batch: Batch = None,
    learning_rate: Rate = None,
    augment: Augment = None,
    teacher: Teacher = None,
    temperature: Temperature = None,
    distillation_weight: DistillationWeight = None,
    teacher_epochs: TeacherEpochs = None,
    resume: Resume = False,
    work: Work = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """Set weights of the trained model to zero while fine-tuning it; writes pruned.keras."""
    from edgemnist import prune
    from edgemnist.artifacts import WorkFolder
    from edgemnist.training.distillation import distillation_of_options
    from edgemnist.training.view import show_pruning

    chosen = choice_of_options(augment, None)
    soft = distillation_of_options(teacher, temperature, distillation_weight, teacher_epochs)
    settings = prune.PruneSettings(sparsity, schedule, pattern, epochs, seed, batch, learning_rate, chosen, soft)
    show_pruning(prune.prune_named(settings, dataset, WorkFolder(work), resume=resume), as_json=as_json)


def _qat(
    dataset: TrainedOn = None,
    epochs: Epochs = None,
    seed: OptionalSeed = None,
    batch: Batch = None,
    learning_rate: Rate = None,
    augment: Augment = None,
    teacher: Teacher = None,
    temperature: Temperature = None,
    distillation_weight: DistillationWeight = None,
    teacher_epochs: TeacherEpochs = None,
    resume: Resume = False,
    work: Work = DEFAULT_WORK,
    as_json: Json = False,
) -> None:
    """Train the pruned or trained model on with int8's rounding; zeros stay zeros; writes qat.keras."""
    from edgemnist import qat
    from edgemnist.artifacts import WorkFolder
    from edgemnist.training.distillation import distillation_of_options
    from edgemnist.training.view import show_qat

    chosen = choice_of_options(augment, None)
    soft = distillation_of_options(teacher, temperature, distillation_weight, teacher_epochs)
    settings = qat.QatSettings(epochs, seed, batch, learning_rate, chosen, soft)
    show_qat(qat.qat_named(settings, dataset, WorkFolder(work), resume=resume), as_json=as_json)
