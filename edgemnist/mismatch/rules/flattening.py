"""An image is flattened channel by channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rule import Changes, Rule


def _compute(case: Case) -> Predictions:
    values = case.operands[0] if case.operands else None
    if case.kind != "RESHAPE" or values is None or values.ndim != 5:
        return
    for detail, moved in _orders(values[:, 0]):
        yield Prediction(moved.reshape(case.sample.oracle.shape), detail)


def _change(layer: Layer) -> Changes:
    height, width, channels = layer.fed or (0, 0, 0)
    if layer.sums.kind != "FULLY_CONNECTED" or not height * width * channels:
        return
    if layer.sums.images[0].size != height * width * channels:
        return
    images = layer.sums.images.reshape(-1, height, width, channels)
    for detail, moved in _orders(images):
        yield detail, layer.with_sums(images=np.ascontiguousarray(moved).reshape(layer.sums.images.shape))


def _orders(images: NDArray[Any]) -> list[tuple[str, NDArray[Any]]]:
    """Return other readings of (images, height, width, channels), flattened."""
    count, height, width, channels = images.shape
    if channels == 1 or height * width == 1:
        return []
    planes = images.reshape(count, channels, height, width).transpose(0, 2, 3, 1)
    return [
        ("channel by channel (NCHW)", images.transpose(0, 3, 1, 2).reshape(count, -1)),
        ("as if it lay channel by channel (NCHW)", planes.reshape(count, -1)),
        ("column by column", images.transpose(0, 2, 1, 3).reshape(count, -1)),
    ]


RULE = Rule(
    name="order of a flattened image",
    says="reads the image that was flattened in another order of the axes",
    remedy="flatten in the order height, width, channel, or permute the dense layer's weights to the other order",
    rank=2,
    compute=_compute,
    change=_change,
)
