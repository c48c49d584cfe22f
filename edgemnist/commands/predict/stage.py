"""Classify image files with one model, and show what the net sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext, context_beside
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.data.framing import FramedImage
from edgemnist.data.images import frame_image
from edgemnist.harness.subjects import DEFAULT_DATASET, told_by_input
from edgemnist.runner.client import engine_worker
from edgemnist.runner.registry import installed_for
from edgemnist.runner.run import LoadedModel, load_model
from edgemnist.support.errors import InputError, StageOrderError, UnsupportedModelError
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.pixels import dequantise

RUNTIMES = (
    "tflite-runtime-reference",
    "tflm",
    "litert-reference",
    "tflite-runtime-default",
    "litert-default",
    "tensorflow-reference",
    "keras",
)
"""Runtimes in the order in which they are tried: first those that give the bytes a microcontroller would."""

TOP = 3
TIMEOUT = 120.0
_KIND_ORDER = (ModelKind.INT8, ModelKind.FLOAT32, ModelKind.FLOAT16, ModelKind.DYNAMIC, ModelKind.INT16X8)
_ASCII_RAMP = " .:-=+*#%@"


@dataclass(frozen=True)
class Candidate:
    """A class that the image may be of; ``probability`` in 0..1."""

    label: str
    index: int
    probability: float


@dataclass(frozen=True, eq=False)
class Prediction:
    """An image file, what the net was shown of it, and its most probable classes, the best first."""

    file: str
    seen: FramedImage
    candidates: tuple[Candidate, ...]

    @property
    def best(self) -> Candidate:
        """The most probable class; of equals the one with the lowest index."""
        return self.candidates[0]

    def as_json(self) -> dict[str, Any]:
        """Return the prediction as JSON values."""
        return {
            "file": self.file,
            "label": self.best.label,
            "index": self.best.index,
            "top": [
                {"label": one.label, "index": one.index, "probability": one.probability} for one in self.candidates
            ],
            "inverted": self.seen.inverted,
            "framing": self.seen.framing,
            "note": self.seen.note,
        }


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model in a runtime made of the image files, and which of them could not be read."""

    model: str
    runtime: str
    class_names: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    problems: tuple[str, ...]

    def raise_problems(self) -> None:
        """Raise if an image could not be read.

        :raises InputError: names every such image.
        """
        if self.problems:
            total = len(self.problems) + len(self.predictions)
            lines = [f"  - {problem}" for problem in self.problems]
            raise InputError("\n".join([f"{len(self.problems)} of {total} images could not be read:", *lines]))


@dataclass(frozen=True, eq=False)
class _Subject:
    """A model and what is known of its training."""

    model: LoadedModel
    context: ModelContext


def predict_files(
    files: Sequence[Path], *, work: Path, model: Path | None = None, dataset: str | None = None, invert: str = "auto"
) -> Predictions:
    """Classify image files of any size with a model, by default the work folder's int8 one.

    :param dataset: for a model from elsewhere: what it was trained on; default MNIST if the model's shapes fit it.
    :param invert: as :func:`edgemnist.data.images.frame_image`.
    :raises InputError: unknown dataset or ``invert``, no such model. An unreadable image is in ``problems`` instead.
    :raises StageOrderError: no model named and none converted.
    :raises MissingDependencyError: no runtime that takes the model is installed.
    """
    subject = _find_subject(WorkFolder(work), model, dataset)
    framed, problems = _read(files, subject.context, invert)
    runtime, outputs = _run(subject, [image for _, image in framed])
    predictions = [
        Prediction(str(file), image, _best(row, subject.context.class_names))
        for (file, image), row in zip(framed, outputs, strict=True)
    ]
    names = subject.context.class_names
    return Predictions(str(subject.model.path), runtime, names, tuple(predictions), tuple(problems))


def ascii_view(pixels: NDArray[np.uint8]) -> list[str]:
    """Return uint8 pixels, shape (height, width, channels), as text: two characters a pixel, bright is dense."""
    grey = pixels.mean(axis=2)
    steps = (grey * len(_ASCII_RAMP) / 256).astype(int)
    return ["".join(_ASCII_RAMP[step] * 2 for step in row).rstrip() for row in steps]


def png_view(predictions: Predictions) -> bytes:
    """Return a PNG of what the net saw of each image, with its label under it."""
    from edgemnist.data.images import contact_sheet

    if not predictions.predictions:
        raise InputError("there is nothing to show: none of the images could be read")
    images = np.stack([one.seen.pixels for one in predictions.predictions])
    labels = [one.best.index for one in predictions.predictions]
    return contact_sheet(images, labels, predictions.class_names, cell=280)


def _find_subject(work: WorkFolder, path: Path | None, dataset: str | None) -> _Subject:
    if path is not None:
        model = load_model(path)
        context = None if dataset else context_beside(path)
        return _Subject(model, context or _guess_context(model, dataset))
    converted = work.require("convert", needed_by="predict")
    models = [load_model(work.path(name)) for name in converted.outputs if name.endswith(".tflite")]
    if not models:
        raise StageOrderError(f"{str(work.root)!r} holds no .tflite: run `edgemnist convert --int8` first")
    best = min(models, key=lambda one: _KIND_ORDER.index(one.kind))
    return _Subject(best, ModelContext.from_json(converted.settings))


def _guess_context(model: LoadedModel, dataset: str | None) -> ModelContext:
    """Work out what a model from elsewhere takes: its shapes from the file, its classes from the named dataset."""
    from edgemnist.data.known import require_known

    if model.tflite is None:
        raise InputError(
            f"nothing is known of what {str(model.path)!r} was trained on; convert it first "
            f"(`edgemnist convert {model.path} --dataset ...`) and name the .tflite"
        )
    shape = _image_shape(model)
    classes = model.tflite.output().elements
    name = dataset or (DEFAULT_DATASET if (shape, classes) == ((28, 28, 1), 10) else "")
    names = require_known(name).class_names if name else tuple(str(index) for index in range(classes))
    if len(names) != classes:
        raise InputError(f"{str(model.path)!r} tells {classes} classes apart, the dataset {name!r} has {len(names)}")
    return ModelContext(name, "", shape, names, told_by_input(model) or Normalisation())


def _image_shape(model: LoadedModel) -> tuple[int, int, int]:
    """Return (height, width, channels) of a model's input, which may lack its channel or be flat."""
    assert model.tflite is not None  # the caller has seen to that
    shape = model.tflite.input().shape[1:]
    if len(shape) == 1:
        side = round(float(shape[0]) ** 0.5)
        shape = (side, side) if side * side == shape[0] else shape
    if len(shape) not in (2, 3) or (*shape, 1)[2] not in (1, 3):
        raise InputError(f"{str(model.path)!r} takes inputs of shape {list(shape)}, which is no image")
    height, width, channels = (*shape, 1)[:3]
    return height, width, channels


def _read(
    files: Sequence[Path], context: ModelContext, invert: str
) -> tuple[list[tuple[Path, FramedImage]], list[str]]:
    from edgemnist.data.images import read_image

    framed, problems = [], []
    for file in files:
        try:
            picture = read_image(file)
        except InputError as error:
            problems.append(str(error))
            continue
        framed.append((file, frame_image(picture, context.image_shape, context.dataset, invert)))
    return framed, problems


def _run(subject: _Subject, framed: Sequence[FramedImage]) -> tuple[str, NDArray[np.float64]]:
    """Return the runtime and its class probabilities, shape (count, classes)."""
    if not framed:
        return "", np.zeros((0, len(subject.context.class_names)))
    model = subject.model
    inputs = model.inputs(np.stack([one.pixels for one in framed]), subject.context.normalisation)
    refusal: UnsupportedModelError | None = None
    for name in installed_for(model.kind, RUNTIMES):
        with engine_worker(name, timeout=TIMEOUT) as worker:
            try:
                (outputs,) = worker.invoke(model.path, [inputs[:, np.newaxis]])
            except UnsupportedModelError as error:
                refusal = error
                continue
            version = worker.version()
        quantisation = model.tflite.output().quantisation if model.tflite else None
        return f"{name} {version}", _probabilities(dequantise(outputs.reshape(len(framed), -1), quantisation))
    raise refusal or AssertionError("unreachable")


def _probabilities(outputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return class probabilities: the outputs themselves where they are such, else their softmax."""
    real = outputs.astype(np.float64)
    # Ten quantised probabilities may each be off by half of 1/256.
    if (real >= 0).all() and (abs(real.sum(axis=1) - 1) < 0.002 * real.shape[1] + 0.01).all():
        return real
    powers = np.exp(real - real.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def _best(row: NDArray[np.float64], names: Sequence[str]) -> tuple[Candidate, ...]:
    order = np.argsort(-row, kind="stable")[:TOP]
    return tuple(Candidate(names[index], int(index), float(row[index])) for index in order)
