"""The qat stage: the trained or pruned model learns to live with int8, and ``qat.keras`` keeps the learned ranges."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import QAT_MODEL, WorkFolder
from edgemnist.commands.train.stage import find_teacher
from edgemnist.data.base import Dataset
from edgemnist.data.loading import load_dataset_for
from edgemnist.data.splits import TrainingDivision, class_balanced_sample, divide_for_training
from edgemnist.keras_io.saving import load_model
from edgemnist.support.files import sha256_of
from edgemnist.training import quantisation
from edgemnist.training.answers import TeacherAnswers, prepare_answers
from edgemnist.training.distillation import DistillationSettings, Teacher, stored_distillation
from edgemnist.training.fine_tuning import following_recipe, require_same_dataset
from edgemnist.training.fit import FitStage, command_line, read_unfinished, resumable, run_fit
from edgemnist.training.loop import FitState, Loop, evaluate, use_best_weights
from edgemnist.training.recipe import Recipe
from edgemnist.training.report import FitResult, facts_of_fit, finish_fit
from edgemnist.training.sparsity import share_of_zeros

CHECKPOINT = "qat-checkpoint.npz"
DEFAULT_EPOCHS = 4
"""For 55,000 images or more; smaller sets get more."""

FINE_TUNING_RATE = 0.1
"""Peak learning rate as a share of that of the training."""

RANGE_IMAGES = 500
"""Images whose activations are where the ranges start."""

_COMMAND = "edgemnist qat"


@dataclass(frozen=True)
class QatSettings:
    """How to train; None leaves the choice to the training's recipe, or to the checkpoint on resuming.

    ``learning_rate`` is the peak of a one-cycle schedule.
    """

    epochs: int | None = None
    seed: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    augmentation: str | None = None
    distillation: DistillationSettings | None = None


@dataclass(frozen=True)
class QatResult(FitResult):
    """What came out. ``accuracy_before`` is that of ``source``, the float model, in 0..1 on the test split.

    ``accuracy`` is that of the model with rounded activations; conversion rounds the weights as well. ``sparsity`` is
    the share of zeros in all kernels.
    """

    stage = "qat"

    source: str
    accuracy_before: float
    sparsity: float


@dataclass(frozen=True)
class _Plan:
    """Settings with every choice made. ``source`` is the model that is trained on, as the work folder names it."""

    source: Path
    source_sha256: str
    keep_zeros: bool
    validation: int
    split_seed: int
    recipe: Recipe

    def as_json(self, dataset: Dataset, teacher: Teacher | None) -> dict[str, Any]:
        fields = dataclasses.asdict(self) | {"source": self.source.name}
        recipe = fields.pop("recipe")
        names = {"dataset": dataset.name, "dataset_sha256": dataset.sha256}
        return {**names, **fields, **recipe, "distillation": teacher.as_json() if teacher else None}


def run_qat(settings: QatSettings, dataset: Dataset, work: WorkFolder, *, resume: bool = False) -> QatResult:
    """Train the work folder's pruned or trained model on with int8's rounding; leave ``qat.keras`` and its record.

    The zeros of a pruned model stay. Validation uses the images that the training held out.

    :raises StageOrderError: nothing has been trained here.
    :raises InputError: a setting is out of range, the dataset is not the trained one, or there is nothing to resume.
    :raises UnsupportedModelError: the model has layers that can't be quantised while training.
    :raises TrainingDivergedError: the loss is no longer a number.
    """
    trained = work.require("train", needed_by=_COMMAND)
    command, checkpoint = command_line(_COMMAND, work), work.path(CHECKPOINT)
    if resume:
        settings = _with_stored(settings, read_unfinished(checkpoint, command).settings)
    plan = _plan(settings, dataset, work, trained.settings)
    context = ModelContext.from_json(trained.settings)
    division = divide_for_training(dataset.train, plan.validation, plan.split_seed)
    teacher = find_teacher(
        settings.distillation, dataset, division.validation, work, held_out=plan.validation, seed=plan.split_seed
    )
    stored = plan.as_json(dataset, teacher)
    stage = FitStage(command, f"qat {context.arch}", checkpoint, stored, plan.recipe.epochs)
    with resumable(command, checkpoint):
        source = load_model(plan.source)
        answers = prepare_answers(teacher, dataset, plan.recipe)
        model, state = _fit(source, plan, stage, context, division, answers, resume=resume)
        before = evaluate(source, dataset.test, context.normalisation)[1]
        result = _measure(model, before, plan, state, context, dataset, work)
        finish_fit(
            model,
            result,
            work,
            "qat",
            settings={**context.as_json(), **stored},
            inputs=[plan.source],
            checkpoints=[checkpoint],
        )
    return result


def _fit(
    source: Any,
    plan: _Plan,
    stage: FitStage,
    context: ModelContext,
    division: TrainingDivision,
    teacher: TeacherAnswers | None,
    *,
    resume: bool,
) -> tuple[Any, FitState]:
    """Return the plain model with the weights and ranges of the best epoch, and the last state."""
    wrapped = quantisation.wrap(source, keep_zeros=plan.keep_zeros)
    sample = class_balanced_sample(division.learned, min(RANGE_IMAGES, len(division.rows)), plan.split_seed)
    quantisation.start_ranges(wrapped, source, context.normalisation.apply(sample.images), context.normalisation)
    loop = Loop(wrapped, plan.recipe, division, context.normalisation, teacher=teacher)
    state = run_fit(loop, stage, resume=resume)
    use_best_weights(wrapped, state)
    return quantisation.plain_model(source, wrapped, context.normalisation), state


def _measure(
    model: Any, before: float, plan: _Plan, state: FitState, context: ModelContext, dataset: Dataset, work: WorkFolder
) -> QatResult:
    return QatResult(
        **facts_of_fit(work.path(QAT_MODEL), context, evaluate(model, dataset.test, context.normalisation)[1], state),
        source=plan.source.name,
        accuracy_before=before,
        sparsity=share_of_zeros(model),
    )


def qat_named(settings: QatSettings, dataset: str | None, work: WorkFolder, *, resume: bool = False) -> QatResult:
    """Train on the dataset that the model was trained on; ``dataset`` may name it again, nothing else.

    :raises EdgeMnistError: as ``run_qat`` and ``load_dataset_for``.
    """
    context = ModelContext.from_json(work.require("train", needed_by=_COMMAND).settings)
    return run_qat(settings, load_dataset_for(context, dataset), work, resume=resume)


def _with_stored(settings: QatSettings, stored: Mapping[str, Any]) -> QatSettings:
    """Fill what is not given from the checkpoint's settings."""
    names = [field.name for field in dataclasses.fields(QatSettings)]
    given = {name: getattr(settings, name) for name in names if getattr(settings, name) is not None}
    kept = {name: stored[name] for name in names} | {"distillation": stored_distillation(stored["distillation"])}
    return QatSettings(**{**kept, **given})


def _plan(settings: QatSettings, dataset: Dataset, work: WorkFolder, before: Mapping[str, Any]) -> _Plan:
    require_same_dataset(before, dataset, "train")
    source, record = work.latest_float_model(needed_by=_COMMAND)
    recipe = following_recipe(
        settings, before, dataset, epochs=DEFAULT_EPOCHS, rate_share=FINE_TUNING_RATE, averaging=False
    )
    keep_zeros = record.stage == "prune"
    return _Plan(source, sha256_of(source), keep_zeros, before["validation"], before["seed"], recipe)
