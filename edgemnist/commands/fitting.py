"""The options of everything that fits a net: train, prune and qat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from edgemnist.commands.options import DEFAULT_WORK, Mlflow, OptionalSeed, Work

if TYPE_CHECKING:
    from edgemnist.training.distillation import DistillationSettings


Epochs = Annotated[int | None, typer.Option("--epochs", help="Epochs; default: the architecture's.")]

Batch = Annotated[int | None, typer.Option("--batch", help="Images per step; default 128.")]

Rate = Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate; default: the architecture's.")]

Augment = Annotated[
    bool | None, typer.Option("--augment/--no-augment", help="Change images at random; default: as suits the net.")
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

    def distillation(self) -> DistillationSettings | None:
        """Return what the options of teachers come to."""
        from edgemnist.training.distillation import distillation_settings_from

        return distillation_settings_from(self.teacher, self.temperature, self.distillation_weight, self.teacher_epochs)
