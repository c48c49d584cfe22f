"""Whether another normalisation than the given one does better."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Dataset, Split
from edgemnist.harness.normalisation import accuracy, judge_normalisation
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation, parse_normalisation


def candidates(dataset: Dataset) -> dict[str, Normalisation]:
    """Return the normalisations that a model of this dataset is likely to have, by what ``--normalisation`` takes."""
    pixels = dataset.train.images
    mean, deviation = float(pixels.mean()) / 255, float(pixels.std()) / 255
    if deviation == 0:
        return dict(NORMALISATIONS)
    own = f"mean={mean:.4f},std={deviation:.4f}"
    return {**NORMALISATIONS, own: parse_normalisation(own)}


def check_normalisation(
    predict: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    sample: Split,
    given: Normalisation,
    dataset: Dataset,
    name: str,
) -> list[str]:
    """Warn when a model does clearly better on pixels of another normalisation than the given one.

    :raises ModelError: it does better by more than `convert` allows too.
    """

    def score(normalisation: Normalisation) -> float:
        return accuracy(np.nan_to_num(predict(normalisation.apply(sample.images))), sample.labels)

    now = score(given)
    others = {text: score(other) for text, other in candidates(dataset).items() if not _alike(other, given)}
    return judge_normalisation(
        now,
        others,
        lambda best: (
            f"{name!r} classifies {now:.1%} of {len(sample)} test images with this normalisation, but "
            f"{others[best]:.1%} with another"
        ),
    )


def _alike(one: Normalisation, other: Normalisation) -> bool:
    """Whether two normalisations are the same to the four digits in which means and deviations are published."""
    channels = range(max(one.channels, other.channels))
    left, right = (np.asarray([entry.of_channel(channel) for channel in channels]) for entry in (one, other))
    return bool(np.allclose(left * (255.0, 1.0), right * (255.0, 1.0), rtol=1e-3, atol=1e-3))
