"""The weights are read in another order."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rounding import Integers
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    weights = layer.sums.weights
    orders = _depthwise(weights) if layer.sums.kind == "DEPTHWISE_CONV_2D" else _convolution(weights)
    for detail, other in orders.items():
        if other.shape == weights.shape and not np.array_equal(other, weights):
            yield detail, layer.with_sums(weights=np.ascontiguousarray(other))


def _convolution(weights: Integers) -> dict[str, Integers]:
    """Return other readings of (out, height, width, in)."""
    out, height, width, channels = weights.shape
    flat = weights.reshape(-1)
    return {
        "transposed (inputs and outputs exchanged)": flat.reshape(height, width, channels, out).transpose(3, 0, 1, 2),
        "height and width exchanged": weights.transpose(0, 2, 1, 3),
        "the kernel's memory read as width, height": flat.reshape(out, width, height, channels).transpose(0, 2, 1, 3),
        "upside down and mirrored (a true convolution)": weights[:, ::-1, ::-1],
        "upside down": weights[:, ::-1],
        "mirrored": weights[:, :, ::-1],
        "channels first": flat.reshape(out, channels, height, width).transpose(0, 2, 3, 1),
        "input channels in the opposite order": weights[..., ::-1],
        "output channels in the opposite order": weights[::-1],
    }


def _depthwise(weights: Integers) -> dict[str, Integers]:
    """Return other readings of (height, width, out)."""
    height, width, out = weights.shape
    flat = weights.reshape(-1)
    return {
        "height and width exchanged": weights.transpose(1, 0, 2),
        "the kernel's memory read as width, height": flat.reshape(width, height, out).transpose(1, 0, 2),
        "upside down and mirrored (a true convolution)": weights[::-1, ::-1],
        "upside down": weights[::-1],
        "mirrored": weights[:, ::-1],
        "channels first": flat.reshape(out, height, width).transpose(1, 2, 0),
        "channels in the opposite order": weights[..., ::-1],
    }


RULE = Rule(
    name="order of the weights",
    says="reads its weights in another order than the file's",
    remedy="TFLite's order is output, height, width, input for CONV_2D, height, width, channel for DEPTHWISE_CONV_2D, "
    "output, input for FULLY_CONNECTED",
    rank=2,
    change=_change,
)
