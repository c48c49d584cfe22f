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
from edgemnist.harness.claims import warn_of
from edgemnist.harness.feeding import FeedingSettings
from edgemnist.harness.images import load_at
from edgemnist.harness.models import find_subject
from edgemnist.harness.outputs import probabilities
from edgemnist.harness.recognised import recognised
from edgemnist.harness.runtimes import OpenRuntimes
from edgemnist.harness.single import Candidate, best_first, seen
from edgemnist.runner.run import LoadedModel, check_numbers, invoke_with
from edgemnist.support.errors import InputError

TOP = 3
TIMEOUT = 120.0
_MOST_NUMBERS = 10_000
_FEW = 12
"""Up to so many pictures are drawn large."""

_ASCII_RAMP = " .:-=+*#%@"


@dataclass(frozen=True, kw_only=True)
class PredictSettings:
    """What ``edgemnist predict`` takes. Without ``model`` it is the work folder's preferred one.

    ``dataset``: for a model from elsewhere what it was trained on, by default MNIST if its shapes fit that.
    ``numbers``: test images of the dataset instead of ``files``. ``invert`` as for
    :func:`edgemnist.data.framing.frame_image`.
    """

    files: tuple[Path, ...] = ()
    numbers: tuple[int, ...] = ()
    model: Path | None = None
    dataset: str | None = None
    invert: str = "auto"
    feeding: FeedingSettings = field(default_factory=FeedingSettings)


@dataclass(frozen=True, eq=False)
class Prediction:
    """An image, what the net was shown of it, and its most probable classes, the best first.

    ``file``: its name, or the dataset's with its number. ``truth``: its class where that is known, else "".
    """

    file: str
    seen: FramedImage
    candidates: tuple[Candidate, ...]
    truth: str = ""

    @property
    def best(self) -> Candidate:
        """The most probable class; of equals the one with the lowest index."""
        return self.candidates[0]

    def as_json(self) -> dict[str, Any]:
        """Return the prediction as JSON values."""
        return {
            "file": self.file,
            **({"truth": self.truth} if self.truth else {}),
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
    """Classify image files of any size, or test images, with a model, by default the work folder's preferred one.

    :raises InputError: unknown dataset or ``invert``, no such model or test image, files and numbers together or
        neither. An unreadable image is in ``problems`` instead.
    :raises StageOrderError: no model named and none converted.
    :raises MissingDependencyError: no runtime that takes the model is installed.
    """
    if bool(settings.files) == bool(settings.numbers):
        raise InputError("name image files, or with --index test images of a dataset: one of both")
    subject = find_subject(settings.model, work, keras=True, output=settings.feeding.output)
    context, assumed = recognised(subject, settings.feeding, settings.dataset)
    if settings.numbers:
        shown, problems = _test_images(settings.numbers, context), list[str]()
    else:
        shown, problems = _read(settings.files, context, settings.invert)
    runtime, outputs = _run(subject.model, context, [one.image for one in shown])
    predictions = [
        Prediction(one.name, one.image, best_first(row, context.preprocessing.class_names, TOP), one.truth)
        for one, row in zip(shown, outputs, strict=True)
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
    """Return a PNG of what the net saw of each image; under each "truth -> predicted, confidence"."""
    from edgemnist.data.contact_sheet import Caption, contact_sheet

    if not predictions.predictions:
        raise InputError("there is nothing to show: none of the images could be read")
    images = np.stack([one.seen.pixels for one in predictions.predictions])
    captions = [
        Caption.of_prediction(one.best.label, one.best.probability, one.truth) for one in predictions.predictions
    ]
    return contact_sheet(images, captions, cell=280 if len(images) <= _FEW else 112)


@dataclass(frozen=True, eq=False)
class _Shown:
    name: str
    image: FramedImage
    truth: str = ""


def numbers_from(text: str | None) -> tuple[int, ...]:
    """Return the numbers of ``0-4,17``, in their order; none for None.

    :raises InputError: it is something else.
    """
    numbers: list[int] = []
    for part in text.split(",") if text is not None else ():
        first, dash, last = (one.strip() for one in part.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise InputError(f"--index {text!r} has {part!r}; give numbers and ranges, as 0-4,17")
        numbers += range(int(first), min(int(last), int(first) + _MOST_NUMBERS) + 1) if dash else [int(first)]
    if text is not None and not 0 < len(numbers) <= _MOST_NUMBERS:
        raise InputError(f"--index {text!r} are {len(numbers)} images; give 1 to {_MOST_NUMBERS}")
    return tuple(numbers)


def _test_images(numbers: Sequence[int], context: ModelContext) -> list[_Shown]:
    """Return test images of the dataset that the model is for, as the model takes them."""
    if not context.dataset:
        raise InputError("--index needs to know whose test images; name the dataset with --dataset")
    dataset = load_at(context.dataset, context.preprocessing)
    total = len(dataset.test)
    wrong = [number for number in numbers if number >= total]
    if wrong:
        raise InputError(f"--index {wrong[0]}: {dataset.name} has the test images 0 to {total - 1}")
    return [
        _Shown(
            f"{dataset.name} {number}",
            FramedImage(dataset.test.images[number], False, "as the dataset has it", ""),
            dataset.class_names[int(dataset.test.labels[number])],
        )
        for number in numbers
    ]


def _read(files: Sequence[Path], context: ModelContext, invert: str) -> tuple[list[_Shown], list[str]]:
    from edgemnist.data.images import read_image

    shown, problems = [], []
    for file in files:
        try:
            picture = read_image(file)
        except InputError as error:
            problems.append(str(error))
            continue
        shown.append(_Shown(str(file), seen(picture, context, invert)))
    return shown, problems


def _run(model: LoadedModel, context: ModelContext, framed: Sequence[FramedImage]) -> tuple[str, NDArray[np.float64]]:
    """Return the runtime and its class probabilities, shape (count, classes)."""
    if not framed:
        return "", np.zeros((0, len(context.preprocessing.class_names)))
    inputs = model.inputs(np.stack([one.pixels for one in framed]), context.preprocessing)
    warn_of(model)
    with OpenRuntimes(timeout=TIMEOUT) as runtimes:
        worker, outputs = runtimes.first(model.kind, lambda one: invoke_with(one, model, inputs))
        runtime = f"{worker.runtime} {worker.version()}"
    check_numbers(worker.runtime, outputs)
    return runtime, probabilities(outputs, model, context.preprocessing)
