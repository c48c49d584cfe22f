"""The output's zero point is not added, or another."""

from __future__ import annotations

from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.rule import Changes, Rule


def _alter(arithmetic: Arithmetic) -> Changes:
    right = arithmetic.ending.zero_point
    low, high = arithmetic.ending.limits
    for zero_point in dict.fromkeys((0, -right, *arithmetic.input_zero_points, -128, 2 * right)):
        if zero_point != right:
            yield f"{zero_point} instead of {right}", arithmetic.with_ending(zero_point=zero_point)
            if low == right:
                limits = max(zero_point, arithmetic.ending.type_limits[0]), high
                detail = f"{zero_point} instead of {right}, in the activation too"
                yield detail, arithmetic.with_ending(zero_point=zero_point, limits=limits)


RULE = Rule(
    name="output zero point",
    says="adds a wrong zero point to its outputs",
    remedy="add the output's zero point after the requantisation",
    rank=2,
    alter=_alter,
)
