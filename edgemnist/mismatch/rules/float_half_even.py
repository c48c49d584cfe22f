"""Requantisation in single precision, halves to even."""

from __future__ import annotations

from edgemnist.mismatch.rounding import float_half_even
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="float requantisation",
    says="requantises in single precision and rounds halves to even, as XNNPACK does",
    remedy="nothing is broken: take the runtime's reference kernels where bytes have to agree with the chip's",
    rank=1,
    rounding=float_half_even,
    known_in=("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "MUL"),
)
