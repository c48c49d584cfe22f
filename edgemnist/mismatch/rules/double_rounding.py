"""The 64-bit sums of an int16 layer are requantised as an int8 layer's 32-bit ones."""

from __future__ import annotations

from edgemnist.mismatch.rounding import double_rounding
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="32-bit factor, rounded twice",
    says="requantises by a 32-bit multiplier and rounds twice, as for int8, where TFLM, for sums of 64 bits, rounds "
    "once by the multiplier's upper 16 bits",
    remedy="nothing is broken where TFLite does it in FULLY_CONNECTED without a bias; to agree with the chip reduce "
    "the multiplier of int16 layers to 16 bits, (multiplier + 2^15) >> 16",
    rank=1,
    rounding=double_rounding,
    known_in=("FULLY_CONNECTED",),
)
