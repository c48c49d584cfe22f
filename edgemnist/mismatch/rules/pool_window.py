"""An average pool counts its border."""

from __future__ import annotations

from dataclasses import replace

from edgemnist.mismatch.arithmetic import Arithmetic, Scaled
from edgemnist.mismatch.pools import Windows
from edgemnist.mismatch.rule import Changes, Rule


def _alter(arithmetic: Arithmetic) -> Changes:
    if not isinstance(arithmetic, Scaled) or not isinstance(arithmetic.parts, Windows):
        return
    if arithmetic.parts.geometry.windows_lie_inside:
        return
    for fill in dict.fromkeys((0, arithmetic.ending.zero_point)):
        parts = replace(arithmetic.parts, whole=True, fill=fill)
        yield f"the border counts as {fill}", replace(arithmetic, parts=parts)


RULE = Rule(
    name="pool over the border",
    says="divides by the size of the whole window also where it hangs over the border",
    remedy="divide by the number of elements inside the image (count_include_pad=False)",
    rank=2,
    alter=_alter,
)
