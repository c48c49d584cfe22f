"""Requantised sums are cut off towards zero."""

from __future__ import annotations

from edgemnist.mismatch.rounding import truncated
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="truncation",
    says="cuts the fraction off towards zero instead of rounding",
    remedy="round before the cast to an integer",
    rank=2,
    rounding=truncated,
)
