"""ADD and SUB of int16 shift their operands as those of int8."""

from __future__ import annotations

from dataclasses import replace

from edgemnist.compiler.ops.arithmetic import LEFT_SHIFT
from edgemnist.mismatch.addition import Addition
from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.rule import Changes, Rule
from edgemnist.mismatch.wide import ADDITION_SHIFT


def _alter(arithmetic: Arithmetic) -> Changes:
    if isinstance(arithmetic, Addition):
        for shift in (ADDITION_SHIFT, LEFT_SHIFT):
            if shift != arithmetic.shift:
                yield f"{shift} bits instead of {arithmetic.shift}", replace(arithmetic, shift=shift)


RULE = Rule(
    name="shift of an addition",
    says="shifts its operands up by another number of bits before they are scaled",
    remedy=f"shift by {ADDITION_SHIFT} bits for int16, by {LEFT_SHIFT} for int8",
    rank=2,
    alter=_alter,
)
