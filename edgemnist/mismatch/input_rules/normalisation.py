"""Pixels are normalised to another range."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.harness.candidates import plausible_normalisations
from edgemnist.mismatch.fed import Feeding, InputRule
from edgemnist.tflite.normalisation import normalisation_name


def _arrange(feeding: Feeding) -> Iterator[tuple[str, Feeding]]:
    right = feeding.preprocessing
    for name, other in plausible_normalisations(feeding.all_pixels, bgr=right.bgr).items():
        if not other.is_like(right.normalisation):
            yield f"{name} instead of {normalisation_name(right.normalisation)}", feeding.fed(normalisation=other)


RULE = InputRule(
    name="range of pixels",
    says="brings its pixels to another range",
    remedy="normalise pixels as the model was trained: see --normalisation",
    rank=1,
    arrange=_arrange,
)
