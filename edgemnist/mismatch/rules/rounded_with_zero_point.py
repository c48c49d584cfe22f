"""MEAN adds the zero point before it rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgemnist.mismatch.arithmetic import Arithmetic, Scaled
from edgemnist.mismatch.rounding import Integers, half_away
from edgemnist.mismatch.rule import Changes, Rule
from edgemnist.mismatch.scaled import Average


@dataclass(frozen=True, eq=False)
class _Folded(Scaled):
    """A mean as sum times factor plus one float for both zero points, rounded."""

    average: Average
    rounded: Callable[[Any], Any]

    def outputs(self) -> Integers:
        """Return whole numbers (XNNPACK ``reduce-nd.c``, ``reference-utils.h``)."""
        (part,) = replace(self.average, taken_off=0)(self)
        factor, target = part.factor.single, np.float32(self.ending.zero_point)
        offset = target - np.float32(self.average.count * self.operands[0].zero_point) * factor
        whole = self.rounded(part.values.astype(np.float32) * factor + offset)
        return self.ending.stored(whole.astype(np.int64) - self.ending.zero_point)


def _alter(arithmetic: Arithmetic) -> Changes:
    if isinstance(arithmetic, Scaled) and isinstance(arithmetic.parts, Average):
        roundings: dict[str, Callable[[Any], Any]] = {"halves to even": np.rint, "halves away from zero": half_away}
        for detail, rounded in roundings.items():
            fields = arithmetic.kind, arithmetic.operands, arithmetic.ending, arithmetic.parts
            yield detail, _Folded(*fields, arithmetic.parts, rounded)


RULE = Rule(
    name="rounding after the zero point",
    says="requantises means in single precision and rounds them with the zero point added, as XNNPACK does",
    remedy="nothing is broken: take the runtime's reference kernels where bytes have to agree with the chip's",
    rank=1,
    alter=_alter,
    known_in=("MEAN",),
)
