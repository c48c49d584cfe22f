"""Operators of ``ai.onnx.ml`` as scikit-learn's converter writes them; linear classifiers are a Gemm by now."""

from __future__ import annotations

import numpy as np

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.registry import Use, operator
from edgemnist.onnx.values import Value, plain


@operator("ai.onnx.ml.Scaler")
def scale(use: Use) -> Value:
    """Return ``(x - offset) * scale``, each feature its own."""
    value = use.value()
    tensorflow, _ = load_tensorflow()
    factor, offset = (
        value.arranged(np.asarray(use.attribute(name), np.float32).reshape(1, -1)) for name in ("scale", "offset")
    )
    return value.like((value.tensor - offset) * tensorflow.constant(factor))


@operator("ai.onnx.ml.Normalizer")
def normalise(use: Use) -> Value:
    """Return each row divided by the sum of its absolute values."""
    use.require("norm", "L1")
    value = plain(use.value())
    tensorflow, _ = load_tensorflow()
    total = tensorflow.reduce_sum(tensorflow.abs(value.tensor), axis=-1, keepdims=True)
    return value.like(tensorflow.divide(value.tensor, total))
