"""The input's zero point is not taken off, or another."""

from __future__ import annotations

from edgemnist.mismatch.arithmetic import Arithmetic, OfOperands
from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rule import Changes, Rule


def _change(layer: Layer) -> Changes:
    right = layer.sums.zero_point
    for zero_point in (0, -right, layer.ending.zero_point, -128, 128):
        if zero_point == right:
            continue
        for fill in dict.fromkeys((right, zero_point)):
            detail = f"{zero_point} instead of {right}"
            if layer.sums.geometry.windows_lie_inside:
                yield detail, layer.with_sums(zero_point=zero_point)
                break
            yield f"{detail}, the border {fill}", layer.with_sums(zero_point=zero_point, fill=fill)


def _alter(arithmetic: Arithmetic) -> Changes:
    if not isinstance(arithmetic, OfOperands):
        return
    right, target = arithmetic.input_zero_points, arithmetic.ending.zero_point
    for position, here in enumerate(right):
        for zero_point in dict.fromkeys((0, -here, *right, target, -128, 128)):
            if zero_point != here:
                detail = f"{zero_point} instead of {here}" + (f" for input {position}" if len(right) > 1 else "")
                yield detail, arithmetic.with_operand(position, zero_point=zero_point)
    if len(right) > 1 and all(right):
        yield "0 for both", arithmetic.with_operand(0, zero_point=0).with_operand(1, zero_point=0)


RULE = Rule(
    name="input zero point",
    says="takes a wrong zero point off its inputs",
    remedy="subtract the input's zero point from every input, or fold it into the bias",
    rank=2,
    change=_change,
    alter=_alter,
)
