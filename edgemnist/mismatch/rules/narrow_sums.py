"""Sums have 16 bits."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.layers import Layer, with_values
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    values = layer.sums.values
    yield "the upper bits lost", with_values(layer, values.astype(np.int16))
    yield "limited", with_values(layer, np.clip(values, -32768, 32767))


RULE = Rule(
    name="16-bit sums",
    says="adds up in 16 bits",
    remedy="add products up in an int32_t",
    rank=2,
    change=_change,
)
