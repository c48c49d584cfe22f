"""The bias is left out, or another channel's."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rounding import Integers
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
    if layer.ending.type_limits[1] > np.iinfo(np.int8).max:
        others |= _of_other_words(bias)
    for detail, other in others.items():
        if not np.array_equal(other, bias):
            yield detail, layer.with_sums(bias=other)


def _of_other_words(bias: Integers) -> dict[str, Integers]:
    """Return the bias of an int16 layer read in words of another size; what lies behind its end is taken for 0."""
    ones = np.frombuffer(bias.astype("<i4").tobytes() + bytes(4 * (len(bias) % 2)), "<i8")
    wide = np.zeros_like(bias)
    wide[: len(ones)] = ones
    return {
        "cut to 32 bits": bias.astype(np.int32).astype(np.int64),
        "its 64-bit words read as 32-bit ones": np.frombuffer(bias.tobytes(), "<i4")[: len(bias)].astype(np.int64),
        "its 32-bit words read as 64-bit ones, beyond its end too": wide,
    }


RULE = Rule(
    name="bias",
    says="adds another bias than the file's",
    remedy="add each channel's bias once, in words of the size that the file has, before the requantisation",
    rank=2,
    change=_change,
)
