"""What a device answered, and which way of feeding the model reproduces it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.images import fit_image, read_image
from edgemnist.harness.answers import DeviceAnswers, answers_to_pictures
from edgemnist.harness.candidates import as_options, candidates, varied
from edgemnist.harness.feeding import Understanding
from edgemnist.harness.images import ANY_SHAPE
from edgemnist.harness.models import Subject
from edgemnist.harness.outputs import class_scores
from edgemnist.harness.pictures import in_different_fits
from edgemnist.harness.trying import open_outputs
from edgemnist.runner.run import LoadedModel
from edgemnist.support.errors import InputError
from edgemnist.support.progress import progress_task
from edgemnist.tflite.pixels import dequantise
from edgemnist.tflite.preprocessing import Preprocessing, class_count

_EXACT = 0.999


@dataclass(frozen=True, eq=False)
class AnsweredPictures:
    """Pictures, and what a device answered to each."""

    files: tuple[Path, ...]
    answers: DeviceAnswers


@dataclass(frozen=True)
class Reproduction:
    """Which way of feeding answers as the device did.

    ``agreement``: share of pictures of which the answer is the same, ``given_agreement`` that of the way as given, both
    in 0..1. ``difference``: mean absolute difference of the outputs in their own unit, None for classes.
    """

    model: str
    answers: str
    pictures: int
    given: str
    given_agreement: float
    found: str
    agreement: float
    difference: float | None
    options: tuple[str, ...]
    chance: float

    @property
    def right(self) -> bool:
        """Whether some way answers as the device did for most pictures."""
        return self.agreement > max(0.5, self.chance)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "right": self.right, "sentences": list(self.sentences())}

    def sentences(self) -> tuple[str, ...]:
        """Return what was found, for people, the main thing first."""
        far = "" if self.difference is None else f", outputs {self.difference:.3g} apart on average"
        same = f"the same answer to {self.agreement:.1%} of {self.pictures} pictures{far}"
        if not self.right:
            return (
                f"no way of feeding {self.model} that was tried answers as {self.answers} says: {same} at best, with "
                f"{self.found}; another model is on the device, or it fails after its input",
            )
        if not self.options:
            return (f"{self.model} fed as given ({self.given}) answers as the device did: {same}",)
        return (
            f"the device is fed {self.found}: so {self.model} gives {same}; as given ({self.given}) to "
            f"{self.given_agreement:.1%}",
        )


def answers_from(outputs: Path | None, inputs: Path | None) -> AnsweredPictures | None:
    """Read what a device answered: see :func:`answers_to_pictures`.

    :raises InputError: only one of the two is given, or a file is missing or malformed.
    """
    if outputs is None and inputs is None:
        return None
    if outputs is None or inputs is None:
        raise InputError("--outputs CSV and --inputs DIR go together: what the device answered, and to which pictures")
    answers = answers_to_pictures(outputs, inputs)
    return AnsweredPictures(tuple(inputs / name for name in answers.asked), answers)


def reproduce(subject: Subject, pictures: AnsweredPictures, known: Understanding) -> Reproduction:
    """Feed the pictures in every plausible way and return the one whose answers are nearest to the device's.

    :raises InputError: a picture cannot be read, or the answers do not fit the model.
    """
    model, given = subject.model, known.preprocessing
    if given.image_shape == ANY_SHAPE:
        raise InputError(f"nothing tells what size {model.name!r} takes; name --image-size and --channels")
    images, answers = _images(pictures.files, given), pictures.answers
    ways = candidates(given, images[given.fit], tuple(images), varied(layout="layout" not in known.known))
    scores = []
    with open_outputs(model) as outputs, progress_task("Feeding as the device", total=len(ways)) as task:
        for way in ways:
            scores.append(_likeness(outputs(way, images[way.fit]), model, way, answers))
            task.update(advance=1)
    best = max(range(len(ways)), key=lambda index: (scores[index], -index))
    agreement, nearness = scores[best]
    return Reproduction(
        model=model.name,
        answers=answers.path.name,
        pictures=len(pictures.files),
        given=given.in_words(),
        given_agreement=scores[0][0],
        found=ways[best].in_words(),
        agreement=agreement,
        difference=None if answers.values is None else -nearness,
        options=as_options(given, ways[best]),
        chance=_most_frequent(answers),
    )


def _images(files: Sequence[Path], given: Preprocessing) -> dict[str, NDArray[np.uint8]]:
    """Return the pictures in the given fit, and in every other one that makes other images."""
    pictures = [read_image(file) for file in files]
    height, width, channels = given.image_shape
    return in_different_fits(
        given.fit, lambda fit: np.stack([fit_image(one, (height, width), channels, fit) for one in pictures])
    )


def _likeness(
    outputs: NDArray[Any], model: LoadedModel, way: Preprocessing, answers: DeviceAnswers
) -> tuple[float, float]:
    """Return (share of pictures of the same answer, minus the mean difference) of a way of feeding."""
    if answers.values is None:
        predicted = class_scores(outputs, model, way.output).argmax(axis=1)
        return float((predicted == _labels(answers, way, class_count(outputs.shape[1]))).mean()), 0.0
    if answers.values.shape != outputs.shape:
        raise InputError(
            f"{str(answers.path)!r} has {answers.values.shape[1]} outputs a picture, {model.name!r} has "
            f"{outputs.shape[1]}"
        )
    quantisation = model.tflite.output().quantisation if model.tflite else None
    real = dequantise(outputs, quantisation)
    raw = quantisation is not None and bool((answers.values == np.rint(answers.values)).all())
    mine = outputs.astype(np.float64) if raw else real.astype(np.float64)
    gaps = np.abs(mine - answers.values)
    # One step of the last integer, or what float32 loses in printing.
    allowed = 0.0 if raw else (quantisation.scale / 2 if quantisation else 1e-3 * max(1.0, float(np.abs(mine).max())))
    return float((gaps.max(axis=1) <= allowed).mean()), -float(gaps.mean())


def _labels(answers: DeviceAnswers, way: Preprocessing, classes: int) -> NDArray[np.int64]:
    """Return the classes that the device gave as indices.

    :raises InputError: one is neither the name of a class nor an index.
    """
    names = {name: index for index, name in enumerate(way.class_names)}
    indices = {str(index): index for index in range(classes)}
    known = names if set(answers.classes) <= set(names) else indices
    unknown = [one for one in answers.classes if one not in known]
    if unknown:
        raise InputError(
            f"{str(answers.path)!r} gives the class {unknown[0]!r}; give indices from 0 to {classes - 1}, or names "
            "with --classes in the order of the outputs"
        )
    return np.array([known[one] for one in answers.classes], dtype=np.int64)


def _most_frequent(answers: DeviceAnswers) -> float:
    keys = answers.classes if answers.values is None else tuple(map(str, answers.values.argmax(axis=1)))
    return max(keys.count(one) for one in set(keys)) / len(keys)
