"""Requantisation in single precision, halves away from zero."""

from __future__ import annotations

from edgemnist.mismatch.rounding import float_half_away
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="float requantisation, halves away from zero",
    says="requantises in single precision and rounds halves away from zero, as roundf() does",
    remedy="replace the float factor by a 32-bit multiplier and shift where bytes have to agree",
    rank=2,
    rounding=float_half_away,
)
