"""Golden vectors: labelled images with the bytes that this machine's interpreters make of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext, context_beside
from edgemnist.data.base import Split
from edgemnist.harness.subjects import ImageChoice, file_subjects
from edgemnist.pi.targets import LITERT, TFLITE_RUNTIME
from edgemnist.runner.client import engine_worker
from edgemnist.runner.registry import find_runtime
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import InputError, MissingDependencyError, UnsupportedModelError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.kinds import ModelKind

ENGINES = {
    "tflite-runtime-reference": (TFLITE_RUNTIME, "reference"),
    "tflite-runtime-default": (TFLITE_RUNTIME, "default"),
    "litert-reference": (LITERT, "reference"),
    "litert-default": (LITERT, "default"),
}
"""Runtimes of the parity harness whose bytes are recorded: the package and the set of kernels that each one is."""


@dataclass(frozen=True, eq=False)
class Expected:
    """What one engine made of the golden images.

    ``required``: what a replay with the same package and kernels has to be: ``exact``, ``close`` or ``compared``.
    """

    package: str
    kernels: str
    version: str
    kernels_in_words: str
    required: str
    outputs: NDArray[Any]

    @property
    def array(self) -> str:
        """The name of the outputs in the file of golden vectors."""
        return f"{self.package}-{self.kernels}"

    def as_json(self) -> dict[str, str]:
        """Return everything but the outputs, as the bundle's manifest holds it."""
        return {
            "interpreter": self.package,
            "kernels": self.kernels,
            "array": self.array,
            "required": self.required,
            "from": f"{self.package} {self.version} ({self.kernels_in_words} kernels)",
        }


@dataclass(frozen=True, eq=False)
class GoldenVectors:
    """A model, the images and labels it is replayed with, and what each engine here makes of them.

    ``notes`` say which engines are missing and why.
    """

    model: LoadedModel
    context: ModelContext
    images: Split
    expected: tuple[Expected, ...]
    notes: tuple[str, ...]

    def npz(self) -> bytes:
        """Return images, labels and outputs as an ``.npz`` file; the same vectors give the same bytes."""
        buffer = io.BytesIO()
        outputs = {one.array: one.outputs for one in self.expected}
        np.savez_compressed(buffer, images=self.images.images, labels=self.images.labels, **outputs)
        return buffer.getvalue()


def golden_vectors(model: Path, images: int, dataset: str | None = None) -> GoldenVectors:
    """Run test images, equally many per class, through every TFLite interpreter installed here.

    :param dataset: what the model was trained on; default what its manifest tells, else MNIST.
    :raises InputError: the model is no ``.tflite`` or does not fit the dataset.
    :raises MissingDependencyError: no interpreter is installed.
    :raises UnsupportedModelError: every one refused the model.
    """
    loaded, context, split = subject_and_context(model, images, dataset)
    expected, notes = _expected(loaded, loaded.inputs(split.images, context.normalisation))
    return GoldenVectors(loaded, context, split, expected, notes)


def subject_and_context(model: Path, images: int, dataset: str | None) -> tuple[LoadedModel, ModelContext, Split]:
    """Return a ``.tflite`` model, what is known of its training, and test images, equally many per class.

    :raises InputError: it is a Keras model, or does not fit the dataset.
    """
    from edgemnist.data.loading import load_dataset

    subjects = file_subjects([model], ImageChoice(images, dataset))
    (loaded,) = subjects.models
    if loaded.tflite is None:
        raise InputError(f"{str(model)!r} is a Keras model; convert it first: edgemnist convert --int8")
    height, width, channels = (int(size) for size in subjects.split.images.shape[1:])
    beside = context_beside(model)
    known = beside is not None and beside.dataset == subjects.dataset
    names = beside.class_names if beside is not None and known else load_dataset(subjects.dataset).class_names
    context = ModelContext(subjects.dataset, "", (height, width, channels), names, subjects.normalisation)
    return loaded, context, subjects.split


def _expected(model: LoadedModel, inputs: NDArray[Any]) -> tuple[tuple[Expected, ...], tuple[str, ...]]:
    notes: list[str] = []
    refusal: UnsupportedModelError | None = None
    found: list[Expected] = []
    with progress_task("Golden vectors", total=len(ENGINES)) as task:
        for runtime in _installed(notes):
            try:
                found.append(_run(runtime, model, inputs))
            except UnsupportedModelError as error:
                refusal = error
                notes.append(str(error))
            task.update(advance=1)
    if not found:
        raise refusal or MissingDependencyError("no interpreter is installed: " + "; ".join(notes))
    return tuple(found), tuple(notes)


def _installed(notes: list[str]) -> Iterator[str]:
    for runtime in ENGINES:
        reason = find_runtime(runtime).available()
        if reason is None:
            yield runtime
        else:
            notes.append(f"no expected bytes of {' '.join(ENGINES[runtime])}: {reason}")


def _run(runtime: str, model: LoadedModel, inputs: NDArray[Any]) -> Expected:
    package, kernels = ENGINES[runtime]
    with engine_worker(runtime) as worker:
        result = worker.run(model.path, inputs)
    required = _required(model.kind, result.kernels)
    outputs = result.outputs.reshape(len(inputs), -1)
    return Expected(package, kernels, result.version, result.kernels, required, outputs)


def _required(kind: ModelKind, kernels: str) -> str:
    """Integer kernels give the same bytes on every processor; the XNNPACK delegate rounds in its own way on each."""
    if "XNNPACK" in kernels and kind is not ModelKind.FLOAT32:
        return "compared"
    if kind in (ModelKind.INT8, ModelKind.INT16X8):
        return "exact"
    return "compared" if kind is ModelKind.DYNAMIC else "close"
