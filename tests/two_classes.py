"""A net that tells two classes apart by one output."""

from __future__ import annotations

import numpy as np

from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.model_builder import ModelBuilder


def two_class_net(*, probability: bool, shape: tuple[int, ...] = (1, 4, 4, 1)) -> TfliteModel:
    """Return a net that takes a bright picture for class 1: one output, which is its probability or a score."""
    builder = ModelBuilder()
    image, elements = builder.input(shape, 1 / 255, -128), int(np.prod(shape))
    shape_tensor = builder.constant([1, elements], dtype="int32")
    flat = builder.op("RESHAPE", [image, shape_tensor], (1, elements), 1 / 255, -128, new_shape=[1, elements])
    weights = builder.constant(np.full((1, elements), 20), scale=1 / 64)
    bias = builder.constant(np.full(1, -20 * elements * 128), scale=1 / 255 / 64, dtype="int32")
    score = builder.op("FULLY_CONNECTED", [flat, weights, bias], (1, 1), 1 / 16, 3)
    result = builder.op("LOGISTIC", [score], (1, 1), 1 / 256, -128) if probability else score
    return parse_tflite(builder.finish([result]))
