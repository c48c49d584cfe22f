"""Signed bytes are read as unsigned ones, or the other way round."""

from __future__ import annotations

from edgemnist.mismatch.arithmetic import Arithmetic, OfOperands
from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    sums = layer.sums
    yield "inputs as unsigned bytes", layer.with_sums(images=sums.images & 255)
    yield "weights as unsigned bytes", layer.with_sums(weights=sums.weights & 255)
    yield "inputs with 128 added", layer.with_sums(images=sums.images + 128)
    yield "inputs with their upper bit turned over", layer.with_sums(images=((sums.images + 256) & 255) - 128)


def _alter(arithmetic: Arithmetic) -> Changes:
    if isinstance(arithmetic, OfOperands):
        for position, operand in enumerate(arithmetic.operands):
            yield f"input {position} as unsigned bytes", arithmetic.with_operand(position, values=operand.values & 255)


RULE = Rule(
    name="signed as unsigned",
    says="takes signed bytes for unsigned ones",
    remedy="declare them int8_t: plain char is unsigned on Arm",
    rank=2,
    change=_change,
    alter=_alter,
)
