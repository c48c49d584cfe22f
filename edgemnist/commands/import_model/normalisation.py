"""Which normalisation the original was trained with: as named, and whether another one does better."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgemnist.data.base import Dataset, Split
from edgemnist.harness.normalisation import accuracy, judge_normalisation
from edgemnist.support.errors import InputError
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation

_MEAN_AND_DEVIATION = re.compile(r"mean=([^,]+),std=([^,]+)")


def parse_normalisation(text: str) -> Normalisation:
    """Return a usual normalisation by its range, or ``mean=M,std=S`` of pixels in 0..1, as PyTorch's transforms say it.

    :raises InputError: it is neither.
    """
    if text in NORMALISATIONS:
        return NORMALISATIONS[text]
    if found := _MEAN_AND_DEVIATION.fullmatch(text):
        try:
            mean, deviation = (float(number) for number in found.groups())
        except ValueError:
            mean = deviation = math.nan
        if math.isfinite(mean) and math.isfinite(deviation) and deviation > 0:
            return _standardised(mean, deviation)
    raise InputError(
        f"unknown normalisation {text!r}; choose one of {', '.join(NORMALISATIONS)}, or mean=M,std=S of pixels in "
        "0..1, one number each and std above 0, for example mean=0.1307,std=0.3081"
    )


def _standardised(mean: float, deviation: float) -> Normalisation:
    return Normalisation(scale=1.0 / (255.0 * deviation), offset=-mean / deviation)


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
    return bool(np.allclose((one.scale * 255, one.offset), (other.scale * 255, other.offset), rtol=1e-3, atol=1e-3))
