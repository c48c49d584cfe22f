"""What the models' answers say: confusion, calibration, differences between runtimes, images that are disagreed on."""

from __future__ import annotations

import base64
import hashlib
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.evaluate.metrics import class_scores as scores_of_classes
from edgemnist.commands.evaluate.metrics import confusion_matrix
from edgemnist.commands.report.measuring import Answers, Measured
from edgemnist.commands.report.sections import (
    Answer,
    Calibration,
    ClassRow,
    Confusion,
    DifferenceCount,
    Disagreement,
    Disagreements,
    Estimate,
    ImageAnswers,
    LogitDifference,
    PairedDifference,
    Proportion,
    ReliabilityBin,
)
from edgemnist.commands.robustness.statistics import drop
from edgemnist.harness.calibration import expected_calibration_error, reliability
from edgemnist.harness.compare import Share, agreement, top1
from edgemnist.harness.outputs import class_scores, probabilities
from edgemnist.harness.subjects import Subjects

MOST_DISAGREEMENTS = 12
PICTURE_PIXELS = 96
"""Longest side of a picture in the file; larger images are made smaller."""

_FARTHEST = 255
"""Differences beyond it, as int16 values may have, are counted there."""


def proportion(share: Share) -> Proportion:
    """Return a share as the report has it."""
    return Proportion(share.count, share.total, share.share, share.standard_error)


def classes_of(subjects: Subjects, answers: Answers) -> NDArray[np.int64]:
    """Return the class of each image, shape (count,)."""
    return top1(class_scores(_rows(subjects, answers), answers.model, subjects.preprocessing.output))


def probabilities_of(subjects: Subjects, answers: Answers) -> NDArray[np.float64]:
    """Return class probabilities, shape (count, classes)."""
    return probabilities(_rows(subjects, answers), answers.model, subjects.preprocessing)


def _rows(subjects: Subjects, answers: Answers) -> NDArray[Any]:
    return answers.run.outputs.reshape(len(subjects.split), -1)


def paired_difference(measured: Measured) -> PairedDifference | None:
    """Return what the model loses against the float one on the same images, None where there is none."""
    if measured.reference is None:
        return None
    labels = measured.subjects.split.labels
    ours, theirs = (classes_of(measured.subjects, one) for one in (measured.main, measured.reference))
    lost = drop((theirs == labels)[np.newaxis], (ours == labels)[np.newaxis])
    return PairedDifference(
        reference=measured.reference.title,
        model=measured.main.title,
        drop=Estimate(lost.mean, lost.standard_error),
        only_reference=int(((theirs == labels) & (ours != labels)).sum()),
        only_model=int(((ours == labels) & (theirs != labels)).sum()),
        same_class=proportion(agreement(ours, theirs)),
    )


def image_answers(measured: Measured) -> ImageAnswers:
    """Return the model's class of each image, and which images these were."""
    split = measured.subjects.split
    predictions = classes_of(measured.subjects, measured.main)
    return ImageAnswers(
        model=measured.main.title,
        images_sha256=hashlib.sha256(np.ascontiguousarray(split.images).data).hexdigest(),
        image_shape=tuple(int(size) for size in split.images.shape[1:]),
        labels=" ".join(map(str, split.labels)),
        predictions=" ".join(map(str, predictions)),
    )


def confusion(measured: Measured) -> Confusion:
    """Return what the model takes for what."""
    names, labels = measured.subjects.preprocessing.class_names, measured.subjects.split.labels
    counts = confusion_matrix(labels, classes_of(measured.subjects, measured.main), len(names))
    rows = [
        ClassRow(one.name, one.precision, one.recall, one.f1, one.support) for one in scores_of_classes(counts, names)
    ]
    return Confusion(measured.main.title, tuple(tuple(int(one) for one in row) for row in counts), tuple(rows))


def calibrations(measured: Measured) -> tuple[Calibration, ...]:
    """Return how far confidence is accuracy, of the model and of the float one where there is one."""
    chosen = [measured.main, *([measured.reference] if measured.reference else [])]
    return tuple(_calibration(measured.subjects, one) for one in chosen)


def _calibration(subjects: Subjects, answers: Answers) -> Calibration:
    values = probabilities_of(subjects, answers)
    confidences, correct = values.max(axis=1), classes_of(subjects, answers) == subjects.split.labels
    bins = reliability(confidences, correct)
    return Calibration(
        model=answers.title,
        expected_error=expected_calibration_error(bins),
        confidence=float(confidences.mean()),
        accuracy=float(correct.mean()),
        bins=tuple(ReliabilityBin(one.low, one.high, one.images, one.confidence, one.accuracy) for one in bins),
    )


def differences(measured: Measured) -> tuple[LogitDifference, ...]:
    """Return every runtime's integers against those of the oracle, element by element; none for float outputs."""
    found = [_difference(measured, other) for other in measured.others]
    return tuple(one for one in found if one is not None)


def _difference(measured: Measured, other: Answers) -> LogitDifference | None:
    ours, theirs = measured.main.run, other.run
    tensor = "outputs" if ours.logits is None or theirs.logits is None else "logits"
    oracle, found = (getattr(one, tensor) for one in (ours, theirs))
    if oracle.dtype.kind == "f" or found.shape != oracle.shape:
        return None
    gaps = found.astype(np.int64) - oracle.astype(np.int64)
    values, counts = np.unique(np.clip(gaps, -_FARTHEST, _FARTHEST), return_counts=True)
    changed = classes_of(measured.subjects, other) != classes_of(measured.subjects, measured.main)
    return LogitDifference(
        model=other.model.name,
        runtime=theirs.runtime,
        oracle=ours.runtime,
        tensor=tensor,
        total=int(gaps.size),
        different=int((gaps != 0).sum()),
        bias=float(gaps.mean()),
        class_changes=int(changed.sum()),
        counts=tuple(DifferenceCount(int(gap), int(count)) for gap, count in zip(values, counts, strict=True)),
    )


def disagreements(measured: Measured, most: int = MOST_DISAGREEMENTS) -> Disagreements | None:
    """Return the images on which the model and the float one differ most, None where there is no float one."""
    if measured.reference is None:
        return None
    both = (measured.reference, measured.main)
    values = [probabilities_of(measured.subjects, one) for one in both]
    classes = [classes_of(measured.subjects, one) for one in both]
    distances = 0.5 * np.abs(values[0] - values[1]).sum(axis=1)
    differ = classes[0] != classes[1]
    order = np.lexsort((np.arange(len(differ)), -distances, ~differ))[:most]
    shown = [index for index in order if distances[index] > 0]
    return Disagreements(
        first=both[0].title,
        second=both[1].title,
        images=len(differ),
        differing=int(differ.sum()),
        rows=tuple(
            _disagreement(measured.subjects, int(index), both, values, classes, float(distances[index]))
            for index in shown
        ),
    )


def _disagreement(
    subjects: Subjects,
    index: int,
    both: tuple[Answers, Answers],
    values: list[NDArray[np.float64]],
    classes: list[NDArray[np.int64]],
    distance: float,
) -> Disagreement:
    names, split = subjects.preprocessing.class_names, subjects.split
    picture, width, height = png_of(split.images[index])
    return Disagreement(
        name=split.name_of(index),
        label=names[split.labels[index]],
        picture=picture,
        width=width,
        height=height,
        answers=tuple(
            Answer(one.title, names[found[index]], float(shares[index, found[index]]))
            for one, shares, found in zip(both, values, classes, strict=True)
        ),
        distance=distance,
    )


def png_of(image: NDArray[np.uint8]) -> tuple[str, int, int]:
    """Return an image, (height, width, channels), as a PNG in Base64, and its width and height in the PNG."""
    from PIL import Image

    picture = Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image[:, :, :3])
    picture.thumbnail((PICTURE_PIXELS, PICTURE_PIXELS))
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii"), picture.width, picture.height
