"""Does a model from elsewhere classify its dataset, and is it fed rightly? Asked before anything is made of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Dataset, chance_level
from edgemnist.harness.diagnosis import diagnose_with
from edgemnist.harness.feeding import Understanding
from edgemnist.harness.normalisation import REFUSED_DROP
from edgemnist.harness.outputs import real_scores
from edgemnist.harness.pictures import pictures_of
from edgemnist.harness.remarks import GOOD_ENOUGH
from edgemnist.harness.search import Pictures, Predict
from edgemnist.harness.trying import UNASKED, best_of, sample_of
from edgemnist.support.errors import ModelError
from edgemnist.support.statistics import is_at_chance
from edgemnist.tflite.preprocessing import OutputKind


def settled(predict: Predict, dataset: Dataset, known: Understanding, name: str) -> Understanding:
    """Return how a model is fed, with what nobody has said of it tried on labelled images; the evidence says so.

    ``name`` is the model's, for people.
    """
    vary = [field for field in UNASKED if field not in known.known]
    if not vary:
        return known
    sample = sample_of(dataset.test)
    pictures = Pictures({known.preprocessing.fit: sample.images}, sample.labels, dataset.classes)
    found, evidence = best_of(predict, pictures, known.preprocessing, vary, name)
    return replace(known, preprocessing=found, evidence=(*known.evidence, evidence))


def judge_fed(
    predict: Predict, dataset: Dataset, dataset_name: str, known: Understanding, name: str, *, even_so: bool
) -> list[str]:
    """Return what the user must be told of a model that is not clearly right as it is fed.

    :param dataset_name: the dataset's name or path, by which it is loaded again for other fits.
    :raises ModelError: it is at chance level, or far better when fed otherwise; ``even_so`` makes that a warning.
    """
    sample, given = sample_of(dataset.test), known.preprocessing
    right = predict(given, sample.images).argmax(axis=1) == sample.labels
    if float(right.mean()) >= GOOD_ENOUGH:
        return []
    pictures = pictures_of(dataset, dataset_name, given)
    found = diagnose_with(predict, pictures, given, name, dataset_name, known=known.known)
    if found.found is None and not found.at_chance:
        return []
    remark = found.sentences()[0]
    if (found.gain > REFUSED_DROP or not found.right) and not even_so:
        remedy = "give these options" if found.found is not None else "name the right --dataset"
        raise ModelError(f"{remark}; {remedy}, or go on as it is with --even-so")
    return [remark]


def judge_recorded(name: str, outputs: NDArray[np.float32], labels: NDArray[np.int64], *, even_so: bool) -> None:
    """Refuse a work folder's model that is at chance level on its own dataset.

    :param outputs: real numbers, shape (count, outputs); ``labels``: shape (count,).
    :raises ModelError: it is, and ``even_so`` was not asked for.
    """
    predicted = real_scores(outputs, OutputKind.UNKNOWN).argmax(axis=1)
    accuracy = float((predicted == labels).mean())
    chance = chance_level(labels)
    if is_at_chance(accuracy, chance, len(labels)) and not even_so:
        raise ModelError(
            f"{name!r} is right for {accuracy:.1%} of {len(labels)} test images, where saying always the same gets "
            f"{chance:.1%}: it has learned nothing; train it again, or convert it with --even-so"
        )
