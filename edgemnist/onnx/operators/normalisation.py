"""Normalisation over the last axes, and the smooth activation that stands beside it in transformers."""

from __future__ import annotations

import numpy as np

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.registry import Use, operator
from edgemnist.onnx.values import RefusedError, Value, layers, plain


@operator("LayerNormalization")
def layer_normalisation(use: Use) -> Value:
    """Return values less their mean, over their standard deviation, along the last axes, scaled and shifted."""
    value = plain(use.value())
    first = use.attribute("axis", -1) % value.rank
    if first == 0:
        raise RefusedError("normalises over the batch; the images of a batch have to stay apart")
    if any(use.node.outputs[1:]):
        raise RefusedError("also gives mean and deviation; only the normalised values")
    shape = value.shape[first - 1 :]
    bias = use.constant(2)
    parts = [np.broadcast_to(one, shape) for one in (use.weights(1), bias) if one is not None]
    layer = layers().LayerNormalization(
        axis=list(range(first, value.rank)), epsilon=use.attribute("epsilon", 1e-5), center=bias is not None
    )
    result = layer(value.tensor)
    layer.set_weights(parts)
    return Value(result)


@operator("Gelu")
def gelu(use: Use) -> Value:
    """Return ``x`` times the normal distribution's share below it, or what comes near that by a tanh."""
    value, approximate = use.value(), use.attribute("approximate", "none")
    use.require("approximate", "none", "tanh")
    return value.like(load_tensorflow()[0].nn.gelu(value.tensor, approximate=approximate == "tanh"))
