"""SOFTMAX over another axis, with another beta, or written in another quantisation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.functions import Floats, softmax
from edgemnist.mismatch.rounding import half_away
from edgemnist.mismatch.rule import Rule


def _probabilities(case: Case, values: Floats) -> Iterator[tuple[str, Floats]]:
    """Yield the probabilities, the right ones first."""
    beta = case.node.number("beta", 1.0)
    yield "", softmax(values, beta)
    if beta != 1:
        yield "beta left out", softmax(values, 1.0)
    for axis in range(values.ndim - 2, 0, -1):
        if values.shape[axis] > 1:
            yield f"over axis {axis - 1}", softmax(values, beta, axis)
    flat = values.reshape(len(values), -1)
    if flat.shape[1] != values.shape[-1]:
        yield "over all elements", softmax(flat, beta).reshape(values.shape)
    scale = case.quantisation(case.operand(0)).scale
    yield "the input's scale left out", softmax(values / scale, beta)
    yield "no softmax but each exponential", np.minimum(np.exp(beta * values), 256.0)


def _compute(case: Case) -> Predictions:
    values = case.operands[0] if case.operands else None
    if case.kind != "SOFTMAX" or not case.has_integers or values is None:
        return
    source, target = case.quantisation(case.operand(0)), case.quantisation(case.output)
    real = (values.astype(np.float64) - source.zero_point) * source.scale
    ways: dict[str, Callable[[Floats], Floats]] = {
        "rounded": half_away,
        "cut off": np.trunc,
        "halves rounded to even": np.rint,
    }
    for detail, probabilities in _probabilities(case, real):
        for how, rounded in ways.items():
            for scale, by in ((target.scale, ""), (1 / 255, "the output's scale 1/255")):
                for zero_point, shift in ((target.zero_point, ""), (0, "the output's zero point left out")):
                    whole = case.stored(rounded(probabilities / scale) + zero_point)
                    said = ", ".join(one for one in (detail, by, shift, f"in floating point, {how}") if one)
                    yield Prediction(whole, said)


RULE = Rule(
    name="softmax",
    says="computes another softmax, or writes it in another quantisation",
    remedy="normalise along the last axis, with beta, into scale 1/256 and zero point -128",
    rank=2,
    compute=_compute,
)
