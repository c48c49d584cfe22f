"""What is counted of a classifier: the confusion matrix, and precision, recall and F1 by class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassScore:
    """How well one class, or an average of classes, is recognised; all but ``support`` are shares in 0..1.

    ``precision``: of the images taken for the class, those that are. ``recall``: of the images of the class, those
    taken for it. ``f1``: their harmonic mean. A share of nothing is 0. ``support``: images of the class.
    """

    name: str
    precision: float
    recall: float
    f1: float
    support: int


def confusion_matrix(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
    """Return counts, (classes, classes): the row is the label, the column what was predicted."""
    pairs = np.bincount(labels * classes + predicted, minlength=classes * classes)
    return np.asarray(pairs.reshape(classes, classes), dtype=np.int64)


def class_scores(confusion: NDArray[np.int64], names: tuple[str, ...]) -> tuple[ClassScore, ...]:
    """Return a score for every class, in label order."""
    hits = np.diag(confusion)
    taken, support = confusion.sum(axis=0), confusion.sum(axis=1)
    return tuple(
        ClassScore(
            name,
            precision=_share(hits[index], taken[index]),
            recall=_share(hits[index], support[index]),
            f1=_share(2 * hits[index], taken[index] + support[index]),
            support=int(support[index]),
        )
        for index, name in enumerate(names)
    )


def average_scores(scores: tuple[ClassScore, ...]) -> tuple[ClassScore, ClassScore]:
    """Return the averages over the classes: each class counting the same ("macro"), and by its support ("weighted").

    Classes of which there is no image are left out.
    """
    present = [score for score in scores if score.support]
    support = np.array([score.support for score in present])
    return (_average("macro average", present, np.ones(len(present))), _average("weighted average", present, support))


def _average(name: str, scores: list[ClassScore], weights: NDArray[np.float64] | NDArray[np.int64]) -> ClassScore:
    columns = np.array([(score.precision, score.recall, score.f1) for score in scores])
    precision, recall, f1 = np.average(columns, axis=0, weights=weights)
    return ClassScore(name, float(precision), float(recall), float(f1), sum(score.support for score in scores))


def _share(part: np.int64, whole: np.int64) -> float:
    return float(part / whole) if whole else 0.0


LEAST_PROBABILITY = 1e-7
"""What a probability of 0 counts as in the loss, as Keras has it; an int8 softmax gives 0 for all below 1/512."""

TOP = (2, 3, 5)
"""How many of the most probable classes count as an answer."""


def cross_entropy(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """Return the mean of minus the logarithm of the right class's probability, in nats; of no image it is 0.

    :param probabilities: (count, classes), 0..1.
    """
    if not len(labels):
        return 0.0
    right = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(right, LEAST_PROBABILITY, 1.0)).mean())


def top_hits(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[int, int]:
    """Return for each number of :data:`TOP` below that of classes how many labels are among so many most probable.

    Of equally probable classes those with the lowest index are taken first.
    """
    order = np.argsort(-probabilities, axis=1, kind="stable")
    hits = order == labels[:, np.newaxis]
    return {count: int(hits[:, :count].sum()) for count in TOP if count < probabilities.shape[1]}
