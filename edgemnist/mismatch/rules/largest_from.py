"""A max pool starts from another value than the lowest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgemnist.mismatch.arithmetic import Arithmetic, Scaled
from edgemnist.mismatch.pools import Largest
from edgemnist.mismatch.rule import Changes, Rule


def _alter(arithmetic: Arithmetic) -> Changes:
    if not isinstance(arithmetic, Scaled) or not isinstance(arithmetic.parts, Largest):
        return
    (source,) = arithmetic.operands
    for start in dict.fromkeys((0, source.zero_point)):
        higher = source.__class__(np.maximum(source.values, start), source.zero_point, source.scale)
        parts = replace(arithmetic.parts, fill=start)
        yield f"{start} is the least", replace(arithmetic, operands=(higher,), parts=parts)
        if not parts.geometry.windows_lie_inside:
            yield f"the border counts as {start}", replace(arithmetic, parts=parts)


RULE = Rule(
    name="start of a max pool",
    says="starts the search for the largest element from another value than the type's lowest",
    remedy="start from -128, and leave the border out",
    rank=2,
    alter=_alter,
)
