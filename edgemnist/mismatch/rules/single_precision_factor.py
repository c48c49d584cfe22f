"""The factor is computed in single precision."""

from __future__ import annotations

from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.rounding import single_precision, single_product
from edgemnist.mismatch.rule import Changes, Rule


def _alter(arithmetic: Arithmetic) -> Changes:
    yield "", arithmetic.with_ending(form=single_precision)
    yield "the product of the scales only", arithmetic.with_ending(form=single_product)


RULE = Rule(
    name="factor in single precision",
    says="computes the factor from the scales in single precision, as TFLite does in PRELU and in MUL of int16",
    remedy="nothing is broken: ties fall differently; compute the factor in double precision where bytes have to agree",
    rank=1,
    alter=_alter,
    known_in=("PRELU",),
)
