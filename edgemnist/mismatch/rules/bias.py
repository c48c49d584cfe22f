"""The bias is left out, or another channel's."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    bias = layer.sums.bias
    if not bias.any():
        return
    others = {
        "left out": np.zeros_like(bias),
        "of the channel before": np.roll(bias, 1),
        "of the channel behind": np.roll(bias, -1),
        "the first channel's for all": np.full_like(bias, bias[0]),
        "cut to 16 bits": bias.astype(np.int16).astype(np.int64),
        "cut to 8 bits": bias.astype(np.int8).astype(np.int64),
        "added twice": 2 * bias,
        "with its bytes in the opposite order": bias.astype(np.int32).byteswap().astype(np.int64),
        "subtracted": -bias,
    }
    for detail, other in others.items():
        if not np.array_equal(other, bias):
            yield detail, layer.with_sums(bias=other)


RULE = Rule(
    name="bias",
    says="adds another bias than the file's",
    remedy="add each channel's 32-bit bias once, before the requantisation",
    rank=2,
    change=_change,
)
