"""Sums of an int16 layer have 32 bits."""

from __future__ import annotations

import numpy as np

from edgemnist.compiler.fixedpoint import INT32_MAX, INT32_MIN, wrap_int32
from edgemnist.mismatch.layers import Layer, with_values
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    values = layer.sums.values
    if values.size == 0 or (values.min() >= INT32_MIN and values.max() <= INT32_MAX):
        return
    yield "the upper bits lost", with_values(layer, wrap_int32(values))
    yield "limited", with_values(layer, np.clip(values, INT32_MIN, INT32_MAX))


RULE = Rule(
    name="32-bit sums",
    says="adds up in 32 bits, which do not hold all sums of int16 activations",
    remedy="add products up in an int64_t where the bias has 64 bits",
    rank=2,
    change=_change,
)
