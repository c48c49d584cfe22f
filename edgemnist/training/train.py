"""Training an architecture from its initial weights: to ``trained.keras``, measured once on the test images.

This is the fit behind ``edgemnist train``, and the one of a teacher that is trained on demand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.data.base import Dataset, Split
from edgemnist.keras_io.saving import save_model
from edgemnist.support.errors import InputError
from edgemnist.support.files import sha256_of, write_text
from edgemnist.support.progress import say
from edgemnist.tflite.normalisation import parse_normalisation
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing
from edgemnist.training import architectures
from edgemnist.training.augment import AUTO, NO_AUGMENTATION
from edgemnist.training.augmentation_choice import choose_augmentation
from edgemnist.training.averaging import DECAY
from edgemnist.training.checkpoint import read_checkpoint
from edgemnist.training.distillation import Teacher, stored_distillation
from edgemnist.training.fit import FitPlan, FitRun, FitStage, Fitted
from edgemnist.training.heads import SIGMOID, SOFTMAX, outputs_of
from edgemnist.training.loop import TrainingDivergedError, use_best_weights
from edgemnist.training.mobilenet import Transfer, TransferSettings, load_weights, plan_transfer, stored_transfer
from edgemnist.training.phases import FINE_TUNING_CHECKPOINT, fit_in_phases
from edgemnist.training.recipe import (
    FEWEST_TO_CHOOSE,
    Recipe,
    averaging_decay_for,
    batch_for,
    epochs_for,
    given_or,
    passes_for,
    rate_for,
    steps_of,
)  # fmt: skip
from edgemnist.training.report import FitResult
from edgemnist.training.settings import FitSettings

KEPT_ARCHITECTURE = "trained-architecture.toml"
"""A copy of the file whose architecture a training is of: to go on with it when the file has changed or is gone."""

LAST_GOOD_MODEL = "last-good.keras"
"""What a training leaves that diverged: a model to look into, or to convert with ``edgemnist convert FILE``."""

PATIENCE_AT_CONSTANT_RATE = 5

_MOST_VALIDATION = 5_000

_BEFORE_THEY_WERE_RECORDED = {
    "selection": True,
    "passes": 1,
    "averaging_decay": DECAY,
    "head": SOFTMAX,
    "blueprint": None,
}
"""What settings were that manifests of earlier versions do not name."""


@dataclass(frozen=True, kw_only=True)
class TrainSettings(FitSettings):
    """What to train; None leaves a choice to the architecture's recipe (or, on resuming, to the checkpoint).

    ``image_size``: bring the images to so many pixels in height and width; None keeps them as they are, or makes them
    what the architecture takes. ``augmentation_strength`` scales the augmentation's ranges; ``patience`` is in epochs,
    0 for none (the default, unless the rate is constant: schedules that end at 0 gain most in their last epochs);
    ``validation`` is the number of images held out of the training split (default 5,000, at most a tenth); ``head`` is
    one of ``heads.HEADS``.
    """

    arch: str | None = None
    image_size: int | None = None
    schedule: str | None = None
    patience: int | None = None
    validation: int | None = None
    augmentation_strength: float | None = None
    label_smoothing: float | None = None
    averaging: bool | None = None
    transfer: TransferSettings | None = None
    head: str | None = None

    def filled_from(self, stored: Mapping[str, Any]) -> TrainSettings:
        """Return the settings with what is not given taken from a checkpoint's; those of a transfer one by one."""
        return dataclasses.replace(
            super().filled_from(stored), transfer=stored_transfer(stored["transfer"], self.transfer)
        )


@dataclass(frozen=True)
class TrainResult(FitResult):
    """What came out; ``parameters`` counts what a converted model holds (batch norms folded)."""

    stage = "train"

    parameters: int


@dataclass(frozen=True, kw_only=True)
class TrainPlan(FitPlan):
    """What to train, with every choice made."""

    architecture: architectures.Architecture
    transfer: Transfer | None
    head: str = SOFTMAX

    def own_settings(self) -> dict[str, Any]:
        """Return what only a training decides, as JSON values."""
        return {
            "image_shape": list(self.context.preprocessing.image_shape),
            "arch": self.context.arch,
            "blueprint": self.architecture.blueprint and self.architecture.blueprint.as_json(),
            "validation": self.validation,
            "head": self.head,
        }

    def as_json(self, dataset: Dataset, teacher: Teacher | None) -> dict[str, Any]:
        """Return what decides the fit, as JSON values."""
        transfer = dataclasses.asdict(self.transfer) if self.transfer else None
        return {**super().as_json(dataset, teacher), "transfer": transfer}


def is_trained(settings: TrainSettings, dataset: Dataset, work: WorkFolder) -> bool:
    """Whether the work folder has a whole model that was trained with these settings on this dataset."""
    record = work.find("train")
    if record is None or not _would_be(record.settings, settings, dataset, work):
        return False
    path = work.path(TRAINED_MODEL)
    return path.exists() and sha256_of(path) == record.outputs.get(TRAINED_MODEL)


def is_resumable(settings: TrainSettings, dataset: Dataset, work: WorkFolder) -> bool:
    """Whether the work folder has an unfinished training with these settings on this dataset."""
    if not work.path(TRAIN.checkpoint).exists():
        return False
    return _would_be(TRAIN.unfinished(work).settings, settings, dataset, work)


def _would_be(stored: Mapping[str, Any], settings: TrainSettings, dataset: Dataset, work: WorkFolder) -> bool:
    """Whether a training with these settings would be the stored one; teachers are compared by name and options."""
    wanted = _plan(settings, dataset, work).as_json(dataset, None)
    known = {**_BEFORE_THEY_WERE_RECORDED, **stored}
    same = all(known.get(key) == value for key, value in wanted.items() if key not in ("dataset", "distillation"))
    return same and stored_distillation(stored.get("distillation")) == settings.distillation


def _plan(settings: TrainSettings, dataset: Dataset, work: WorkFolder) -> TrainPlan:
    row = trained_architecture(settings.arch, work)
    architectures.require_images(row, dataset.image_shape)
    validation = _validation_count(settings.validation, dataset.train)
    head = settings.head or SOFTMAX
    outputs_of(head, dataset.classes)
    recipe = _recipe(settings, row.defaults, dataset, validation)
    preprocessing = Preprocessing(
        dataset.image_shape,
        dataset.class_names,
        parse_normalisation(row.pixels),
        output=OutputKind.ONE_PROBABILITY if head == SIGMOID else OutputKind.UNKNOWN,
    )
    return TrainPlan(
        context=ModelContext(dataset.name, row.name, preprocessing),
        validation=validation,
        split_seed=recipe.seed,
        recipe=recipe,
        architecture=row,
        transfer=plan_transfer(row.name, settings.transfer, dataset.image_shape[0]),
        head=head,
    )


def trained_architecture(name: str | None, work: WorkFolder) -> architectures.Architecture:
    """Return an architecture by its name or file, or by the name of the one that was trained from a file here.

    :raises InputError: there is none.
    """
    return architectures.find_architecture(name or architectures.DEFAULT_ARCHITECTURE, work.path(KEPT_ARCHITECTURE))


def usual_batch(arch: str, images: int) -> int:
    """Return an architecture's batch in a training on so many images."""
    return batch_for(architectures.find_architecture(arch).defaults.batch, images)


def usual_epochs(arch: str, epochs: int, images: int) -> int:
    """Return the epochs of an architecture's training on so many images, given those for 55,000."""
    return epochs_for(epochs, images, usual_batch(arch, images))


def _recipe(settings: TrainSettings, usual: architectures.Defaults, dataset: Dataset, validation: int) -> Recipe:
    """Return the recipe for a dataset of which so many images are held out."""
    images = len(dataset.train) - validation
    batch = given_or(settings.batch, batch_for(usual.batch, images))
    epochs = given_or(settings.epochs, epochs_for(usual.epochs, images, batch))
    passes = passes_for(images, batch)
    schedule = settings.schedule or "one-cycle"
    default_patience = PATIENCE_AT_CONSTANT_RATE if schedule == "constant" else 0
    patience = given_or(settings.patience, default_patience)
    default_augmentation = AUTO if usual.augmentation else NO_AUGMENTATION.name
    return Recipe(
        epochs=epochs,
        batch=batch,
        learning_rate=given_or(settings.learning_rate, rate_for(usual.learning_rate, usual.batch, batch, images)),
        schedule=schedule,
        augmentation=choose_augmentation(settings.augmentation, default_augmentation, dataset),
        augmentation_strength=given_or(settings.augmentation_strength, usual.augmentation or 1.0),
        label_smoothing=given_or(settings.label_smoothing, usual.label_smoothing),
        averaging=given_or(settings.averaging, usual.averaging),
        patience=patience,
        seed=given_or(settings.seed, 0),
        passes=passes,
        averaging_decay=averaging_decay_for(images, epochs * steps_of(images, batch, passes)),
        selection=bool(patience) or validation >= FEWEST_TO_CHOOSE,
    )


def _validation_count(count: int | None, train: Split) -> int:
    if count is None:
        return max(1, min(_MOST_VALIDATION, len(train) // 10))
    if not 0 < count < len(train):
        raise InputError(f"cannot hold out {count} of {len(train)} training images for validation; the default is 10 %")
    return count


def _fit(plan: TrainPlan, run: FitRun) -> Fitted:
    if plan.architecture.blueprint is not None and not run.resume:  # a resumed one may yet be refused
        write_text(run.work.path(KEPT_ARCHITECTURE), plan.architecture.blueprint.as_toml())
    model = _untrained(plan, run.dataset)
    try:
        state = fit_in_phases(model, plan.transfer, plan.recipe, run)
    except TrainingDivergedError:
        _save_last_good(model, run.work)
        raise
    use_best_weights(model, state)
    return Fitted(model=model, state=state)


def _untrained(plan: TrainPlan, dataset: Dataset) -> Any:
    """Return the model before the first step: with weights from the seed, or from elsewhere."""
    shape, alpha = dataset.image_shape, plan.transfer.alpha if plan.transfer else None
    model = architectures.build_model(
        plan.architecture, shape, dataset.classes, plan.recipe.seed, alpha=alpha, head=plan.head
    )
    if plan.transfer:
        load_weights(model, plan.transfer, shape[0])
    return model


def _save_last_good(model: Any, work: WorkFolder) -> None:
    """Write the best weights of a training that diverged, if it got as far as any."""
    state = read_checkpoint(work.path(TRAIN.checkpoint)).state
    if state.best_epoch:
        use_best_weights(model, state)
        save_model(model, work.path(LAST_GOOD_MODEL))
        say(f"the best weights before the divergence are in {str(work.path(LAST_GOOD_MODEL))!r}")


def _measure(_: TrainPlan, run: FitRun, fitted: Fitted) -> TrainResult:
    return TrainResult(**run.result_fields(fitted), parameters=architectures.folded_parameters(fitted.model))


TRAIN = FitStage(
    name="train",
    model=TRAINED_MODEL,
    later_checkpoints=(FINE_TUNING_CHECKPOINT,),
    plan=_plan,
    fit=_fit,
    measure=_measure,
)
