"""Does the import compute what the original does, and how is it given probabilities as outputs?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.import_model.originals import Original, Predict
from edgemnist.data.base import Split
from edgemnist.harness.normalisation import accuracy
from edgemnist.harness.outputs import real_scores
from edgemnist.keras_io.classifier import Built
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import ModelError
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.preprocessing import OutputKind

TOLERANCE = 1e-3
"""Largest difference between original and import, as a share of the largest score (at least of 1).

Float32 in another order of summation makes about 1e-6; a wrong transposition or padding makes more than 1e-2.
"""

BATCH = 100
_PROBABILITY = ("Sigmoid", "HardSigmoid")


@dataclass(frozen=True)
class Comparison:
    """How the import compares with the original, as :class:`ImportResult` has it."""

    compared: int
    max_difference: float
    score_range: tuple[float, float]
    agreement: float
    original_accuracy: float


def predictor(model: Any) -> Predict:
    """Return the function from normalised images (count, height, width, channels) to outputs, in small batches."""
    tensorflow, _ = load_tensorflow()
    run = tensorflow.function(lambda images: model(images, training=False), autograph=False, reduce_retracing=True)

    def predict(images: NDArray[np.float32]) -> NDArray[np.float32]:
        starts = range(0, len(images), BATCH)
        return np.concatenate([np.asarray(run(tensorflow.constant(images[start : start + BATCH]))) for start in starts])

    return predict


def require_finite(path: Path, outputs: NDArray[np.float32]) -> None:
    """Refuse a model whose outputs, shape (count, outputs), are not numbers.

    :raises ModelError: says of how many images.
    """
    broken = int((~np.isfinite(outputs)).any(axis=1).sum())
    if broken:
        raise ModelError(f"{str(path)!r} answers NaN or infinity for {broken} of {len(outputs)} images; train it again")


def gives_probability(built: Built) -> bool:
    """Whether the single output of a model is a probability: the net ends in a sigmoid."""
    return bool(built.replaced) and built.replaced[0] in _PROBABILITY


def compare(original: Original, sample: Split, normalisation: Normalisation) -> Comparison:
    """Return how the import compares with the original on some images.

    :raises ModelError: the original answers NaN or infinity, or the import computes something else.
    """
    inputs = normalisation.apply(sample.images)
    expected, got = original.scores(inputs), predictor(original.built.exact)(inputs)
    path = str(original.path)
    require_finite(original.path, expected)
    if expected.shape != got.shape:
        raise ModelError(f"{path!r} answers {expected.shape} for {len(sample)} images, its import {got.shape}")
    difference = float(np.abs(expected - got).max())
    allowed = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not difference <= allowed:
        raise ModelError(
            f"the import of {path!r} differs from the original by up to {difference:.3g} (allowed: {allowed:.3g}) on "
            f"{len(sample)} images by {original.engine}, so it was not kept; please report it with the file"
        )
    kind = OutputKind.ONE_PROBABILITY if gives_probability(original.built) else OutputKind.ONE_SCORE
    columns = [real_scores(one, kind) for one in (expected, got)]
    return Comparison(
        compared=len(sample),
        max_difference=difference,
        score_range=(float(expected.min()), float(expected.max())),
        agreement=float((columns[0].argmax(axis=1) == columns[1].argmax(axis=1)).mean()),
        original_accuracy=accuracy(columns[0], sample.labels),
    )


def with_probabilities(built: Built, sample: Split, normalisation: Normalisation) -> tuple[Any, str]:
    """Return the model with probabilities as output, and what was done for that, for people."""
    layers = load_tensorflow()[1].layers
    if built.exact.output_shape[1] == 1:
        if gives_probability(built):
            return built.exact, "the probability of the second class, as the original gives it"
        return _with(layers.Activation("sigmoid", name="probability"), built), (
            "sigmoid appended: the original gives one score, above 0 for the second class"
        )
    scores = predictor(built.scores)(normalisation.apply(sample.images))
    sums_to_one = np.allclose(scores.sum(axis=1), 1.0, atol=1e-3)
    if sums_to_one and scores.min() >= 0.0:
        said = f"probabilities already; {' and '.join(built.replaced)} after them left out" if built.replaced else ""
        return built.scores, said or "probabilities, as the original gives them"
    model = _with(layers.Softmax(name="probabilities"), built)
    if built.replaced:
        return model, f"softmax in place of {' and '.join(reversed(built.replaced))}, which keeps the order of classes"
    return model, "softmax appended: the original gives logits"


def _with(layer: Any, built: Built) -> Any:
    return load_tensorflow()[1].Model(built.scores.input, layer(built.scores.output))
