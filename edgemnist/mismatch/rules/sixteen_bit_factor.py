"""The factor has 16 bits."""

from __future__ import annotations

from edgemnist.mismatch.rounding import sixteen_bit_factor
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="16-bit factor",
    says="keeps only 16 bits of the multiplier",
    remedy="keep the 32-bit multiplier; only with a 64-bit bias does TFLM keep 16 bits of it",
    rank=2,
    rounding=sixteen_bit_factor,
)
