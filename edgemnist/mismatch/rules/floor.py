"""Requantised sums are rounded down."""

from __future__ import annotations

from edgemnist.mismatch.rounding import floored
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="no rounding before the shift",
    says="shifts right without adding half, which rounds down",
    remedy="add 1 << (shift - 1) before the shift",
    rank=2,
    rounding=floored,
)
