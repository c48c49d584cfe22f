"""Activations by name: which tf_keras has under it, and what the others are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgemnist.keras_io.tensorflow import load_tensorflow

Naming = Callable[[str], str]

SAME = {
    name: name
    for name in (
        "linear", "relu", "sigmoid", "tanh", "softmax", "elu", "selu", "softplus", "softsign", "exponential", "gelu",
        "swish", "mish",
    )
} | {"silu": "swish"}  # fmt: skip
"""Names in Keras 2 and 3 for what tf_keras computes alike, and tf_keras's own."""

MADE = ("relu6", "leaky_relu", "hard_sigmoid", "hard_silu", "hard_swish", "log_softmax")
"""Names in Keras 3 of what is made of other layers."""


def activated(name: str, tensor: Any, unique: Naming, slope: float = 0.2, axis: int = -1) -> Any:
    """Return an activation of Keras 3 on a tensor; ``slope`` is that of leaky_relu below zero.

    :raises KeyError: it is in neither table.
    """
    tensorflow, keras = load_tensorflow()
    layers = keras.layers
    if name == "softmax":
        return layers.Softmax(axis=axis, name=unique("softmax"))(tensor)
    if name == "relu":
        return layers.ReLU(name=unique("relu"))(tensor)
    if name == "relu6":
        return layers.ReLU(6.0, name=unique("relu6"))(tensor)
    if name == "leaky_relu":
        return layers.LeakyReLU(slope, name=unique("leaky_relu"))(tensor)
    if name == "hard_sigmoid":
        return _hard_sigmoid(tensor, unique)
    if name in ("hard_silu", "hard_swish"):
        return layers.Multiply(name=unique("hard_swish"))([tensor, _hard_sigmoid(tensor, unique)])
    if name == "log_softmax":
        return tensorflow.nn.log_softmax(tensor, axis=axis)
    return layers.Activation(SAME[name], name=unique(name))(tensor)


def _hard_sigmoid(tensor: Any, unique: Naming) -> Any:
    # relu6(x + 3) / 6 is the form in which the converter finds HARD_SWISH.
    return load_tensorflow()[1].layers.ReLU(6.0, name=unique("relu6"))(tensor + 3.0) * (1.0 / 6.0)
