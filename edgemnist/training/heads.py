"""How a classifier ends: with a probability for each class, or, for two classes, with the probability of the second."""

from __future__ import annotations

from typing import Any

from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError

SOFTMAX, SIGMOID = "softmax", "sigmoid"
HEADS = (SOFTMAX, SIGMOID)


def outputs_of(head: str, classes: int) -> int:
    """Return how many outputs a head has for so many classes.

    :raises InputError: there is no such head, or a sigmoid is to tell other than two classes apart.
    """
    if head not in HEADS:
        raise unknown("head", head, HEADS)
    if head == SIGMOID and classes != 2:
        raise InputError(
            f"--head {SIGMOID} is one output that tells 2 classes apart, this dataset has {classes}; "
            f"use --head {SOFTMAX}, which is the default"
        )
    return 1 if head == SIGMOID else classes


def activation_of(outputs: int) -> str:
    """Return the activation, by its name in Keras, of a last layer with so many outputs."""
    return SIGMOID if outputs == 1 else SOFTMAX


def class_count(model: Any) -> int:
    """Return how many classes a tf_keras model tells apart: two where it has one output."""
    return max(2, int(model.output_shape[-1]))


def class_probabilities(tensorflow: Any, outputs: Any) -> Any:
    """Return a probability for every class, float32 (batch, classes), of a model's outputs.

    They are that already unless there is one, which is the probability p of the second class: then (1 - p, p).
    """
    return tensorflow.concat([1.0 - outputs, outputs], axis=1) if int(outputs.shape[-1]) == 1 else outputs
