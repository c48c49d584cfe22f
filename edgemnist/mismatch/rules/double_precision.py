"""Requantisation in double precision."""

from __future__ import annotations

from edgemnist.mismatch.rounding import double_precision
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="requantisation in double precision",
    says="requantises in double precision to the nearest whole number, halves away from zero, as LiteRT's reference "
    "kernels do in FULLY_CONNECTED",
    remedy="nothing is broken: replace the factor by a 32-bit multiplier and shift where bytes have to agree",
    rank=1,
    rounding=double_precision,
    known_in=("FULLY_CONNECTED",),
)
