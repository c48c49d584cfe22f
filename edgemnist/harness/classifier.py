"""A model in one runtime, in a process of its own, as a function from images to classes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.claims import warn_of
from edgemnist.harness.compare import top1
from edgemnist.harness.models import digest_of, size_of
from edgemnist.harness.outputs import class_scores, probabilities
from edgemnist.harness.runtimes import OpenRuntimes, named_for
from edgemnist.harness.subjects import Subjects
from edgemnist.runner.client import DEFAULT_TIMEOUT, RuntimeWorker
from edgemnist.runner.run import LoadedModel, check_numbers, invoke_with
from edgemnist.support.errors import ModelError
from edgemnist.tflite.preprocessing import Preprocessing

_CHUNK_IMAGES = 4096
_CHUNK_VALUES = 16_000_000
"""Bounds of one request to a runtime, so that neither its time nor its memory grows with the test set."""


@dataclass(frozen=True)
class EvaluatedModel:
    """A model and the runtime it was run in; ``kind`` is what ``edgemnist convert`` calls its arithmetic."""

    file: str
    kind: str
    bytes: int
    sha256: str
    runtime: str
    version: str


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model makes of images: ``classes``, shape (count,), the index of the highest output, of equals the lowest;
    ``probabilities``, shape (count, classes), 0..1. ``seconds``: images to input and the way to the runtime included.
    """

    classes: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    seconds: float


@dataclass(frozen=True, eq=False)
class Classifier:
    """A model that is open in a runtime; see :func:`open_classifier`."""

    model: LoadedModel
    preprocessing: Preprocessing
    worker: RuntimeWorker
    version: str

    @property
    def runtime(self) -> str:
        """Name of the runtime."""
        return self.worker.runtime

    def evaluated(self) -> EvaluatedModel:
        """Return what a report says of the model."""
        return EvaluatedModel(
            file=self.model.name,
            kind=self.model.kind.value,
            bytes=size_of(self.model.path),
            sha256=digest_of(self.model.path),
            runtime=self.runtime,
            version=self.version,
        )

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the class of each image, shape (count,), as :meth:`answer`."""
        return self.answer(images).classes

    def answer(self, images: NDArray[np.uint8]) -> Answers:
        """Return the classes and probabilities of images, and how long that took.

        ``images``: uint8, shape (count, height, width, channels), 0..255.

        :raises ModelError: the images do not fit the model, or the runtime refuses it.
        :raises RuntimeCrashedError: the runtime died or took too long over a few thousand images.
        """
        size = max(1, min(_CHUNK_IMAGES, _CHUNK_VALUES // int(np.prod(images.shape[1:]))))
        start = time.perf_counter()
        parts = [self._chunk(images[first : first + size]) for first in range(0, len(images), size)]
        seconds, classes = time.perf_counter() - start, len(self.preprocessing.class_names)
        return Answers(
            np.concatenate([np.zeros(0, dtype=np.int64), *(top for top, _ in parts)]),
            np.concatenate([np.zeros((0, classes)), *(chances for _, chances in parts)]),
            seconds,
        )

    def _chunk(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        inputs = self.model.inputs(images, self.preprocessing)
        outputs = invoke_with(self.worker, self.model, inputs)
        check_numbers(self.runtime, outputs)
        rows = class_scores(outputs, self.model, self.preprocessing.output)
        classes = len(self.preprocessing.class_names)
        if rows.shape[1] != classes:
            raise ModelError(
                f"{str(self.model.path)!r} tells {rows.shape[1]} classes apart, the dataset has {classes}; "
                "name the dataset that it was trained on with --dataset"
            )
        return top1(rows), probabilities(outputs, self.model, self.preprocessing)


@contextmanager
def open_classifier(
    model: LoadedModel, subjects: Subjects, runtimes: Sequence[str] = (), *, timeout: float = DEFAULT_TIMEOUT
) -> Iterator[Classifier]:
    """Open a model in the first of the named runtimes that takes its kind, else in the one that is preferred for it.

    :param subjects: what the images are: their normalisation and classes.
    :param timeout: seconds that a request of a few thousand images may take.
    :raises MissingDependencyError: no runtime that takes the model is installed.
    :raises UnsupportedModelError: every runtime refused it; the reason is that of the last.
    """

    def classify_one(worker: RuntimeWorker) -> Classifier:
        found = Classifier(model, subjects.preprocessing, worker, worker.version())
        found.classify(subjects.split.images[:1])
        return found

    warn_of(model)
    with OpenRuntimes(timeout=timeout) as opened:
        yield opened.first(model.kind, classify_one, named_for(model.kind, runtimes))[1]
