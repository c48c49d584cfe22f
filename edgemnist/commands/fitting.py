"""The options of everything that fits a net: train, prune and qat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from edgemnist.commands.options import DEFAULT_WORK, Mlflow, OptionalSeed, Work
from edgemnist.commands.outcome import Outcome

if TYPE_CHECKING:
    from edgemnist.artifacts.folder import WorkFolder
    from edgemnist.artifacts.tracking import Tracking
    from edgemnist.training.distillation import DistillationSettings
    from edgemnist.training.report import FitResult

ResultT = TypeVar("ResultT", bound="FitResult")


Epochs = Annotated[int | None, typer.Option("--epochs", help="Epochs; default: the architecture's.")]

Batch = Annotated[int | None, typer.Option("--batch", help="Images per step; default 128, fewer for few images.")]

Rate = Annotated[float | None, typer.Option("--learning-rate", help="Peak learning rate; default: the architecture's.")]

Augment = Annotated[
    bool | None, typer.Option("--augment/--no-augment", help="Change images at random; default: as suits the net.")
]

Teacher = Annotated[
    str | None,
    typer.Option(
        "--teacher", metavar="NAME|PATH", help="Learn from this model: an architecture, trained on demand, or a path."
    ),
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
    str | None,
    typer.Option("--dataset", metavar="NAME|PATH", help="The dataset; default: what the model was trained on."),
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


def outcome_of(result: ResultT, show: Callable[[ResultT], None], tracking: Tracking, work: WorkFolder) -> Outcome:
    """Return what a fit's command hands on: the result is shown and logged, then has to be above chance."""
    from edgemnist.training.chance import require_learned

    def log_and_check() -> None:
        tracking.log(work, result.stage)
        require_learned(result)

    return Outcome(result, lambda: show(result), log_and_check)
