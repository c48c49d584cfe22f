"""What a firmware run is about: the model, the inputs it is fed, and what the oracle makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.feeding import FeedingSettings, understand
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import Subject
from edgemnist.harness.runtimes import ORACLES, OpenRuntimes
from edgemnist.harness.subjects import with_images
from edgemnist.support.errors import DatasetError, InputError
from edgemnist.tflite.file import TensorInfo, TfliteModel

RANDOM = "random"
"""Instead of a dataset's name: seeded random inputs, for models that no dataset fits."""
_RANDOM_SEED = 0


@dataclass(frozen=True, eq=False)
class FirmwareInputs:
    """A model, and what it is fed.

    ``subject`` is the model as it was found. ``inputs``: one for each of its inputs, shape (N, *input shape without
    batch), the input's dtype. ``labels``: shape (N,), None for random ones.
    ``expected``: one for each output, shape (N, *output shape without batch): the bytes that ``oracle`` (name and
    version) computes, in this order where the model keeps something.
    """

    subject: Subject
    inputs: tuple[NDArray[Any], ...]
    labels: NDArray[np.int64] | None
    description: str
    expected: tuple[NDArray[Any], ...]
    oracle: str

    @property
    def model(self) -> TfliteModel:
        """The model's file."""
        return self.subject.tflite

    def first(self, count: int) -> tuple[NDArray[Any], ...]:
        """Return the first inputs."""
        return tuple(one[:count] for one in self.inputs)


def choose_inputs(subject: Subject, dataset: str | None, count: int, feeding: FeedingSettings) -> FirmwareInputs:
    """Return a model with ``count`` inputs.

    ``feeding``: what the user says of how the model is fed. ``dataset`` None takes what the model was trained on; where
    that isn't known MNIST, and random inputs where MNIST does not fit or is not to be had.

    :raises InputError: no such dataset, one that the model does not fit, or ``feeding`` contradicts the file.
    :raises MissingDependencyError: no oracle is installed.
    """
    inputs, labels, description = _inputs(subject, dataset, count, feeding)
    expected, oracle = _expected(subject, inputs)
    return FirmwareInputs(subject, inputs, labels, description, expected, oracle)


def _inputs(
    subject: Subject, dataset: str | None, count: int, feeding: FeedingSettings
) -> tuple[tuple[NDArray[Any], ...], NDArray[np.int64] | None, str]:
    random = f"{count} random inputs (seed {_RANDOM_SEED})"
    ends = len(subject.tflite.inputs), len(subject.tflite.outputs)
    if dataset is None and ends != (1, 1):
        why = f"because the model has {ends[0]} inputs and {ends[1]} outputs"
        return *_random(subject.tflite, count), f"{random}, {why}"
    if dataset == RANDOM:
        return *_random(subject.tflite, count), random
    if feeding.given() - {"output"}:
        understand(subject, feeding)  # what contradicts the file is no reason to take random inputs
    try:
        subjects = with_images([subject], ImageSettings(count=count, dataset=dataset), feeding)
    except InputError as error:
        if dataset is not None or subject.context is not None:
            raise
        why = "is not to be had here" if isinstance(error, DatasetError) else "does not fit it"
        return *_random(subject.tflite, count), f"{random}, because MNIST {why}"
    inputs = subject.model.inputs(subjects.split.images, subjects.preprocessing)
    labels = np.asarray(subjects.split.labels, dtype=np.int64)
    return (inputs,), labels, f"{subjects.dataset}: {subjects.sampling}; {subjects.preprocessing.in_words()}"


def _random(model: TfliteModel, count: int) -> tuple[tuple[NDArray[Any], ...], None]:
    generator = np.random.default_rng(_RANDOM_SEED)
    return tuple(_drawn(generator, model.tensors[index], count) for index in model.inputs), None


def _drawn(generator: np.random.Generator, entry: TensorInfo, count: int) -> NDArray[Any]:
    shape = (count, *entry.shape[1:])
    if entry.dtype == "float32":
        return generator.random(shape, dtype=np.float32)
    limits = np.iinfo(entry.dtype)
    return generator.integers(limits.min, limits.max, shape, dtype=np.dtype(entry.dtype), endpoint=True)


def _expected(subject: Subject, inputs: tuple[NDArray[Any], ...]) -> tuple[tuple[NDArray[Any], ...], str]:
    model = subject.tflite
    entries = [model.tensors[index] for index in model.inputs]
    cases = [one.reshape(len(one), *entry.shape) for one, entry in zip(inputs, entries, strict=True)]
    with OpenRuntimes() as runtimes:
        worker, found = runtimes.first(subject.kind, lambda one: one.invoke(model.content, cases), ORACLES)
        outputs = [
            one.reshape(len(one), *model.tensors[index].shape[1:])
            for one, index in zip(found, model.outputs, strict=True)
        ]
        return tuple(outputs), f"{worker.runtime} {worker.version()}"
