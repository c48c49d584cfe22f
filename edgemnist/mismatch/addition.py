"""The arithmetic of ADD and SUB, which scale both operands before they add them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgemnist.compiler.fixedpoint import wrap_int32
from edgemnist.compiler.ops.arithmetic import LEFT_SHIFT
from edgemnist.mismatch.arithmetic import Ending, OfOperands, Operand
from edgemnist.mismatch.case import Case
from edgemnist.mismatch.rounding import Integers, factor_of
from edgemnist.mismatch.scaled import ending_of, operands_of
from edgemnist.mismatch.wide import ADDITION_SHIFT

Adding = Callable[["Addition"], Integers]


@dataclass(frozen=True, eq=False)
class Addition(OfOperands):
    """ADD (``sign`` 1) or SUB (-1) of two operands. ``adding`` makes of them what the zero point is added to."""

    operands: tuple[Operand, Operand]
    sign: int
    ending: Ending
    adding: Adding
    shift: int = LEFT_SHIFT
    """By how many bits both operands are shifted up."""

    def outputs(self) -> Integers:
        """See :class:`Arithmetic`."""
        return self.ending.stored(self.adding(self))

    @property
    def ratios(self) -> tuple[np.float32, np.float32]:
        """Each operand's scale over the output's, in single precision."""
        first, second = (np.float32(one.scale) / np.float32(self.ending.output_scale) for one in self.operands)
        return np.float32(first), np.float32(second)

    @property
    def real(self) -> Any:
        """The sum in units of the output, in single precision."""
        first, second = (
            one.centred.astype(np.float32) * ratio for one, ratio in zip(self.operands, self.ratios, strict=True)
        )
        return first + np.float32(self.sign) * second


def three_roundings(of: Addition) -> Integers:
    """Add as TFLM does: both operands shifted up and scaled to twice the larger scale, then their sum."""
    first, second = of.operands
    twice = 2 * max(first.scale, second.scale)
    a, b = (
        of.ending.requantised(wrap_int32(one.centred << of.shift), factor_of(one.scale, 1.0, twice))
        for one in (first, second)
    )
    return of.ending.requantised(a + of.sign * b, factor_of(twice, 1.0, (1 << of.shift) * of.ending.output_scale))


def addition_of(case: Case) -> Addition:
    """Return the arithmetic of an ADD or SUB as the oracle has it."""
    first, second = operands_of(case, 2)
    sign = 1 if case.kind == "ADD" else -1
    shift = ADDITION_SHIFT if case.output.dtype == "int16" else LEFT_SHIFT
    return Addition((first, second), sign, ending_of(case, "fused_activation_function"), three_roundings, shift)
