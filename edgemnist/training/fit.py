"""The skeleton of everything that fits a net: plan, fit, measure.

A stage says what is its own in three functions (:class:`FitStage`). ``plan_fit`` makes every choice and holds out the
validation images, ``run_fit`` fits with checkpoints, measures, and leaves model, history and record in the work folder.
Between the two the caller finds the teacher, if there is to be one: a teacher may itself have to be fitted first.
"""

from __future__ import annotations

import dataclasses
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import STAGE_COMMANDS, WorkFolder
from edgemnist.data.base import Dataset
from edgemnist.data.splits import TrainingDivision, divide_for_training
from edgemnist.support.files import sha256_of
from edgemnist.training.chance import remedy_for_chance, seen_at_chance
from edgemnist.training.checkpoint import Checkpoint
from edgemnist.training.distillation import Teacher
from edgemnist.training.loop import FitState, Hooks, Loop, evaluate, predicted_classes
from edgemnist.training.recipe import Recipe, steps_of
from edgemnist.training.report import FitResult, finish_fit, fit_result_fields
from edgemnist.training.resuming import (
    ResumableFit,
    command_line,
    read_unfinished,
    run_resumable,
    tells_how_to_resume,
)
from edgemnist.training.settings import SettingsT
from edgemnist.training.teacher_logits import prepare_teacher_logits


@dataclass(frozen=True, kw_only=True)
class FitPlan(ABC):
    """Settings with every choice made.

    ``validation`` is the number of images held out of the training split, ``split_seed`` chooses them. ``inputs`` are
    the models that the fit goes on from, with their SHA-256.
    """

    context: ModelContext
    validation: int
    split_seed: int
    recipe: Recipe
    inputs: Mapping[Path, str] = field(default_factory=dict)

    @abstractmethod
    def own_settings(self) -> dict[str, Any]:
        """Return what only this stage decides, as JSON values."""

    def as_json(self, dataset: Dataset, teacher: Teacher | None) -> dict[str, Any]:
        """Return what decides the fit, as JSON values: for its checkpoint and its record."""
        return {
            "dataset": dataset.name,
            "dataset_sha256": dataset.sha256,
            **self.own_settings(),
            **dataclasses.asdict(self.recipe),
            "distillation": teacher.as_json() if teacher else None,
        }


@dataclass(frozen=True, eq=False, kw_only=True)
class Fitted:
    """What a fit comes to: the tf_keras model as it is to be saved, and the fit's last state."""

    model: Any
    state: FitState


@dataclass(frozen=True, eq=False, kw_only=True)
class FitRun:
    """What a stage's ``fit`` and ``measure`` have to work with, beside the plan."""

    context: ModelContext
    dataset: Dataset
    division: TrainingDivision
    teacher: Teacher | None
    work: WorkFolder
    model_path: Path
    resumable: ResumableFit
    resume: bool

    def fit(self, model: Any, recipe: Recipe, hooks: Hooks | None = None) -> FitState:
        """Fit a model by a recipe to the end, with checkpoints, and return the last state.

        :raises InputError: it is to be resumed and there is nothing to resume, or it has other settings.
        :raises TrainingDivergedError: the loss is no longer a number; the checkpoint of the epoch before stays.
        """
        logits = prepare_teacher_logits(self.teacher, self.dataset, recipe)
        loop = Loop(model, recipe, self.division, self.context.preprocessing.normalisation, hooks, logits)
        return run_resumable(loop, self.resumable, resume=self.resume)

    def accuracy(self, model: Any) -> float:
        """Return a model's accuracy on the test split, in 0..1."""
        return evaluate(model, self.dataset.test, self.context.preprocessing.normalisation)[1]

    def result_fields(self, fitted: Fitted) -> dict[str, Any]:
        """Return the fields of a ``FitResult``, after measuring the model on the test split."""
        validation, test = self.division.validation, self.dataset.test
        normalisation = self.context.preprocessing.normalisation
        predicted = [predicted_classes(fitted.model, split, normalisation) for split in (validation, test)]
        seen = seen_at_chance(
            np.concatenate([validation.labels, test.labels]), np.concatenate(predicted), self.dataset.class_names
        )
        return {
            **fit_result_fields(self.model_path, self.context, fitted.state),
            "accuracy": float(np.mean(predicted[1] == test.labels)),
            "test_images": len(test),
            "at_chance": f"{seen}; {self._remedy(fitted.state)}" if seen else "",
        }

    def _remedy(self, state: FitState) -> str:
        settings, shape = self.resumable.settings, self.context.preprocessing.image_shape
        steps = state.epoch * steps_of(len(self.division.rows), settings["batch"], settings["passes"])
        return remedy_for_chance(settings, steps, shape)


PlanT = TypeVar("PlanT", bound=FitPlan)
FittedT = TypeVar("FittedT", bound=Fitted)
ResultT = TypeVar("ResultT", bound=FitResult)


@dataclass(frozen=True, eq=False, kw_only=True)
class FitStage(Generic[SettingsT, PlanT, FittedT, ResultT]):
    """What a stage has of its own: a name, files, and the three steps.

    ``name`` is that of its record; ``model`` the file it makes; ``needs`` the stage that comes before it, "" for none;
    ``later_checkpoints`` the files of what it fits after its first fit.
    """

    name: str
    model: str
    needs: str = ""
    later_checkpoints: tuple[str, ...] = ()
    plan: Callable[[SettingsT, Dataset, WorkFolder], PlanT]
    fit: Callable[[PlanT, FitRun], FittedT]
    measure: Callable[[PlanT, FitRun, FittedT], ResultT]

    @property
    def command(self) -> str:
        """What a person types for it, without options."""
        return STAGE_COMMANDS[self.name]

    @property
    def checkpoint(self) -> str:
        """File name of the checkpoint of its first fit."""
        return f"{self.name}-checkpoint.npz"

    def command_in(self, work: WorkFolder) -> str:
        """Return what a person types for it in a work folder."""
        return command_line(self.command, work)

    def unfinished(self, work: WorkFolder) -> Checkpoint:
        """Return the checkpoint of the unfinished fit.

        :raises InputError: there is none, or it is unreadable.
        """
        return read_unfinished(work.path(self.checkpoint), self.command_in(work))


@dataclass(frozen=True, eq=False, kw_only=True)
class PlannedFit(Generic[SettingsT, PlanT, FittedT, ResultT]):
    """A fit that is ready to run; ``settings`` are those of the unfinished fit where they do not say otherwise."""

    stage: FitStage[SettingsT, PlanT, FittedT, ResultT]
    settings: SettingsT
    plan: PlanT
    dataset: Dataset
    division: TrainingDivision
    work: WorkFolder
    resume: bool


def plan_fit(
    stage: FitStage[SettingsT, PlanT, FittedT, ResultT],
    settings: SettingsT,
    dataset: Dataset,
    work: WorkFolder,
    *,
    resume: bool = False,
) -> PlannedFit[SettingsT, PlanT, FittedT, ResultT]:
    """Make every choice that the settings leave open and hold out the validation images.

    :raises StageOrderError: the stage before has not run here.
    :raises InputError: a setting is out of range, or there is nothing to resume.
    """
    if stage.needs:
        work.require(stage.needs, needed_by=stage.command)
    if resume:
        settings = settings.filled_from(stage.unfinished(work).settings)
    plan = stage.plan(settings, dataset, work)
    division = divide_for_training(dataset.train, plan.validation, plan.split_seed)
    return PlannedFit(
        stage=stage, settings=settings, plan=plan, dataset=dataset, division=division, work=work, resume=resume
    )


def run_fit(planned: PlannedFit[SettingsT, PlanT, FittedT, ResultT], teacher: Teacher | None) -> ResultT:
    """Fit, from the teacher if there is one, and measure; leave model, history and record in the work folder.

    A model of an earlier fit stays until the new one is complete. A resumed fit goes on where its last whole epoch
    ended, to the same weights.

    :raises InputError: the fit to be resumed had other settings.
    :raises TrainingDivergedError: the loss is no longer a number.
    """
    stage, plan, work = planned.stage, planned.plan, planned.work
    settings = plan.as_json(planned.dataset, teacher)
    checkpoints = [work.path(name) for name in (stage.checkpoint, *stage.later_checkpoints)]
    resumable = ResumableFit(
        command=stage.command_in(work),
        title=f"{stage.name} {plan.context.arch}",
        checkpoint=checkpoints[0],
        settings=settings,
        epochs=plan.recipe.epochs,
    )
    run = FitRun(
        context=plan.context,
        dataset=planned.dataset,
        division=planned.division,
        teacher=teacher,
        work=work,
        model_path=work.path(stage.model),
        resumable=resumable,
        resume=planned.resume,
    )
    with tells_how_to_resume(resumable.command, *checkpoints):
        fitted = stage.fit(plan, run)
        result = stage.measure(plan, run, fitted)
        record = {**plan.context.as_json(), **settings}
        finish_fit(fitted.model, result, work, stage.name, settings=record, inputs=plan.inputs, checkpoints=checkpoints)
    return result


def is_made(planned: PlannedFit[SettingsT, PlanT, FittedT, ResultT]) -> bool:
    """Whether the work folder has the whole model that a fit without a teacher would come to, by its record."""
    stage, work = planned.stage, planned.work
    record, path = work.find(stage.name), work.path(stage.model)
    whole = record is not None and path.is_file() and sha256_of(path) == record.outputs.get(stage.model)
    return whole and record is not None and _is_of(planned, record.settings)


def is_unfinished(planned: PlannedFit[SettingsT, PlanT, FittedT, ResultT]) -> bool:
    """Whether the work folder has the checkpoint of just this fit, without a teacher.

    :raises InputError: the checkpoint is damaged.
    """
    stage, work = planned.stage, planned.work
    return work.path(stage.checkpoint).exists() and _is_of(planned, stage.unfinished(work).settings)


def _is_of(planned: PlannedFit[SettingsT, PlanT, FittedT, ResultT], stored: Mapping[str, Any]) -> bool:
    wanted = json.loads(json.dumps(planned.plan.as_json(planned.dataset, None)))
    return all(stored.get(name) == value for name, value in wanted.items() if name != "dataset")
