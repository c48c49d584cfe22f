"""What a model's outputs say: scores of every class, whether it has an output for each or one value for two."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.runner.run import LoadedModel
from edgemnist.tflite.derived import output_kind
from edgemnist.tflite.file import Quantisation
from edgemnist.tflite.pixels import dequantise
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing


def class_scores(outputs: NDArray[Any], model: LoadedModel, kind: OutputKind = OutputKind.UNKNOWN) -> NDArray[Any]:
    """Return one score for each class, shape (count, classes), whose highest is the class; of equals the lowest index.

    :param outputs: as the runtime gave them, shape (count, outputs). Several outputs are returned as they are. One is
        how far it lies above its middle: 0.5 for a probability, 0 for what a sigmoid would still have to be taken of.
    :param kind: what the outputs are; UNKNOWN is what the file says, else a probability if all values are such.
    """
    if outputs.shape[1] != 1:
        return outputs
    return real_scores(dequantise(outputs, _quantisation(model)), _told(model, kind))


def real_scores(real: NDArray[Any], kind: OutputKind) -> NDArray[Any]:
    """Return what :func:`class_scores` does of outputs as real numbers, shape (count, outputs)."""
    if real.shape[1] != 1:
        return real
    above = real - (0.5 if _is_probability(real, kind) else 0.0)
    return np.concatenate([np.zeros_like(above), above], axis=1)


def probabilities(outputs: NDArray[Any], model: LoadedModel, preprocessing: Preprocessing) -> NDArray[np.float64]:
    """Return class probabilities, shape (count, classes): the outputs where they are such, else what they come to.

    ``outputs``: as the runtime gave them, shape (count, outputs).
    """
    return real_probabilities(dequantise(outputs, _quantisation(model)), _told(model, preprocessing.output))


def real_probabilities(outputs: NDArray[np.float32], kind: OutputKind) -> NDArray[np.float64]:
    """Return what :func:`probabilities` does of outputs as real numbers, shape (count, outputs)."""
    real = outputs.astype(np.float64)
    if real.shape[1] == 1:
        second = real if _is_probability(real, kind) else 1.0 / (1.0 + np.exp(-np.clip(real, -500, 500)))
        return np.concatenate([1.0 - second, second], axis=1)
    if kind is OutputKind.PROBABILITIES or (kind is OutputKind.UNKNOWN and _look_like_probabilities(real)):
        return real
    powers = np.exp(real - real.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def _quantisation(model: LoadedModel) -> Quantisation | None:
    return model.tflite.output().quantisation if model.tflite else None


def _told(model: LoadedModel, kind: OutputKind) -> OutputKind:
    return output_kind(model.tflite) if model.tflite and kind is OutputKind.UNKNOWN else kind


def _is_probability(real: NDArray[np.floating[Any]], kind: OutputKind) -> bool:
    if kind in (OutputKind.ONE_PROBABILITY, OutputKind.PROBABILITIES):
        return True
    return kind not in (OutputKind.ONE_SCORE, OutputKind.SCORES) and bool(((real >= 0) & (real <= 1)).all())


def _look_like_probabilities(real: NDArray[np.float64]) -> bool:
    # Ten quantised probabilities may each be off by half of 1/256.
    return bool((real >= 0).all() and (abs(real.sum(axis=1) - 1) < 0.002 * real.shape[1] + 0.01).all())
