"""ADD and SUB leave scales out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edgemnist.mismatch.addition import Addition
from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.rounding import Integers, factor_of
from edgemnist.mismatch.rule import Changes, Rule


def _bytes(of: Addition) -> Integers:
    return of.operands[0].values + of.sign * of.operands[1].values - of.ending.zero_point


def _centred(of: Addition) -> Integers:
    return of.operands[0].centred + of.sign * of.operands[1].centred


def _through(position: int) -> Callable[[Addition], Integers]:
    def adding(of: Addition) -> Integers:
        return of.ending.requantised(_centred(of), factor_of(of.operands[position].scale, 1.0, of.ending.output_scale))

    return adding


def _one_scaled(position: int) -> Callable[[Addition], Integers]:
    def adding(of: Addition) -> Integers:
        scaled = [
            one.centred if index != position
            else of.ending.requantised(one.centred, factor_of(one.scale, 1.0, of.ending.output_scale))
            for index, one in enumerate(of.operands)
        ]  # fmt: skip
        return np.asarray(scaled[0] + of.sign * scaled[1])

    return adding


def _alter(arithmetic: Arithmetic) -> Changes:
    if not isinstance(arithmetic, Addition):
        return
    ways = {
        "bytes added as they are": _bytes,
        "added without any scale": _centred,
        "both scaled as the first operand": _through(0),
        "both scaled as the second operand": _through(1),
        "only the first operand scaled": _one_scaled(0),
        "only the second operand scaled": _one_scaled(1),
    }
    for detail, adding in ways.items():
        yield detail, replace(arithmetic, adding=adding)
    yield "the other sign", replace(arithmetic, sign=-arithmetic.sign)
    first, second = arithmetic.operands
    if arithmetic.sign < 0:
        yield "the second operand less the first", replace(arithmetic, operands=(second, first))


RULE = Rule(
    name="scales of an addition",
    says="adds its operands without bringing each from its own scale to the output's",
    remedy="scale each operand by its scale over the output's before they are added",
    rank=2,
    alter=_alter,
)
