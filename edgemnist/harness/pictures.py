"""Labelled pictures of a dataset in every way in which they can be brought to a model's size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Dataset
from edgemnist.data.loading import load_dataset_for
from edgemnist.harness.search import Pictures
from edgemnist.harness.trying import sample_of
from edgemnist.tflite.preprocessing import FITS, Preprocessing


def pictures_of(dataset: Dataset, name: str, given: Preprocessing) -> Pictures:
    """Return a sample of a dataset's test pictures in the given fit, and in every other one that makes other images.

    :param dataset: as loaded for the given preprocessing.
    :param name: its name or path, by which it is loaded again for other fits.
    :raises EdgeMnistError: as ``load_dataset``.
    """
    sample = sample_of(dataset.test)

    def brought(fit: str) -> NDArray[np.uint8]:
        if fit == given.fit:
            return sample.images
        return sample_of(load_dataset_for(ModelContext(name, "", replace(given, fit=fit))).test).images

    return Pictures(in_different_fits(given.fit, brought), sample.labels, dataset.classes)


def in_different_fits(given: str, brought: Callable[[str], NDArray[np.uint8]]) -> dict[str, NDArray[np.uint8]]:
    """Return the images in the given fit, and in every other one that makes other images.

    ``brought``: from a fit to the images that it makes, uint8, shape (count, height, width, channels).
    """
    found: dict[str, NDArray[np.uint8]] = {}
    for fit in sorted(FITS, key=lambda one: one != given):
        images = brought(fit)
        if not any(np.array_equal(images, other) for other in found.values()):
            found[fit] = images
    return found
