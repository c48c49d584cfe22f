"""The train stage: from a dataset to ``trained.keras``, selected on validation images, measured once on test images."""

from __future__ import annotations

from edgemnist.artifacts.folder import WorkFolder
from edgemnist.data.base import Dataset
from edgemnist.data.loading import load_dataset
from edgemnist.data.summary import introduce
from edgemnist.support.progress import say
from edgemnist.training.architectures import DEFAULT_ARCHITECTURE
from edgemnist.training.fit import plan_fit
from edgemnist.training.image_size import propose_size
from edgemnist.training.mobilenet import image_for, plan_transfer
from edgemnist.training.teacher import run_taught
from edgemnist.training.train import TRAIN, TrainPlan, TrainResult, TrainSettings, trained_architecture

DEFAULT_DATASET = "mnist"


def run_training(
    settings: TrainSettings,
    work: WorkFolder,
    *,
    dataset: Dataset | None = None,
    resume: bool = False,
    skip_unreadable: bool = False,
) -> TrainResult:
    """Train a model and leave ``trained.keras``, its history and the manifest's record in the work folder.

    ``dataset``: what to train on, None to load what the settings name: the unfinished training's, or MNIST, where they
    name none. A model of an earlier training stays until the new one is complete. With ``resume`` an unfinished
    training goes on where its last whole epoch ended, to the same weights. What was understood of the dataset is said
    before anything else. ``skip_unreadable``: as for ``load_dataset``; an unfinished training keeps what it was.

    :raises FolderInUseError: another command fits a model here.
    :raises InputError: a setting is out of range, or there is nothing to resume with these settings.
    :raises TrainingDivergedError: the loss is no longer a number; the best weights until then are in
        ``last-good.keras``.
    :raises EdgeMnistError: as ``load_dataset`` and ``find_teacher``.
    """
    with work.fitting(TRAIN.name):
        dataset = dataset or _load(settings, work, resume=resume, skip_unreadable=skip_unreadable)
        introduce(dataset)
        planned = plan_fit(TRAIN, settings, dataset, work, resume=resume)
        say(recipe_in_words(planned.plan, len(planned.division.rows)))
        return run_taught(planned)


def recipe_in_words(plan: TrainPlan, images: int) -> str:
    """Return which recipe a training follows and why, in a line; ``images`` are those to learn from."""
    recipe, (height, width, _) = plan.recipe, plan.context.preprocessing.image_shape
    passes = f" ({recipe.passes} passes)" if recipe.passes > 1 else ""
    epochs = f"{recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
    line = (
        f"{images:,} pictures to learn from, {plan.validation:,} held out: batch {min(recipe.batch, images)}, "
        f"{recipe.steps_per_epoch(images)} steps an epoch{passes}, {epochs}, {recipe.augmentation} augmentation, "
        f"{height}x{width}"
    )
    few = f"; the last epoch's weights are taken: {plan.validation} are too few to choose an epoch by"
    return line if recipe.selection else line + few


def load_for_training(name: str, arch: str, image_size: int | None, *, skip_unreadable: bool = False) -> Dataset:
    """Load a dataset in the size and channels that an architecture takes, or in the size that its pictures suggest.

    ``image_size``: height and width in pixels, None for what suits; the choice is said. ``skip_unreadable``: as for
    ``load_dataset``.

    :raises InputError: the architecture does not take that size.
    :raises EdgeMnistError: as ``load_dataset``.
    """
    size, channels = image_for(arch, image_size)
    proposal = propose_size(name) if size is None else None
    if proposal is not None:
        size = proposal.size
        say(f"image size {size[0]}x{size[1]} {proposal.evidence}; --image-size N is another")
    return load_dataset(name, image_size=size, channels=channels, skip_unreadable=skip_unreadable)


def _load(settings: TrainSettings, work: WorkFolder, *, resume: bool, skip_unreadable: bool) -> Dataset:
    """Load the dataset in the shape that is asked for, or in that of the unfinished training."""
    stored = TRAIN.unfinished(work).settings if resume else None
    arch = settings.arch or (stored["arch"] if stored else DEFAULT_ARCHITECTURE)
    trained_architecture(arch, work)  # a slip is told before a dataset is loaded
    size, channels = image_for(arch, settings.image_size)
    if stored:
        height, width, channels = stored["image_shape"]
        kept = size if settings.image_size else (height, width)
        name = settings.dataset or stored["dataset"]
        return load_dataset(name, image_size=kept, channels=channels, skip_unreadable=True)
    plan_transfer(arch, settings.transfer, size[0] if size else 0)
    name = settings.dataset or DEFAULT_DATASET
    return load_for_training(name, arch, settings.image_size, skip_unreadable=skip_unreadable)
