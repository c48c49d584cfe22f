"""ADD and SUB with operands' factors of 21 bits and one rounding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgemnist.mismatch.addition import Addition
from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.rounding import Integers
from edgemnist.mismatch.rule import Changes, Rule

_BITS = 20


def _added(of: Addition) -> Integers:
    """Return the sum (XNNPACK ``xnn_init_qs8_add_minmax_scalar_params``): the larger factor is in [2**20, 2**21)."""
    shift = _BITS - (int(np.frexp(max(of.ratios))[1]) - 1)
    first, second = (int(np.rint(np.ldexp(ratio, shift))) for ratio in of.ratios)
    sums = of.operands[0].centred * first + of.sign * of.operands[1].centred * second
    return (sums + (1 << (shift - 1))) >> shift


def _alter(arithmetic: Arithmetic) -> Changes:
    if isinstance(arithmetic, Addition):
        yield "", replace(arithmetic, adding=_added)


RULE = Rule(
    name="addition with 21-bit factors",
    says="scales both operands by factors of 21 bits and rounds their sum once, ties up, as XNNPACK does",
    remedy="nothing is broken: take the runtime's reference kernels where bytes have to agree with the chip's",
    rank=1,
    alter=_alter,
)
