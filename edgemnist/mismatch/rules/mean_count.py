"""A mean divides by a wrong count, or takes the zero point off a wrong number of times."""

from __future__ import annotations

import math
from dataclasses import replace

from edgemnist.mismatch.arithmetic import Arithmetic, Scaled
from edgemnist.mismatch.rule import Changes, Rule
from edgemnist.mismatch.scaled import Average


def _alter(arithmetic: Arithmetic) -> Changes:
    if not isinstance(arithmetic, Scaled) or not isinstance(arithmetic.parts, Average):
        return
    average, shape = arithmetic.parts, arithmetic.operands[0].values.shape
    if arithmetic.operands[0].zero_point:
        yield "the zero point is taken off once", replace(arithmetic, parts=replace(average, taken_off=1))
    sizes = {shape[axis] for axis in average.axes}
    counts = {*sizes, *(size * size for size in sizes), math.prod(shape[1:]), average.count - 1, average.count + 1, 1}
    for count in sorted(counts - {average.count, 0}):
        yield f"divided by {count} instead of {average.count}", replace(arithmetic, parts=replace(average, count=count))


RULE = Rule(
    name="count of a mean",
    says="divides by another count than that of the averaged elements, or takes the zero point off another number of "
    "times",
    remedy="divide by the product of the averaged axes, and take the zero point off for each element",
    rank=2,
    alter=_alter,
)
