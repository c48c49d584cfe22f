"""The qat stage: the trained or pruned model learns to live with int8, and ``qat.keras`` keeps the learned ranges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import QAT_MODEL, WorkFolder
from edgemnist.data.base import Dataset
from edgemnist.data.splits import class_balanced_sample
from edgemnist.keras_io.saving import load_model
from edgemnist.support.files import sha256_of
from edgemnist.training import quantisation
from edgemnist.training.fine_tuning import following_recipe, require_same_dataset, settings_before, trained_dataset
from edgemnist.training.fit import FitPlan, FitRun, FitStage, Fitted, plan_fit
from edgemnist.training.loop import use_best_weights
from edgemnist.training.report import FitResult
from edgemnist.training.settings import FitSettings
from edgemnist.training.sparsity import share_of_zeros
from edgemnist.training.teacher import run_taught

DEFAULT_EPOCHS = 4
"""For 55,000 images or more; smaller sets get more."""

FINE_TUNING_RATE = 0.1
"""Peak learning rate as a share of that of the training."""

RANGE_IMAGES = 500
"""Images whose activations are where the ranges start."""


@dataclass(frozen=True, kw_only=True)
class QatSettings(FitSettings):
    """How to train; None leaves the choice to the training's recipe, or to the checkpoint on resuming.

    ``learning_rate`` is the peak of a one-cycle schedule.
    """


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


@dataclass(frozen=True, kw_only=True)
class QatPlan(FitPlan):
    """How to train, with every choice made. ``source`` is the model that is trained on, as the work folder names it."""

    source: str
    source_sha256: str
    keep_zeros: bool

    def own_settings(self) -> dict[str, Any]:
        """Return what only a quantisation-aware training decides, as JSON values."""
        names = ("source", "source_sha256", "keep_zeros", "validation", "split_seed")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, eq=False, kw_only=True)
class QuantisationAware(Fitted):
    """The plain model with the learned ranges; ``accuracy_before`` is the source's, in 0..1 on the test split."""

    accuracy_before: float


def run_qat(
    settings: QatSettings, work: WorkFolder, *, dataset: Dataset | None = None, resume: bool = False
) -> QatResult:
    """Train the work folder's pruned or trained model on with int8's rounding; leave ``qat.keras`` and its record.

    ``dataset`` is what the model was trained on, None to load it. The zeros of a pruned model stay. Validation uses the
    images that the training held out. With ``resume`` an unfinished training goes on.

    :raises StageOrderError: nothing has been trained here.
    :raises FolderInUseError: another command fits a model here.
    :raises InputError: a setting is out of range, the dataset is not the trained one, or there is nothing to resume.
    :raises UnsupportedModelError: the model has layers that can't be quantised while training.
    :raises TrainingDivergedError: the loss is no longer a number.
    :raises EdgeMnistError: as ``load_dataset_for`` and ``find_teacher``.
    """
    with work.fitting(QAT.name):
        dataset = dataset or trained_dataset(settings, work, needed_by=QAT.command)
        return run_taught(plan_fit(QAT, settings, dataset, work, resume=resume))


def _plan(settings: QatSettings, dataset: Dataset, work: WorkFolder) -> QatPlan:
    before = settings_before(work, needed_by=QAT.command)
    require_same_dataset(before, dataset, "train")
    source, record = work.latest_float_model(needed_by=QAT.command)
    recipe = following_recipe(
        settings, before, dataset, epochs=DEFAULT_EPOCHS, rate_share=FINE_TUNING_RATE, averaging=False
    )
    digest = sha256_of(source)
    return QatPlan(
        context=ModelContext.from_json(before),
        validation=before["validation"],
        split_seed=before["seed"],
        recipe=recipe,
        inputs={source: digest},
        source=source.name,
        source_sha256=digest,
        keep_zeros=record.stage == "prune",
    )


def _fit(plan: QatPlan, run: FitRun) -> QuantisationAware:
    """Return the plain model with the weights and ranges of the best epoch."""
    (path,) = plan.inputs
    source, division, normalisation = load_model(path), run.division, run.context.preprocessing.normalisation
    wrapped = quantisation.wrap(source, keep_zeros=plan.keep_zeros)
    sample = class_balanced_sample(division.learned, min(RANGE_IMAGES, len(division.rows)), plan.split_seed)
    quantisation.start_ranges(wrapped, source, normalisation.apply(sample.images), normalisation)
    state = run.fit(wrapped, plan.recipe)
    use_best_weights(wrapped, state)
    model = quantisation.plain_model(source, wrapped, normalisation)
    return QuantisationAware(model=model, state=state, accuracy_before=run.accuracy(source))


def _measure(plan: QatPlan, run: FitRun, fitted: QuantisationAware) -> QatResult:
    return QatResult(
        **run.result_fields(fitted),
        source=plan.source,
        accuracy_before=fitted.accuracy_before,
        sparsity=share_of_zeros(fitted.model),
    )


QAT = FitStage(name="qat", model=QAT_MODEL, needs="train", plan=_plan, fit=_fit, measure=_measure)
