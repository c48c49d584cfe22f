"""Golden vectors: what a model is replayed with, and the bytes that this machine's interpreters make of it.

A classifier is replayed with labelled images, and a network of which nobody knows what it is fed with, such as one of
several inputs, with noise.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.compiler.self_test import generated_vectors
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
from edgemnist.tflite.file import TfliteModel
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


_NOISE = ("int8", "uint8", "int16", "float32", "int32", "bool")

Inputs = Sequence[NDArray[Any]]
"""One array for each of the model's inputs, of shape (vectors, *input shape)."""


@dataclass(frozen=True, eq=False)
class Expected:
    """What one interpreter made of the golden vectors: one array for each output, a row for each vector.

    ``required``: what a replay with the same package and kernels has to be: ``exact``, ``close`` or ``compared``.
    ``source``: who computed the outputs, where that is another than the package.
    """

    package: str
    kernels: str
    version: str
    kernels_in_words: str
    required: str
    outputs: tuple[NDArray[Any], ...]
    source: str = ""

    @property
    def array(self) -> str:
        """The name of the outputs in the file of golden vectors; of several a number follows."""
        return f"{self.package}-{self.kernels}"

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The outputs by name."""
        if len(self.outputs) == 1:
            return {self.array: self.outputs[0]}
        return {f"{self.array}.{number}": output for number, output in enumerate(self.outputs)}

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
class Golden:
    """A model, what it is replayed with, and what each interpreter here makes of that.

    ``inputs``: one array for each of the model's, of shape (vectors, *input shape). ``notes`` say which interpreters
    are missing and why.
    """

    model: LoadedModel
    inputs: tuple[NDArray[Any], ...]
    expected: tuple[Expected, ...]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        """Return how many golden vectors there are."""
        return len(self.inputs[0])

    @property
    def tflite(self) -> TfliteModel:
        """What the model's file holds."""
        assert self.model.tflite is not None  # golden vectors are made of nothing else
        return self.model.tflite

    def replayed(self) -> dict[str, NDArray[Any]]:
        """Return what the replay is fed with, by name."""
        return {f"input_{number}": one for number, one in enumerate(self.inputs)}

    def npz(self) -> bytes:
        """Return what is replayed, and the outputs, as an ``.npz`` file; the same vectors give the same bytes."""
        buffer = io.BytesIO()
        outputs = {name: array for one in self.expected for name, array in one.arrays.items()}
        np.savez_compressed(buffer, **self.replayed(), **outputs)
        return buffer.getvalue()


@dataclass(frozen=True, eq=False, kw_only=True)
class GoldenVectors(Golden):
    """Those of a classifier: images with labels."""

    context: ModelContext
    images: Split

    def replayed(self) -> dict[str, NDArray[Any]]:
        """Return images and labels: the bundle itself makes inputs of them."""
        return {"images": self.images.images, "labels": self.images.labels}


def golden_vectors(subject: Subject, images: ImageSettings, feeding: FeedingSettings | None = None) -> GoldenVectors:
    """Run test images through every TFLite interpreter installed here; ``feeding`` is what the user says of the model.

    :raises InputError: the model is no ``.tflite`` or does not fit the images.
    :raises MissingDependencyError: no interpreter is installed.
    :raises UnsupportedModelError: every one refused the model.
    """
    subjects = with_images([subject], images, feeding)
    context = subjects.context()
    inputs = (subject.model.inputs(subjects.split.images, context.preprocessing)[:, np.newaxis],)
    expected, notes = _expected(subject.model, inputs)
    return GoldenVectors(subject.model, inputs, expected, notes, context=context, images=subjects.split)


def golden_noise(subject: Subject, count: int) -> Golden:
    """Run noise, the same each time, through every TFLite interpreter installed here.

    :raises InputError: the model is no ``.tflite``.
    :raises UnsupportedModelError: an input is of a type of which there is no noise, or every interpreter refused it.
    :raises MissingDependencyError: no interpreter is installed.
    """
    entries = [subject.tflite.tensors[index] for index in subject.tflite.inputs]
    strange = [
        f"input {subject.tflite.readable[entry.index]!r} is {entry.dtype}, of which there is no noise; needed is "
        f"{', '.join(_NOISE)}: convert the model again"
        for entry in entries
        if entry.dtype not in _NOISE
    ]
    if strange:
        raise UnsupportedModelError("the model can't be replayed:", strange)
    inputs = tuple(np.stack(column) for column in zip(*generated_vectors(entries, count), strict=True))
    expected, notes = _expected(subject.model, inputs)
    return Golden(subject.model, inputs, expected, notes)


def oracle_outputs(golden: Golden) -> Expected:
    """Return what the generated C has to make of the golden vectors.

    :raises MissingDependencyError: no oracle is installed.
    :raises UnsupportedModelError: it refused the model.
    """
    reasons = {name: find_runtime(name).available() for name in ORACLES}
    oracle = next((name for name, reason in reasons.items() if reason is None), None)
    if oracle is None:
        raise MissingDependencyError("; ".join(f"{name}: {reason}" for name, reason in reasons.items()))
    found = _outputs(oracle, golden.model, golden.inputs)
    source = f"for {GENERATED}: {'TFLM' if oracle == 'tflm' else TFLITE_RUNTIME}"
    return Expected(GENERATED, "default", found.version, found.kernels, "exact", found.outputs, source)


def _expected(model: LoadedModel, inputs: Inputs) -> tuple[tuple[Expected, ...], tuple[str, ...]]:
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


@dataclass(frozen=True, eq=False)
class _Outputs:
    """What a runtime made of the golden vectors, one array for each output, and which version and kernels it is."""

    outputs: tuple[NDArray[Any], ...]
    version: str
    kernels: str


def _run(runtime: str, model: LoadedModel, inputs: Inputs) -> Expected:
    package, kernels = RECORDED[runtime]
    found = _outputs(runtime, model, inputs)
    required = _required(model, found.kernels)
    return Expected(package, kernels, found.version, found.kernels, required, found.outputs)


def _outputs(runtime: str, model: LoadedModel, inputs: Inputs) -> _Outputs:
    """Run the golden vectors one after the other from the state's first values on."""
    with runtime_worker(runtime) as worker:
        outputs = worker.invoke(model.runnable, inputs)
        loaded = worker.load(model.runnable, [one[0] for one in inputs])
    return _Outputs(tuple(one.reshape(len(one), -1) for one in outputs), loaded.version, loaded.kernels)


def _required(model: LoadedModel, kernels: str) -> str:
    """Integer kernels give the same bytes on every processor; the XNNPACK delegate rounds in its own way on each."""
    kind = model.kind
    if "XNNPACK" in kernels and kind is not ModelKind.FLOAT32:
        return "compared"
    if kind in (ModelKind.INT8, ModelKind.INT16X8):
        return "close" if model.tflite is not None and _computes_floats(model.tflite) else "exact"
    return "compared" if kind is ModelKind.DYNAMIC else "close"


def _computes_floats(model: TfliteModel) -> bool:
    """Whether a net of integers has operators on floats beside, as detectors do behind their last layers."""
    return any(
        model.tensors[index].dtype == "float32"
        for operator in model.operators
        if operator.kind != "DEQUANTIZE"
        for index in operator.outputs
        if index != -1
    )
