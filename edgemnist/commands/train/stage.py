"""The train stage: from a dataset to ``trained.keras``, selected on validation images, measured once on test images."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.data.base import Dataset, Split
from edgemnist.data.loading import load_dataset
from edgemnist.data.splits import divide_for_training
from edgemnist.keras_io.saving import load_model, save_model
from edgemnist.support.errors import InputError
from edgemnist.support.files import sha256_of
from edgemnist.support.progress import say
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.pixels import normalisation_named
from edgemnist.training import architectures
from edgemnist.training.answers import prepare_answers
from edgemnist.training.augment import AUTO, NO_AUGMENTATION, choose_augmentation
from edgemnist.training.checkpoint import read_checkpoint
from edgemnist.training.distillation import DistillationSettings, Teacher, stored_distillation
from edgemnist.training.fit import FitStage, command_line, read_unfinished, resumable, run_fit
from edgemnist.training.loop import FitState, Loop, TrainingDivergedError, evaluate, use_best_weights
from edgemnist.training.mobilenet import (
    Transfer,
    TransferSettings,
    image_for,
    load_weights,
    plan_transfer,
    stored_transfer,
)
from edgemnist.training.phases import fine_tuning_checkpoint, fit_in_phases
from edgemnist.training.recipe import Recipe, epochs_for, given_or
from edgemnist.training.report import FitResult, facts_of_fit, finish_fit
from edgemnist.training.teacher import ANSWERS, TEACHERS, _given, _record_of, _require_fit, _require_same_dataset

CHECKPOINT = "train-checkpoint.npz"
LAST_GOOD_MODEL = "last-good.keras"
"""What a training leaves that diverged: a model to look into, or to convert with ``edgemnist convert FILE``."""

DEFAULT_DATASET = "mnist"
PATIENCE_AT_CONSTANT_RATE = 5


_COMMAND = "edgemnist train"
_MOST_VALIDATION = 5_000


@dataclass(frozen=True)
class TrainSettings:
    """What to train; None leaves a choice to the architecture's recipe (or, on resuming, to the checkpoint).

    ``learning_rate`` is the peak; ``augmentation`` is a name in ``augment.AUGMENTATIONS`` or "auto", the one that suits
    the dataset, and ``augmentation_strength`` scales its ranges; ``patience`` is in epochs, 0 for none (the default,
    unless the rate is constant: schedules that end at 0 gain most in their last epochs); ``validation`` is the number
    of images held out of the training split (default 5,000, at most a tenth).
    """

    arch: str | None = None
    epochs: int | None = None
    seed: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    schedule: str | None = None
    augmentation: str | None = None
    patience: int | None = None
    validation: int | None = None
    augmentation_strength: float | None = None
    label_smoothing: float | None = None
    averaging: bool | None = None
    distillation: DistillationSettings | None = None
    transfer: TransferSettings | None = None


@dataclass(frozen=True)
class TrainResult(FitResult):
    """What came out; ``parameters`` counts what a converted model holds (batch norms folded)."""

    stage = "train"

    parameters: int


@dataclass(frozen=True)
class _Plan:
    """Settings with every choice made."""

    arch: str
    validation: int
    recipe: Recipe
    transfer: Transfer | None

    def as_json(self, dataset: Dataset, teacher: Teacher | None) -> dict[str, Any]:
        return {
            "dataset": dataset.name,
            "dataset_sha256": dataset.sha256,
            "image_shape": list(dataset.image_shape),
            "arch": self.arch,
            "validation": self.validation,
            **dataclasses.asdict(self.recipe),
            "distillation": teacher.as_json() if teacher else None,
            "transfer": dataclasses.asdict(self.transfer) if self.transfer else None,
        }


def run_training(settings: TrainSettings, dataset: Dataset, work: WorkFolder, *, resume: bool = False) -> TrainResult:
    """Train a model and leave ``trained.keras``, its history and the manifest's record in the work folder.

    A model of an earlier training stays until the new one is complete. With ``resume`` an unfinished training goes on
    where its last whole epoch ended, to the same weights.

    :raises InputError: a setting is out of range, or there is nothing to resume with these settings.
    :raises TrainingDivergedError: the loss is no longer a number; the best weights until then are in
        ``last-good.keras``.
    """
    command, checkpoint = command_line(_COMMAND, work), work.path(CHECKPOINT)
    if resume:
        settings = _with_stored(settings, read_unfinished(checkpoint, command).settings)
    plan = _plan(settings, dataset)
    division = divide_for_training(dataset.train, plan.validation, plan.recipe.seed)
    teacher = find_teacher(
        settings.distillation, dataset, division.validation, work, held_out=plan.validation, seed=plan.recipe.seed
    )
    normalisation = normalisation_named(architectures.find_architecture(plan.arch).pixels)
    context = ModelContext(dataset.name, plan.arch, dataset.image_shape, dataset.class_names, normalisation)
    stored = plan.as_json(dataset, teacher)
    stage = FitStage(command, f"train {plan.arch}", checkpoint, stored, plan.recipe.epochs)
    with resumable(command, checkpoint, fine_tuning_checkpoint(checkpoint)):
        model = _untrained(plan, dataset)

        def fit(recipe: Recipe, phase: FitStage, go_on: bool) -> FitState:
            answers = prepare_answers(teacher, dataset, recipe)
            return run_fit(Loop(model, recipe, division, normalisation, teacher=answers), phase, resume=go_on)

        try:
            state = fit_in_phases(model, plan.transfer, plan.recipe, stage, fit, resume=resume)
        except TrainingDivergedError:
            _save_last_good(model, work)
            raise
        use_best_weights(model, state)
        result = _measure(model, context, dataset, work, state)
        checkpoints = checkpoint, fine_tuning_checkpoint(checkpoint)
        finish_fit(model, result, work, "train", settings={**context.as_json(), **stored}, checkpoints=checkpoints)
    return result


def _untrained(plan: _Plan, dataset: Dataset) -> Any:
    """Return the model before the first step: with weights from the seed, or from elsewhere."""
    shape, alpha = dataset.image_shape, plan.transfer.alpha if plan.transfer else None
    model = architectures.build_model(plan.arch, shape, dataset.classes, plan.recipe.seed, alpha=alpha)
    if plan.transfer:
        load_weights(model, plan.transfer, shape[0])
    return model


def _save_last_good(model: Any, work: WorkFolder) -> None:
    """Write the best weights of a training that diverged, if it got as far as any."""
    state = read_checkpoint(work.path(CHECKPOINT)).state
    if state.best_epoch:
        use_best_weights(model, state)
        save_model(model, work.path(LAST_GOOD_MODEL))
        say(f"the best weights before the divergence are in {str(work.path(LAST_GOOD_MODEL))!r}")


def is_trained(settings: TrainSettings, dataset: Dataset, work: WorkFolder) -> bool:
    """Whether the work folder has a whole model that was trained with these settings on this dataset."""
    record = work.find("train")
    if record is None or not _would_be(record.settings, settings, dataset):
        return False
    path = work.path(TRAINED_MODEL)
    return path.exists() and sha256_of(path) == record.outputs.get(TRAINED_MODEL)


def is_resumable(settings: TrainSettings, dataset: Dataset, work: WorkFolder) -> bool:
    """Whether the work folder has an unfinished training with these settings on this dataset."""
    path = work.path(CHECKPOINT)
    if not path.exists():
        return False
    return _would_be(read_unfinished(path, command_line(_COMMAND, work)).settings, settings, dataset)


def _would_be(stored: Mapping[str, Any], settings: TrainSettings, dataset: Dataset) -> bool:
    """Whether a training with these settings would be the stored one; teachers are compared by name and options."""
    wanted = _plan(settings, dataset).as_json(dataset, None)
    same = all(stored.get(key) == value for key, value in wanted.items() if key not in ("dataset", "distillation"))
    return same and stored_distillation(stored.get("distillation")) == settings.distillation


def _measure(model: Any, context: ModelContext, dataset: Dataset, work: WorkFolder, state: FitState) -> TrainResult:
    """Measure the model on the test split, once."""
    return TrainResult(
        **facts_of_fit(
            work.path(TRAINED_MODEL), context, evaluate(model, dataset.test, context.normalisation)[1], state
        ),
        parameters=architectures.folded_parameters(model),
    )


def train_named(
    settings: TrainSettings,
    dataset: str | None,
    work: WorkFolder,
    *,
    image_size: int | None = None,
    resume: bool = False,
) -> TrainResult:
    """Load the dataset by name or path and train on it; None is that of the unfinished training, or MNIST.

    ``image_size``: bring the images to so many pixels in height and width; None keeps them as they are, or makes them
    what the architecture takes.

    :raises EdgeMnistError: as ``run_training`` and ``load_dataset``.
    """
    stored = read_unfinished(work.path(CHECKPOINT), command_line(_COMMAND, work)).settings if resume else None
    arch = settings.arch or (stored["arch"] if stored else architectures.DEFAULT_ARCHITECTURE)
    architectures.find_architecture(arch)  # a slip is told before a dataset is loaded
    size, channels = image_for(arch, image_size)
    if stored:
        height, width, channels = stored["image_shape"]
        loaded = load_dataset(
            dataset or stored["dataset"], image_size=size if image_size else (height, width), channels=channels
        )
    else:
        plan_transfer(arch, settings.transfer, size[0] if size else 0)
        loaded = load_dataset(dataset or DEFAULT_DATASET, image_size=size, channels=channels)
    return run_training(settings, loaded, work, resume=resume)


def _with_stored(settings: TrainSettings, stored: Mapping[str, Any]) -> TrainSettings:
    """Fill what is not given from the checkpoint's settings."""
    names = [field.name for field in dataclasses.fields(TrainSettings)]
    given = {name: getattr(settings, name) for name in names if getattr(settings, name) is not None}
    kept = {name: stored[name] for name in names} | {"distillation": stored_distillation(stored["distillation"])}
    given["transfer"] = stored_transfer(stored["transfer"], settings.transfer)
    return TrainSettings(**{**kept, **given})


def _plan(settings: TrainSettings, dataset: Dataset) -> _Plan:
    row = architectures.find_architecture(settings.arch or architectures.DEFAULT_ARCHITECTURE)
    architectures.require_images(row, dataset.image_shape)
    usual = row.defaults
    validation = _validation_count(settings.validation, dataset.train)
    schedule = settings.schedule or "one-cycle"
    default_patience = PATIENCE_AT_CONSTANT_RATE if schedule == "constant" else 0
    recipe = Recipe(
        epochs=given_or(settings.epochs, epochs_for(usual.epochs, len(dataset.train) - validation)),
        batch=given_or(settings.batch, usual.batch),
        learning_rate=given_or(settings.learning_rate, usual.learning_rate),
        schedule=schedule,
        augmentation=choose_augmentation(
            settings.augmentation, AUTO if usual.augmentation else NO_AUGMENTATION.name, dataset.name
        ),
        augmentation_strength=given_or(settings.augmentation_strength, usual.augmentation or 1.0),
        label_smoothing=given_or(settings.label_smoothing, usual.label_smoothing),
        averaging=usual.averaging if settings.averaging is None else settings.averaging,
        patience=given_or(settings.patience, default_patience),
        seed=given_or(settings.seed, 0),
    )
    return _Plan(row.name, validation, recipe, plan_transfer(row.name, settings.transfer, dataset.image_shape[0]))


def _validation_count(count: int | None, train: Split) -> int:
    if count is None:
        return max(1, min(_MOST_VALIDATION, len(train) // 10))
    if not 0 < count < len(train):
        raise InputError(f"cannot hold out {count} of {len(train)} training images for validation; the default is 10 %")
    return count


def find_teacher(
    settings: DistillationSettings | None,
    dataset: Dataset,
    validation: Split,
    work: WorkFolder,
    *,
    held_out: int,
    seed: int,
) -> Teacher | None:
    """Return the teacher, trained now if it is an architecture that has not been trained here on this dataset.

    A teacher trained here holds out the same images as its student (``held_out`` of them, chosen by ``seed``), so that
    the student is not selected on images that its teacher has learned.

    :raises InputError: there is no such architecture or file, or it was trained on another dataset.
    :raises ModelError: it takes other images, tells other classes apart, or does not know this dataset.
    """
    if settings is None:
        return None
    if settings.teacher in {row.name for row in architectures.architectures()}:
        path = _trained_here(settings, dataset, work, held_out, seed)
    else:
        path = _given(settings.teacher)
        if settings.teacher_epochs is not None:
            raise InputError(
                f"--teacher-epochs {settings.teacher_epochs} is for a teacher that is trained here; {str(path)!r} is "
                "trained already: leave it out, or name an architecture"
            )
    record = _record_of(path)
    if record is not None:
        _require_same_dataset(path, record, dataset)
    normalisation = ModelContext.from_json(record.settings).normalisation if record else Normalisation()
    answers = (path.parent if record else work.path(TEACHERS)) / ANSWERS
    teacher = Teacher(settings, path, sha256_of(path), load_model(path), normalisation, answers)
    _require_fit(teacher, dataset, validation)
    return teacher


def _trained_here(settings: DistillationSettings, dataset: Dataset, work: WorkFolder, held_out: int, seed: int) -> Path:
    from edgemnist.commands.train import stage as train

    folder = WorkFolder(work.path(TEACHERS) / settings.teacher)
    wanted = train.TrainSettings(settings.teacher, epochs=settings.teacher_epochs, seed=seed, validation=held_out)
    if not train.is_trained(wanted, dataset, folder):
        train.run_training(wanted, dataset, folder, resume=train.is_resumable(wanted, dataset, folder))
    return folder.path(TRAINED_MODEL)
