"""The slope of a leaky ReLU is another, or lies on the other side."""

from __future__ import annotations

from dataclasses import replace

from edgemnist.mismatch.arithmetic import Arithmetic, Scaled
from edgemnist.mismatch.rule import Changes, Rule
from edgemnist.mismatch.scaled import Slope


def _alter(arithmetic: Arithmetic) -> Changes:
    if not isinstance(arithmetic, Scaled) or not isinstance(arithmetic.parts, Slope):
        return
    alpha = arithmetic.parts.alpha
    others = {
        "on the positive side": Slope(1.0, alpha),
        "on both sides": Slope(alpha, alpha),
        "left out, as a ReLU": Slope(0.0),
        "taken for 1": Slope(1.0),
        "its sign turned": Slope(-alpha),
    }
    others |= {f"{slope:g} instead of {alpha:g}": Slope(slope) for slope in (0.01, 0.1, 0.2, 0.3)}
    for detail, parts in others.items():
        if parts != arithmetic.parts:
            yield detail, replace(arithmetic, parts=parts)


RULE = Rule(
    name="slope of a leaky ReLU",
    says="multiplies other elements by alpha than the negative ones, or by another alpha",
    remedy="take alpha from the file, for elements below the input's zero point",
    rank=2,
    alter=_alter,
)
