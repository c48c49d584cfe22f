"""Which images a model is put through: how many of which dataset."""

from __future__ import annotations

from dataclasses import dataclass

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Dataset, Split
from edgemnist.support.errors import InputError
from edgemnist.tflite.preprocessing import Preprocessing

DEFAULT_DATASET = "mnist"
"""What a model is taken to be trained on where nobody has recorded it; its shapes are checked against that."""

DEFAULT_IMAGES = 1000
_SAMPLE_SEED = 0

ANY_SHAPE = (0, 0, 0)
"""The image shape of a model that takes what the dataset has, as far as anybody knows."""


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


def choose_dataset(context: ModelContext | None, name: str | None, preprocessing: Preprocessing) -> Dataset:
    """Load the named dataset, else the one that the model was trained on, else MNIST where its shapes fit.

    The images are brought to the model's shape where that is known, the classes into the order of its outputs.

    :param context: what is recorded of the model's training; None where nobody has recorded it.
    :param preprocessing: how the model is fed; its shape may be unknown.
    :raises InputError: nobody knows what the model was trained on, or the dataset has other classes than were named.
    :raises DatasetError: unknown, damaged or not to be had.
    """
    chosen = name or (context.dataset if context else _default(preprocessing))
    if not chosen:
        raise InputError("nobody has recorded what the model was trained on; name the dataset with --dataset")
    return load_at(chosen, preprocessing)


def load_at(name: str, preprocessing: Preprocessing) -> Dataset:
    """Load a dataset at a model's size, as far as the model has one, with the classes in the order of its outputs.

    :raises EdgeMnistError: as ``load_dataset``.
    """
    from edgemnist.data.loading import load_dataset, load_dataset_for

    height, width, channels = preprocessing.image_shape
    if height and width and channels:
        return load_dataset_for(ModelContext(name, "", preprocessing))
    size = (height, width) if height and width else None
    dataset = load_dataset(name, image_size=size, channels=channels or None, fit=preprocessing.fit)
    return dataset.as_named(preprocessing.class_names)


def _default(preprocessing: Preprocessing) -> str:
    """Return MNIST where the shape does not speak against it."""
    height, width, channels = preprocessing.image_shape
    return DEFAULT_DATASET if height == width and channels in (0, 1) else ""


def choose_images(dataset: Dataset, count: int | None) -> tuple[Split, str]:
    """Return ``count`` test images, equally many per class, or all, and in words which these are."""
    from edgemnist.data.splits import class_balanced_sample

    total = len(dataset.test)
    if count is None or count >= total:
        return dataset.test, f"all {total} test images"
    sample = class_balanced_sample(dataset.test, count, _SAMPLE_SEED)
    return sample, f"{count} of {total} test images, equally many per class (seed {_SAMPLE_SEED})"
