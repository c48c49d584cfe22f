"""The prune stage: from ``trained.keras`` to ``pruned.keras``: zeros put in while fine-tuning, then counted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import PRUNED_MODEL, TRAINED_MODEL, WorkFolder
from edgemnist.data.base import Dataset
from edgemnist.keras_io.saving import load_model
from edgemnist.support.files import sha256_of
from edgemnist.training import sparsity
from edgemnist.training.architectures import folded_parameters
from edgemnist.training.fine_tuning import following_recipe, require_same_dataset, settings_before, trained_dataset
from edgemnist.training.fit import FitPlan, FitRun, FitStage, Fitted, plan_fit
from edgemnist.training.loop import use_best_weights
from edgemnist.training.recipe import given_or
from edgemnist.training.reference_nets import advice_on_weights
from edgemnist.training.report import FitResult
from edgemnist.training.settings import FitSettings
from edgemnist.training.sparsity import LayerSparsity, PruningPlan, plan_pruning
from edgemnist.training.teacher import run_taught

DEFAULT_SPARSITY = 0.5
FEWEST_EPOCHS, MOST_EPOCHS = 5, 25
_EPOCHS_PER_DENSITY = 2.5

FINE_TUNING_RATE = 0.5
"""Peak learning rate of the fine-tuning, as a share of that of the training."""


@dataclass(frozen=True, kw_only=True)
class PruneSettings(FitSettings):
    """How to prune; None leaves the choice to the training's recipe, or to the checkpoint on resuming.

    ``sparsity`` is the share of zeros in every pruned kernel, in [0, 1); ``schedule`` is "polynomial" (rising over the
    first 60 % of the steps, the default) or "constant" (at once); ``pattern`` is "unstructured" (default) or "2:4"
    (of every 4 weights along the input channels 2 are zero). ``initial_sparsity`` is where a polynomial schedule starts
    (default 0); ``begin`` and ``end`` are the steps of the first zeros and of the last change, as ``sparsity.step_of``
    reads them. ``learning_rate`` is the peak of a one-cycle schedule.
    """

    sparsity: float | None = None
    schedule: str | None = None
    pattern: str | None = None
    initial_sparsity: float | None = None
    begin: str | None = None
    end: str | None = None

    def read_stored(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """Return a checkpoint's settings by the names that these have; its "schedule" is the learning rate's."""
        return super().read_stored(stored) | {"schedule": stored["pruning_schedule"]}


@dataclass(frozen=True)
class PruneResult(FitResult):
    """What came out. ``accuracy_before`` is that of the unpruned model; ``layers`` are counted in the stripped one.

    ``sparsity`` is the share of zeros in all kernels together, those left dense included, ``asked`` what was asked for
    in each pruned kernel; ``parameters_left`` are
    those that are not zero, after batch-norm folding; ``shortfall`` says why ``sparsity`` is below what was asked for,
    "" where it is not; ``advice`` says whether a smaller dense net does better, "" where
    nobody knows; the gzip sizes are of all weights as float32, in bytes.
    """

    stage = "prune"

    accuracy_before: float
    sparsity: float
    asked: float
    parameters_left: int
    shortfall: str
    advice: str
    layers: tuple[LayerSparsity, ...]
    gzip_bytes_before: int
    gzip_bytes: int

    @classmethod
    def read_figures(cls, figures: Mapping[str, Any]) -> dict[str, Any]:
        """See :meth:`FitResult.read_figures`."""
        names = [field.name for field in dataclasses.fields(LayerSparsity)]
        layers = (LayerSparsity(**{name: layer[name] for name in names}) for layer in figures["layers"])
        return {**figures, "layers": tuple(layers)}

    def figures(self) -> dict[str, Any]:
        """Return the figures as JSON values, for the manifest and ``--json``."""
        layers = [dataclasses.asdict(layer) | {"sparsity": layer.sparsity} for layer in self.layers]
        return {**super().figures(), "layers": layers}


@dataclass(frozen=True, kw_only=True)
class PrunePlan(FitPlan):
    """How to prune, with every choice made."""

    sparsity: float
    pruning_schedule: str
    pattern: str
    trained_sha256: str
    initial_sparsity: float
    begin: str | None
    end: str | None

    def own_settings(self) -> dict[str, Any]:
        """Return what only a pruning decides, as JSON values."""
        names = ("sparsity", "pruning_schedule", "pattern", "validation", "split_seed", "trained_sha256")
        ramp = ("initial_sparsity", "begin", "end")
        return {name: getattr(self, name) for name in (*names, *ramp)}

    def pruning(self, images: int) -> PruningPlan:
        """Return what the wrappers do in a fit on so many images.

        :raises InputError: ``begin`` and ``end`` do not fit its steps.
        """
        return plan_pruning(
            self.sparsity,
            self.pruning_schedule,
            self.pattern,
            self.recipe.steps_per_epoch(images) * self.recipe.epochs,
            initial_sparsity=self.initial_sparsity,
            begin=self.begin,
            end=self.end,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Pruned(Fitted):
    """The stripped model, its kernels' zeros, and what the model was before.

    ``accuracy_before`` is in 0..1 on the test split, ``gzip_bytes_before`` is the size of its weights after gzip.
    """

    layers: tuple[LayerSparsity, ...]
    accuracy_before: float
    gzip_bytes_before: int


def run_pruning(
    settings: PruneSettings, work: WorkFolder, *, dataset: Dataset | None = None, resume: bool = False
) -> PruneResult:
    """Prune the work folder's trained model and leave ``pruned.keras``, its history and the manifest's record there.

    ``dataset`` is what the model was trained on, None to load it. Validation uses the images that the training held
    out. With ``resume`` an unfinished pruning goes on.

    :raises StageOrderError: nothing has been trained here.
    :raises FolderInUseError: another command fits a model here.
    :raises InputError: a setting is out of range, the dataset is not the trained one, or there is nothing to resume.
    :raises TrainingDivergedError: the loss is no longer a number.
    :raises EdgeMnistError: as ``load_dataset_for`` and ``find_teacher``.
    """
    with work.fitting(PRUNE.name):
        dataset = dataset or trained_dataset(settings, work, needed_by=PRUNE.command)
        return run_taught(plan_fit(PRUNE, settings, dataset, work, resume=resume))


def usual_epochs(share: float) -> int:
    """Return the epochs for 55,000 images or more: the fewer weights are left, the longer they have to learn."""
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(_EPOCHS_PER_DENSITY / (1.0 - share))))


def _plan(settings: PruneSettings, dataset: Dataset, work: WorkFolder) -> PrunePlan:
    before = settings_before(work, needed_by=PRUNE.command)
    require_same_dataset(before, dataset, "prune")
    pattern = settings.pattern or "unstructured"
    share = given_or(settings.sparsity, DEFAULT_SPARSITY)
    schedule = settings.schedule or ("constant" if pattern == "2:4" else "polynomial")
    initial = given_or(settings.initial_sparsity, 0.0)
    sparsity.check_request(share, schedule, pattern, initial)
    recipe = following_recipe(
        settings,
        before,
        dataset,
        epochs=usual_epochs(share),
        rate_share=FINE_TUNING_RATE,
        averaging=before.get("averaging", False),
    )
    trained = work.path(TRAINED_MODEL)
    digest = sha256_of(trained)
    plan = PrunePlan(
        context=ModelContext.from_json(before),
        validation=before["validation"],
        split_seed=before["seed"],
        recipe=recipe,
        inputs={trained: digest},
        sparsity=share,
        pruning_schedule=schedule,
        pattern=pattern,
        trained_sha256=digest,
        initial_sparsity=initial,
        begin=settings.begin,
        end=settings.end,
    )
    plan.pruning(len(dataset.train) - plan.validation)  # a slip is told before the fit
    return plan


def _fit(plan: PrunePlan, run: FitRun) -> Pruned:
    """Return the fine-tuned, stripped model with the weights of its best epoch."""
    (source,) = plan.inputs
    model = load_model(source)
    accuracy, size = run.accuracy(model), sparsity.compressed_size(model)
    images = len(run.division.rows)
    steps_per_epoch, pruning = plan.recipe.steps_per_epoch(images), plan.pruning(images)
    wrapped = sparsity.wrap(model, pruning)
    state = run.fit(wrapped, plan.recipe, sparsity.pruning_hooks(wrapped, pruning, steps_per_epoch))
    use_best_weights(wrapped, state)
    stripped = sparsity.strip(wrapped)
    layers = sparsity.count_sparsity(stripped, pruning)
    return Pruned(model=stripped, state=state, layers=layers, accuracy_before=accuracy, gzip_bytes_before=size)


def _measure(plan: PrunePlan, run: FitRun, pruned: Pruned) -> PruneResult:
    fields = run.result_fields(pruned)
    left = folded_parameters(pruned.model) - sum(layer.zeros for layer in pruned.layers)
    return PruneResult(
        **fields,
        accuracy_before=pruned.accuracy_before,
        sparsity=sparsity.total_sparsity(pruned.layers),
        asked=plan.sparsity,
        parameters_left=left,
        shortfall=sparsity.why_short(pruned.layers, plan.sparsity),
        advice=advice_on_weights(run.dataset.name, fields["accuracy"], left),
        layers=pruned.layers,
        gzip_bytes_before=pruned.gzip_bytes_before,
        gzip_bytes=sparsity.compressed_size(pruned.model),
    )


PRUNE = FitStage(name="prune", model=PRUNED_MODEL, needs="train", plan=_plan, fit=_fit, measure=_measure)
