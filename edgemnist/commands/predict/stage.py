"""Classify image files with one model, and show what the net sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.data.framing import FramedImage
from edgemnist.data.images import frame_image
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.models import find_subject
from edgemnist.harness.outputs import probabilities
from edgemnist.harness.recognised import recognised
from edgemnist.harness.runtimes import OpenRuntimes
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import InputError

TOP = 3
TIMEOUT = 120.0
_ASCII_RAMP = " .:-=+*#%@"


@dataclass(frozen=True, kw_only=True)
class PredictSettings:
    """What ``edgemnist predict`` takes. Without ``model`` it is the work folder's preferred one.

    ``dataset``: for a model from elsewhere what it was trained on, by default MNIST if its shapes fit that. ``invert``
    as for :func:`edgemnist.data.framing.frame_image`.
    """

    files: tuple[Path, ...]
    model: Path | None = None
    dataset: str | None = None
    invert: str = "auto"
    feeding: FeedingSettings = field(default_factory=FeedingSettings)


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
    """What a model in a runtime made of the image files, and which of them could not be read.

    ``preprocessing``: how it was fed, in words; ``assumed``: a line for each thing of it that nobody had said.
    """

    model: str
    runtime: str
    class_names: tuple[str, ...]
    predictions: tuple[Prediction, ...]
    problems: tuple[str, ...]
    preprocessing: str
    assumed: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the predictions as JSON values."""
        return {
            "model": self.model,
            "runtime": self.runtime,
            "predictions": [one.as_json() for one in self.predictions],
            "problems": list(self.problems),
            "preprocessing": self.preprocessing,
            "assumed": list(self.assumed),
        }

    def raise_problems(self) -> None:
        """Raise if an image could not be read.

        :raises InputError: names every such image.
        """
        if self.problems:
            total = len(self.problems) + len(self.predictions)
            lines = [f"  - {problem}" for problem in self.problems]
            raise InputError("\n".join([f"{len(self.problems)} of {total} images could not be read:", *lines]))


def predict(settings: PredictSettings, work: WorkFolder) -> Predictions:
    """Classify image files of any size with a model, by default the work folder's preferred one.

    :raises InputError: unknown dataset or ``invert``, no such model. An unreadable image is in ``problems`` instead.
    :raises StageOrderError: no model named and none converted.
    :raises MissingDependencyError: no runtime that takes the model is installed.
    """
    subject = find_subject(settings.model, work, keras=True, output=settings.feeding.output)
    context, assumed = recognised(subject, settings.feeding, settings.dataset)
    framed, problems = _read(settings.files, context, settings.invert)
    runtime, outputs = _run(subject.model, context, [image for _, image in framed])
    predictions = [
        Prediction(str(file), image, _best(row, context.preprocessing.class_names))
        for (file, image), row in zip(framed, outputs, strict=True)
    ]
    return Predictions(
        str(subject.path),
        runtime,
        context.preprocessing.class_names,
        tuple(predictions),
        tuple(problems),
        context.preprocessing.in_words(),
        assumed,
    )


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
        known = context.preprocessing
        framed.append((file, frame_image(picture, known.image_shape, context.dataset, invert, known.fit)))
    return framed, problems


def _run(model: LoadedModel, context: ModelContext, framed: Sequence[FramedImage]) -> tuple[str, NDArray[np.float64]]:
    """Return the runtime and its class probabilities, shape (count, classes)."""
    if not framed:
        return "", np.zeros((0, len(context.preprocessing.class_names)))
    inputs = model.inputs(np.stack([one.pixels for one in framed]), context.preprocessing)
    with OpenRuntimes(timeout=TIMEOUT) as runtimes:
        worker, (outputs,) = runtimes.first(model.kind, lambda one: one.invoke(model.runnable, [inputs[:, np.newaxis]]))
        runtime = f"{worker.runtime} {worker.version()}"
    return runtime, probabilities(outputs.reshape(len(framed), -1), model, context.preprocessing)


def _best(row: NDArray[np.float64], names: Sequence[str]) -> tuple[Candidate, ...]:
    order = np.argsort(-row, kind="stable")[:TOP]
    return tuple(Candidate(names[index], int(index), float(row[index])) for index in order)
