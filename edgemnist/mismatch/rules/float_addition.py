"""ADD and SUB in floating point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from edgemnist.mismatch.addition import Addition
from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.rounding import Integers, half_away
from edgemnist.mismatch.rule import Changes, Rule

_ROUNDINGS: dict[str, Callable[[Any], Any]] = {
    "halves to even": np.rint,
    "halves away from zero": half_away,
    "cut off towards zero": np.trunc,
    "rounded down": np.floor,
}


def _alter(arithmetic: Arithmetic) -> Changes:
    if not isinstance(arithmetic, Addition):
        return
    for detail, rounded in _ROUNDINGS.items():

        def adding(of: Addition, rounded: Callable[[Any], Any] = rounded) -> Integers:
            whole: Integers = rounded(of.real).astype(np.int64)
            return whole

        yield detail, replace(arithmetic, adding=adding)


RULE = Rule(
    name="addition in floating point",
    says="adds its operands as floats and rounds their sum once",
    remedy="scale both operands to twice the larger scale with 32-bit multipliers where bytes have to agree",
    rank=2,
    alter=_alter,
)
