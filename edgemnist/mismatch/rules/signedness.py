"""Signed bytes are read as unsigned ones, or the other way round."""

from __future__ import annotations

from edgemnist.mismatch.arithmetic import Arithmetic, OfOperands
from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    sums, (mask, half) = layer.sums, _bits(layer)
    yield "inputs as unsigned bytes", layer.with_sums(images=sums.images & mask)
    yield "weights as unsigned bytes", layer.with_sums(weights=sums.weights & 255)
    yield f"inputs with {half} added", layer.with_sums(images=sums.images + half)
    yield "inputs with their upper bit turned over", layer.with_sums(images=(sums.images & mask) - half)


def _alter(arithmetic: Arithmetic) -> Changes:
    mask, _ = _bits(arithmetic)
    if isinstance(arithmetic, OfOperands):
        for position, operand in enumerate(arithmetic.operands):
            yield f"input {position} as unsigned bytes", arithmetic.with_operand(position, values=operand.values & mask)


def _bits(arithmetic: Arithmetic) -> tuple[int, int]:
    """Return all bits of the type as a number, and its upper bit."""
    low, high = arithmetic.ending.type_limits
    return high - low, -low


RULE = Rule(
    name="signed as unsigned",
    says="takes signed values for unsigned ones",
    remedy="declare them int8_t or int16_t: plain char is unsigned on Arm",
    rank=2,
    change=_change,
    alter=_alter,
)
