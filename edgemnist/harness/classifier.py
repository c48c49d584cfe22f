"""A model in one runtime, in a process of its own, as a function from images to classes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.compare import top1
from edgemnist.harness.oracle import ORACLES
from edgemnist.harness.subjects import Subjects
from edgemnist.runner.client import DEFAULT_TIMEOUT, EngineWorker, engine_worker
from edgemnist.runner.registry import find_runtime, installed_for
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import InputError, ModelError, UnsupportedModelError
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import Normalisation

_QUICK = ("tflite-runtime-default", "litert-default", "tensorflow-default")
_INTEGER_ORDER = (*ORACLES, "litert-reference", "tensorflow-reference", *_QUICK)
_ORDER = {
    ModelKind.KERAS: ("keras",),
    ModelKind.INT8: _INTEGER_ORDER,
    ModelKind.INT16X8: _INTEGER_ORDER,
}
"""Runtimes in the order in which they are tried: for integers those that give the bytes a microcontroller would, for
everything else :data:`_QUICK`, since their results differ in the last bits only."""

_CHUNK_IMAGES = 4096
_CHUNK_VALUES = 16_000_000
"""Bounds of one request to an engine, so that neither its time nor its memory grows with the test set."""


@dataclass(frozen=True, eq=False)
class Classifier:
    """A model that is open in a runtime; see :func:`open_classifier`."""

    model: LoadedModel
    normalisation: Normalisation
    classes: int
    worker: EngineWorker
    version: str

    @property
    def runtime(self) -> str:
        """Name of the runtime."""
        return self.worker.runtime

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class of each image, shape (count,): the index of the highest output, of equals the lowest.

        ``images``: uint8, shape (count, height, width, channels), 0..255.

        :raises ModelError: the images do not fit the model, or the runtime refuses it.
        :raises RuntimeCrashedError: the engine died or took too long over a few thousand images.
        """
        size = max(1, min(_CHUNK_IMAGES, _CHUNK_VALUES // int(np.prod(images.shape[1:]))))
        parts = [self._chunk(images[first : first + size]) for first in range(0, len(images), size)]
        return np.concatenate([np.zeros(0, dtype=np.int64), *parts])

    def _chunk(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        inputs = self.model.inputs(images, self.normalisation)
        (outputs,) = self.worker.invoke(self.model.path, [inputs[:, np.newaxis]])
        rows = outputs.reshape(len(images), -1)
        if rows.shape[1] != self.classes:
            raise ModelError(
                f"{str(self.model.path)!r} tells {rows.shape[1]} classes apart, the dataset has {self.classes}; "
                "name the dataset that it was trained on with --dataset"
            )
        return top1(rows)


@contextmanager
def open_classifier(
    model: LoadedModel, subjects: Subjects, runtimes: Sequence[str] = (), *, timeout: float = DEFAULT_TIMEOUT
) -> Iterator[Classifier]:
    """Open a model in the first of the named runtimes that takes its kind, else in the first installed that can do it.

    :param subjects: what the images are: their normalisation and classes.
    :param timeout: seconds that a request of a few thousand images may take.
    :raises MissingDependencyError: no runtime that takes the model is installed.
    :raises UnsupportedModelError: every runtime refused it; the reason is that of the last.
    """
    refusal: UnsupportedModelError | None = None
    for name in _candidates(model.kind, runtimes):
        with engine_worker(name, timeout=timeout) as worker:
            try:
                version = worker.version()
                found = Classifier(model, subjects.normalisation, len(subjects.class_names), worker, version)
                found.classify(subjects.split.images[:1])
            except UnsupportedModelError as error:
                refusal = error
                continue
            yield found
            return
    raise refusal or AssertionError("there is always a candidate")


def check_named(models: Sequence[LoadedModel], runtimes: Sequence[str]) -> None:
    """Refuse named runtimes that would not be used.

    :raises InputError: an unknown runtime, or one that takes none of the models.
    """
    for name in runtimes:
        if not any(model.kind in find_runtime(name).takes for model in models):
            kinds = ", ".join(f"{model.path.name} ({model.kind.value})" for model in models)
            raise InputError(f"the runtime {name!r} takes none of {kinds}; leave --runtime out for the usual one")


def _candidates(kind: ModelKind, named: Sequence[str]) -> list[str]:
    wanted = [name for name in named if kind in find_runtime(name).takes]
    return wanted[:1] or installed_for(kind, _ORDER.get(kind, _QUICK))
