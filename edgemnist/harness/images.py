"""Which images a model is put through: how many of which dataset."""

from __future__ import annotations

from dataclasses import dataclass

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Dataset, Split
from edgemnist.support.errors import InputError

DEFAULT_DATASET = "mnist"
"""What a model is taken to be trained on where nobody has recorded it; its shapes are checked against that."""

DEFAULT_IMAGES = 1000
_SAMPLE_SEED = 0


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """Which images to use: ``count`` of the test set with equally many per class, or all of it with ``count`` None.

    ``dataset`` None takes the one that the model was trained on, or MNIST where that isn't known.
    """

    count: int | None = DEFAULT_IMAGES
    dataset: str | None = None


def image_settings_from(images: int | None, all_images: bool, dataset: str | None) -> ImageSettings:
    """Return what ``--images`` and ``--all`` come to; neither is :data:`DEFAULT_IMAGES`.

    :raises InputError: both are given.
    """
    if all_images and images is not None:
        raise InputError(f"--images {images} and --all contradict each other; give one of them")
    return ImageSettings(count=None if all_images else images or DEFAULT_IMAGES, dataset=dataset)


def choose_dataset(context: ModelContext | None, name: str | None = None) -> Dataset:
    """Load the named dataset, else the one that the model was trained on, else MNIST where that isn't known.

    Where ``context`` knows the model's shape, the images are brought to it.

    :raises InputError: it is recorded that nobody knows what the model was trained on.
    :raises DatasetError: unknown, damaged or not to be had.
    """
    from edgemnist.data.loading import load_dataset, load_dataset_for

    if context is None:
        return load_dataset(name or DEFAULT_DATASET)
    if not (name or context.dataset):
        raise InputError("nobody has recorded what the model was trained on; name the dataset with --dataset")
    return load_dataset_for(context, name)


def choose_images(dataset: Dataset, count: int | None) -> tuple[Split, str]:
    """Return ``count`` test images, equally many per class, or all, and in words which these are."""
    from edgemnist.data.splits import class_balanced_sample

    total = len(dataset.test)
    if count is None or count >= total:
        return dataset.test, f"all {total} test images"
    sample = class_balanced_sample(dataset.test, count, _SAMPLE_SEED)
    return sample, f"{count} of {total} test images, equally many per class (seed {_SAMPLE_SEED})"
