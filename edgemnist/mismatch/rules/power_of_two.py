"""The factor is taken for a power of two."""

from __future__ import annotations

from edgemnist.mismatch.rounding import power_of_two
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="factor as a power of two",
    says="takes the factor of each channel for the nearest power of two",
    remedy="keep the 32-bit multiplier beside the shift",
    rank=2,
    rounding=power_of_two,
)
