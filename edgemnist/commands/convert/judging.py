"""Does the source classify its dataset at all, and is it fed rightly? Asked before anything is converted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.convert.settings import ConversionSettings
from edgemnist.commands.convert.source import Source
from edgemnist.data.base import Dataset
from edgemnist.harness.diagnosis import diagnose_with
from edgemnist.harness.feeding import Understanding
from edgemnist.harness.normalisation import REFUSED_DROP
from edgemnist.harness.outputs import real_probabilities
from edgemnist.harness.pictures import pictures_of
from edgemnist.harness.remarks import GOOD_ENOUGH
from edgemnist.harness.search import Pictures, Predict
from edgemnist.harness.trying import UNASKED, best_of, sample_of
from edgemnist.harness.verdict import is_at_chance
from edgemnist.support.errors import ModelError
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing


def settled(source: Source, dataset: Dataset, known: Understanding) -> tuple[Preprocessing, tuple[str, ...]]:
    """Return how the source is fed, with what nobody has said of it tried on labelled images, and the evidence."""
    vary = [name for name in UNASKED if name not in known.known]
    if not vary:
        return known.preprocessing, ()
    sample = sample_of(dataset.test)
    pictures = Pictures({known.preprocessing.fit: sample.images}, sample.labels, dataset.classes)
    found, evidence = best_of(_predicting(source), pictures, known.preprocessing, vary, source.path.name)
    return found, (evidence,)


def judge_source(
    source: Source,
    dataset: Dataset,
    name: str,
    given: Preprocessing,
    known: frozenset[str],
    settings: ConversionSettings,
) -> list[str]:
    """Return what the user must be told of a source that is not clearly right as it is fed.

    :raises ModelError: it is at chance level, or far better when fed otherwise; ``--even-so`` makes both warnings.
    """
    sample = sample_of(dataset.test)
    right = _predicting(source)(given, sample.images).argmax(axis=1) == sample.labels
    if float(right.mean()) >= GOOD_ENOUGH:
        return []
    pictures = pictures_of(dataset, name, given)
    found = diagnose_with(
        _predicting(source), pictures, given, source.path.name, name, certain_layout="layout" in known
    )
    if found.found is None and not found.at_chance:
        return []
    remark = found.sentences()[0]
    refused = found.at_chance or (found.found is not None and found.gain > REFUSED_DROP)
    if refused and not settings.even_so:
        remedy = "give these options" if found.found is not None else "name the right --dataset"
        raise ModelError(f"{remark}; {remedy}, or convert it as it is with --even-so")
    return [remark]


def judge_recorded(source: Source, outputs: NDArray[np.float32], labels: NDArray[np.int64], *, even_so: bool) -> None:
    """Refuse a work folder's model that is at chance level on its own dataset.

    :raises ModelError: it is, and ``even_so`` was not asked for.
    """
    predicted = real_probabilities(outputs, OutputKind.UNKNOWN).argmax(axis=1)
    accuracy = float((predicted == labels).mean())
    chance = float(np.bincount(labels).max()) / len(labels)
    if is_at_chance(accuracy, chance, len(labels)) and not even_so:
        raise ModelError(
            f"{source.path.name!r} is right for {accuracy:.1%} of {len(labels)} test images, where saying always the "
            f"same gets {chance:.1%}: it has learned nothing; train it again, or convert it with --even-so"
        )


def _predicting(source: Source) -> Predict:
    def predict(preprocessing: Preprocessing, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        inputs = preprocessing.real_input(images).reshape(len(images), *source.input_shape)
        outputs = np.nan_to_num(source.predict(inputs))
        return real_probabilities(outputs, preprocessing.output)

    return predict
