"""A pool of the other kind."""

from __future__ import annotations

from dataclasses import replace

from edgemnist.mismatch.arithmetic import Arithmetic, Scaled
from edgemnist.mismatch.pools import Largest, Windows
from edgemnist.mismatch.rounding import nearest_quotient
from edgemnist.mismatch.rule import Changes, Rule


def _alter(arithmetic: Arithmetic) -> Changes:
    if not isinstance(arithmetic, Scaled):
        return
    if isinstance(arithmetic.parts, Largest):
        average = replace(arithmetic, parts=Windows(arithmetic.parts.geometry))
        yield "the average for the largest", average.with_ending(rounding=nearest_quotient)
    if isinstance(arithmetic.parts, Windows):
        lowest = arithmetic.ending.type_limits[0]
        yield "the largest for the average", replace(arithmetic, parts=Largest(arithmetic.parts.geometry, lowest))


RULE = Rule(
    name="pool of the other kind",
    says="takes the average for the largest element, or the other way round",
    remedy="look which pool is registered",
    rank=2,
    alter=_alter,
)
