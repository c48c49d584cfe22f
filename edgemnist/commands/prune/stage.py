"""The prune stage: from ``trained.keras`` to ``pruned.keras``: zeros put in while fine-tuning, then counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import PRUNED_MODEL, TRAINED_MODEL, StageRecord, WorkFolder
from edgemnist.commands.train.stage import find_teacher
from edgemnist.data.base import Dataset
from edgemnist.data.loading import load_dataset_for
from edgemnist.data.splits import TrainingDivision, divide_for_training
from edgemnist.keras_io.saving import load_model
from edgemnist.support.files import sha256_of
from edgemnist.training import sparsity
from edgemnist.training.answers import TeacherAnswers, prepare_answers
from edgemnist.training.architectures import folded_parameters
from edgemnist.training.distillation import DistillationSettings, Teacher, stored_distillation
from edgemnist.training.fine_tuning import following_recipe, require_same_dataset
from edgemnist.training.fit import FitStage, command_line, read_unfinished, resumable, run_fit
from edgemnist.training.loop import FitState, Loop, evaluate, use_best_weights
from edgemnist.training.recipe import Recipe, given_or
from edgemnist.training.reference_nets import advice_on_weights
from edgemnist.training.report import FitResult, facts_of_fit, finish_fit
from edgemnist.training.sparsity import LayerSparsity

CHECKPOINT = "prune-checkpoint.npz"
DEFAULT_SPARSITY = 0.5
FEWEST_EPOCHS, MOST_EPOCHS = 5, 25
_EPOCHS_PER_DENSITY = 2.5

FINE_TUNING_RATE = 0.5
"""Peak learning rate of the fine-tuning, as a share of that of the training."""

_COMMAND = "edgemnist prune"


@dataclass(frozen=True)
class PruneSettings:
    """How to prune; None leaves the choice to the training's recipe, or to the checkpoint on resuming.

    ``sparsity`` is the share of zeros in every pruned kernel, in [0, 1); ``schedule`` is "polynomial" (rising over the
    first 60 % of the steps, the default) or "constant" (at once); ``pattern`` is "unstructured" (default) or "2:4"
    (of every 4 weights along the input channels 2 are zero). ``learning_rate`` is the peak of a one-cycle schedule.
    """

    sparsity: float | None = None
    schedule: str | None = None
    pattern: str | None = None
    epochs: int | None = None
    seed: int | None = None
    batch: int | None = None
    learning_rate: float | None = None
    augmentation: str | None = None
    distillation: DistillationSettings | None = None


@dataclass(frozen=True)
class PruneResult(FitResult):
    """What came out. ``accuracy_before`` is that of the unpruned model; ``layers`` are counted in the stripped one.

    ``sparsity`` is the share of zeros in all kernels together, those left dense included; ``parameters_left`` are
    those that are not zero, after batch-norm folding; ``advice`` says whether a smaller dense net does better, "" where
    nobody knows; the gzip sizes are of all weights as float32, in bytes.
    """

    stage = "prune"

    accuracy_before: float
    sparsity: float
    parameters_left: int
    advice: str
    layers: tuple[LayerSparsity, ...]
    gzip_bytes_before: int
    gzip_bytes: int

    def figures(self) -> dict[str, Any]:
        """Return the figures as JSON values, for the manifest and ``--json``."""
        layers = [dataclasses.asdict(layer) | {"sparsity": layer.sparsity} for layer in self.layers]
        return {**super().figures(), "layers": layers}


@dataclass(frozen=True)
class _Plan:
    """Settings with every choice made. ``validation`` is the number of images that the training held out."""

    sparsity: float
    pruning_schedule: str
    pattern: str
    validation: int
    split_seed: int
    trained_sha256: str
    recipe: Recipe

    def as_json(self, dataset: Dataset, teacher: Teacher | None) -> dict[str, Any]:
        fields = dataclasses.asdict(self)
        recipe = fields.pop("recipe")
        names = {"dataset": dataset.name, "dataset_sha256": dataset.sha256}
        return {**names, **fields, **recipe, "distillation": teacher.as_json() if teacher else None}


def run_pruning(settings: PruneSettings, dataset: Dataset, work: WorkFolder, *, resume: bool = False) -> PruneResult:
    """Prune the work folder's trained model and leave ``pruned.keras``, its history and the manifest's record there.

    Validation uses the images that the training held out. With ``resume`` an unfinished pruning goes on.

    :raises StageOrderError: nothing has been trained here.
    :raises InputError: a setting is out of range, the dataset is not the trained one, or there is nothing to resume.
    :raises TrainingDivergedError: the loss is no longer a number.
    """
    trained = work.require("train", needed_by=_COMMAND)
    command, checkpoint = command_line(_COMMAND, work), work.path(CHECKPOINT)
    if resume:
        settings = _with_stored(settings, read_unfinished(checkpoint, command).settings)
    plan = _plan(settings, dataset, work, trained)
    context = ModelContext.from_json(trained.settings)
    division = divide_for_training(dataset.train, plan.validation, plan.split_seed)
    teacher = find_teacher(
        settings.distillation, dataset, division.validation, work, held_out=plan.validation, seed=plan.split_seed
    )
    stored = plan.as_json(dataset, teacher)
    stage = FitStage(command, f"prune {context.arch}", checkpoint, stored, plan.recipe.epochs)
    with resumable(command, checkpoint):
        model = load_model(work.path(TRAINED_MODEL))
        before = _Before(evaluate(model, dataset.test, context.normalisation)[1], sparsity.compressed_size(model))
        answers = prepare_answers(teacher, dataset, plan.recipe)
        stripped, state, layers = _fit(model, plan, stage, context, division, answers, resume=resume)
        result = _measure(stripped, before, state, layers, context, dataset, work)
        finish_fit(
            stripped,
            result,
            work,
            "prune",
            settings={**context.as_json(), **stored},
            inputs=[work.path(TRAINED_MODEL)],
            checkpoints=[checkpoint],
        )
    return result


@dataclass(frozen=True)
class _Before:
    """The model before pruning: accuracy in 0..1 on the test split, bytes of its weights after gzip."""

    accuracy: float
    gzip_bytes: int


def _fit(
    model: Any,
    plan: _Plan,
    stage: FitStage,
    context: ModelContext,
    division: TrainingDivision,
    teacher: TeacherAnswers | None,
    *,
    resume: bool,
) -> tuple[Any, FitState, tuple[LayerSparsity, ...]]:
    """Return the fine-tuned, stripped model with the weights of its best epoch, the last state and the counts."""
    steps_per_epoch = len(division.rows) // min(plan.recipe.batch, len(division.rows))
    steps = steps_per_epoch * plan.recipe.epochs
    pruning = sparsity.plan_pruning(plan.sparsity, plan.pruning_schedule, plan.pattern, steps)
    wrapped = sparsity.wrap(model, pruning)
    hooks = sparsity.pruning_hooks(wrapped, pruning, steps_per_epoch)
    loop = Loop(wrapped, plan.recipe, division, context.normalisation, hooks, teacher)
    state = run_fit(loop, stage, resume=resume)
    use_best_weights(wrapped, state)
    stripped = sparsity.strip(wrapped)
    return stripped, state, sparsity.count_sparsity(stripped, pruning)


def _measure(
    model: Any,
    before: _Before,
    state: FitState,
    layers: tuple[LayerSparsity, ...],
    context: ModelContext,
    dataset: Dataset,
    work: WorkFolder,
) -> PruneResult:
    accuracy = evaluate(model, dataset.test, context.normalisation)[1]
    left = folded_parameters(model) - sum(layer.zeros for layer in layers)
    return PruneResult(
        **facts_of_fit(work.path(PRUNED_MODEL), context, accuracy, state),
        accuracy_before=before.accuracy,
        sparsity=sparsity.total_sparsity(layers),
        parameters_left=left,
        advice=advice_on_weights(dataset.name, accuracy, left),
        layers=layers,
        gzip_bytes_before=before.gzip_bytes,
        gzip_bytes=sparsity.compressed_size(model),
    )


def prune_named(settings: PruneSettings, dataset: str | None, work: WorkFolder, *, resume: bool = False) -> PruneResult:
    """Prune on the dataset that the model was trained on; ``dataset`` may name it again, nothing else.

    :raises EdgeMnistError: as ``run_pruning`` and ``load_dataset_for``.
    """
    context = ModelContext.from_json(work.require("train", needed_by=_COMMAND).settings)
    return run_pruning(settings, load_dataset_for(context, dataset), work, resume=resume)


def _with_stored(settings: PruneSettings, stored: Mapping[str, Any]) -> PruneSettings:
    """Fill what is not given from the checkpoint's settings."""
    names = {field.name: field.name for field in dataclasses.fields(PruneSettings)} | {"schedule": "pruning_schedule"}
    given = {name: getattr(settings, name) for name in names if getattr(settings, name) is not None}
    kept = {name: stored[key] for name, key in names.items()}
    kept["distillation"] = stored_distillation(stored["distillation"])
    return PruneSettings(**{**kept, **given})


def usual_epochs(share: float) -> int:
    """Return the epochs for 55,000 images or more: the fewer weights are left, the longer they have to learn."""
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(_EPOCHS_PER_DENSITY / (1.0 - share))))


def _plan(settings: PruneSettings, dataset: Dataset, work: WorkFolder, trained: StageRecord) -> _Plan:
    before = trained.settings
    require_same_dataset(before, dataset, "prune")
    pattern = settings.pattern or "unstructured"
    share = given_or(settings.sparsity, DEFAULT_SPARSITY)
    schedule = settings.schedule or ("constant" if pattern == "2:4" else "polynomial")
    sparsity.check_request(share, schedule, pattern)
    recipe = following_recipe(
        settings,
        before,
        dataset,
        epochs=usual_epochs(share),
        rate_share=FINE_TUNING_RATE,
        averaging=before.get("averaging", False),
    )
    trained_sha256 = sha256_of(work.path(TRAINED_MODEL))
    return _Plan(share, schedule, pattern, before["validation"], before["seed"], trained_sha256, recipe)
