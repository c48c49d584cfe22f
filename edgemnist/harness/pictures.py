"""Labelled pictures of a dataset in every way in which they can be brought to a model's size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

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
    images = {given.fit: sample.images}
    for fit in FITS:
        if fit == given.fit:
            continue
        other = sample_of(load_dataset_for(ModelContext(name, "", replace(given, fit=fit))).test)
        if not any(np.array_equal(other.images, one) for one in images.values()):
            images[fit] = other.images
    return Pictures(images, sample.labels, dataset.classes)
