"""The 64-bit product is rounded once."""

from __future__ import annotations

from edgemnist.mismatch.rounding import single_rounding
from edgemnist.mismatch.rule import Rule

RULE = Rule(
    name="single rounding",
    says="rounds once, the 64-bit product by one shift, where TFLM rounds twice",
    remedy="nothing is broken: where both have to agree, build both with the same rounding (TFLITE_SINGLE_ROUNDING), "
    "or generate C with --rounding tflite",
    rank=1,
    rounding=single_rounding,
)
