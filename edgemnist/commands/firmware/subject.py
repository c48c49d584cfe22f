"""What a firmware run is about: the model, the inputs it is fed, and what the oracle makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import context_beside
from edgemnist.harness.oracle import ORACLES
from edgemnist.harness.subjects import ImageChoice, file_subjects
from edgemnist.runner.client import engine_worker
from edgemnist.runner.registry import find_runtime
from edgemnist.support.errors import DatasetError, InputError, MissingDependencyError
from edgemnist.tflite.file import TfliteModel, read_tflite

RANDOM = "random"
"""Instead of a dataset's name: seeded random inputs, for models that no dataset fits."""
_RANDOM_SEED = 0


@dataclass(frozen=True, eq=False)
class Subject:
    """A model and its inputs.

    ``inputs``: shape (N, *input shape without batch), the input's dtype. ``labels``: shape (N,), None for random ones.
    ``expected``: shape (N, *output shape without batch), the bytes that ``oracle`` (name and version) computes.
    """

    path: Path
    model: TfliteModel
    inputs: NDArray[Any]
    labels: NDArray[np.int64] | None
    description: str
    expected: NDArray[Any]
    oracle: str


def choose_subject(path: Path, dataset: str | None, count: int) -> Subject:
    """Return a model with ``count`` inputs.

    ``dataset`` None takes what the model was trained on; where that isn't known MNIST, and random inputs where MNIST
    does not fit or is not to be had.

    :raises InputError: no such file or dataset, or one that the model does not fit.
    :raises MissingDependencyError: no oracle is installed.
    """
    model = read_tflite(path)
    inputs, labels, description = _inputs(path, model, dataset, count)
    expected, oracle = _expected(model, inputs)
    return Subject(path, model, inputs, labels, description, expected, oracle)


def _inputs(
    path: Path, model: TfliteModel, dataset: str | None, count: int
) -> tuple[NDArray[Any], NDArray[np.int64] | None, str]:
    if dataset == RANDOM:
        return *_random(model, count), f"{count} random inputs (seed {_RANDOM_SEED})"
    try:
        subjects = file_subjects([path], ImageChoice(count, dataset))
    except InputError as error:
        if dataset is not None or context_beside(path) is not None:
            raise
        why = "is not to be had here" if isinstance(error, DatasetError) else "does not fit it"
        return *_random(model, count), f"{count} random inputs (seed {_RANDOM_SEED}), because MNIST {why}"
    inputs = subjects.models[0].inputs(subjects.split.images, subjects.normalisation)
    labels = np.asarray(subjects.split.labels, dtype=np.int64)
    return inputs, labels, f"{subjects.dataset}: {subjects.sampling}"


def _random(model: TfliteModel, count: int) -> tuple[NDArray[Any], None]:
    entry, generator = model.input(), np.random.default_rng(_RANDOM_SEED)
    shape = (count, *entry.shape[1:])
    if entry.dtype == "float32":
        return generator.random(shape, dtype=np.float32), None
    limits = np.iinfo(entry.dtype)
    return generator.integers(limits.min, limits.max, shape, dtype=np.dtype(entry.dtype), endpoint=True), None


def _expected(model: TfliteModel, inputs: NDArray[Any]) -> tuple[NDArray[Any], str]:
    reasons = []
    for name in ORACLES:
        reason = find_runtime(name).available()
        if reason is not None:
            reasons.append(reason)
            continue
        with engine_worker(name) as worker:
            outputs = worker.invoke(model.content, [inputs[:, np.newaxis]])[0]
            return outputs.reshape(len(inputs), *model.output().shape[1:]), f"{name} {worker.version()}"
    raise MissingDependencyError("no oracle to compare with: " + "; ".join(reasons))
