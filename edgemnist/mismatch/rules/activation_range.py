"""The fused activation is left out, or its limits are others."""

from __future__ import annotations

from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.rule import Changes, Rule


def _alter(arithmetic: Arithmetic) -> Changes:
    low, high = arithmetic.ending.limits
    zero, (lowest, highest) = arithmetic.ending.zero_point, arithmetic.ending.type_limits
    six = zero + round(6.0 / arithmetic.ending.output_scale)
    others = {
        "left out": (lowest, highest),
        "cut off at the byte 0 instead of the zero point": (0, highest),
        "without its upper limit": (low, highest),
        "without its lower limit": (lowest, high),
        "at the bytes 0 and 6": (0, 6),
        "a ReLU that was not asked for": (max(zero, lowest), highest),
        "a ReLU6 that was not asked for": (max(zero, lowest), min(six, highest)),
        "its upper limit one too low": (low, high - 1),
        "its lower limit one too high": (low + 1, high),
    }
    for detail, limits in others.items():
        if limits != (low, high) and limits[0] <= limits[1]:
            yield detail, arithmetic.with_ending(limits=limits)


RULE = Rule(
    name="activation range",
    says="limits its outputs otherwise than its fused activation does",
    remedy="limit to the quantised bounds of the activation: zero point + bound / output scale",
    rank=2,
    alter=_alter,
    general=True,
)
