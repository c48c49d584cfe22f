"""Sums have 16 bits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgemnist.mismatch.layers import Layer, Sums
from edgemnist.mismatch.rounding import Integers
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    values = layer.sums.values
    yield "the upper bits lost", replace(layer, sums=_given(layer.sums, values.astype(np.int16)))
    yield "limited", replace(layer, sums=_given(layer.sums, np.clip(values, -32768, 32767)))


def _given(sums: Sums, values: Integers) -> Sums:
    """Return the same with other values than it would have."""
    changed = replace(sums)
    changed.__dict__["values"] = values.astype(np.int64)
    return changed


RULE = Rule(
    name="16-bit sums",
    says="adds up in 16 bits",
    remedy="add products up in an int32_t",
    rank=2,
    change=_change,
)
