"""Golden vectors: labelled images with the bytes that this machine's interpreters make of them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.data.base import Split
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import Subject
from edgemnist.harness.subjects import with_images
from edgemnist.pi.targets import LITERT, TFLITE_RUNTIME
from edgemnist.runner.client import runtime_worker
from edgemnist.runner.registry import find_runtime
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import MissingDependencyError, UnsupportedModelError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.kinds import ModelKind

RECORDED = {
    "tflite-runtime-reference": (TFLITE_RUNTIME, "reference"),
    "tflite-runtime-default": (TFLITE_RUNTIME, "default"),
    "litert-reference": (LITERT, "reference"),
    "litert-default": (LITERT, "default"),
}
"""Runtimes whose bytes are recorded, all that are installed: the package and the set of kernels that each one is."""

GENERATED = "generated-c"
"""What the generated C is called among the interpreters."""

ORACLES = ("tflm", "tflite-runtime-reference")
"""Whose bytes the generated C has to give: TFLM's, or where that is not installed those of kernels that equal it."""


@dataclass(frozen=True, eq=False)
class Expected:
    """What one interpreter made of the golden images.

    ``required``: what a replay with the same package and kernels has to be: ``exact``, ``close`` or ``compared``.
    ``source``: who computed the outputs, where that is another than the package.
    """

    package: str
    kernels: str
    version: str
    kernels_in_words: str
    required: str
    outputs: NDArray[Any]
    source: str = ""

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
            "from": f"{self.source or self.package} {self.version} ({self.kernels_in_words} kernels)",
        }


@dataclass(frozen=True, eq=False)
class GoldenVectors:
    """A model, the images and labels it is replayed with, and what each interpreter here makes of them.

    ``notes`` say which interpreters are missing and why.
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


def golden_vectors(subject: Subject, images: ImageSettings, feeding: FeedingSettings | None = None) -> GoldenVectors:
    """Run test images through every TFLite interpreter installed here; ``feeding`` is what the user says of the model.

    :raises InputError: the model is no ``.tflite`` or does not fit the images.
    :raises MissingDependencyError: no interpreter is installed.
    :raises UnsupportedModelError: every one refused the model.
    """
    subjects = with_images([subject], images, feeding)
    context = subjects.context()
    inputs = subject.model.inputs(subjects.split.images, context.preprocessing)
    expected, notes = _expected(subject.model, inputs)
    return GoldenVectors(subject.model, context, subjects.split, expected, notes)


def oracle_outputs(golden: GoldenVectors) -> Expected:
    """Return what the generated C has to make of the golden images.

    :raises MissingDependencyError: no oracle is installed.
    :raises UnsupportedModelError: it refused the model.
    """
    reasons = {name: find_runtime(name).available() for name in ORACLES}
    oracle = next((name for name, reason in reasons.items() if reason is None), None)
    if oracle is None:
        raise MissingDependencyError("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
    inputs = golden.model.inputs(golden.images.images, golden.context.preprocessing)
    with runtime_worker(oracle) as worker:
        result = worker.run(golden.model.runnable, inputs)
    outputs = result.outputs.reshape(len(inputs), -1)
    source = f"for {GENERATED}: {'TFLM' if oracle == 'tflm' else TFLITE_RUNTIME}"
    return Expected(GENERATED, "default", result.version, result.kernels, "exact", outputs, source)


def _expected(model: LoadedModel, inputs: NDArray[Any]) -> tuple[tuple[Expected, ...], tuple[str, ...]]:
    notes: list[str] = []
    refusal: UnsupportedModelError | None = None
    found: list[Expected] = []
    with progress_task("Golden vectors", total=len(RECORDED)) as task:
        for runtime in _installed(notes):
            try:
                found.append(_run(runtime, model, inputs))
            except UnsupportedModelError as error:
                refusal = error
                notes.append(" ".join(str(error).splitlines()[:2]))
            task.update(advance=1)
    if not found:
        raise refusal or MissingDependencyError("no interpreter is installed: " + "; ".join(notes))
    return tuple(found), tuple(notes)


def _installed(notes: list[str]) -> Iterator[str]:
    for runtime in RECORDED:
        reason = find_runtime(runtime).available()
        if reason is None:
            yield runtime
        else:
            notes.append(f"no expected bytes of {' '.join(RECORDED[runtime])}: {reason}")


def _run(runtime: str, model: LoadedModel, inputs: NDArray[Any]) -> Expected:
    package, kernels = RECORDED[runtime]
    with runtime_worker(runtime) as worker:
        result = worker.run(model.runnable, inputs)
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
