"""LOGISTIC is approximated, or written in another quantisation."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.functions import FUNCTIONS
from edgemnist.mismatch.rounding import half_away
from edgemnist.mismatch.rule import Rule

_OTHER = {"LOGISTIC": "TANH", "TANH": "LOGISTIC"}


def _compute(case: Case) -> Predictions:
    values = case.operands[0] if case.operands else None
    if case.kind not in _OTHER or not case.has_integers or values is None:
        return
    source, target = case.quantisation(case.operand(0)), case.quantisation(case.output)
    centred = values.astype(np.float64) - source.zero_point
    real = centred * source.scale
    right = FUNCTIONS[case.kind](real)
    ways = {
        "the other of LOGISTIC and TANH": (FUNCTIONS[_OTHER[case.kind]](real), target.scale, target.zero_point),
        "the input's zero point left out": (
            FUNCTIONS[case.kind](values * source.scale), target.scale, target.zero_point
        ),
        "the input's scale left out": (FUNCTIONS[case.kind](centred), target.scale, target.zero_point),
        "the output's zero point left out": (right, target.scale, 0),
        "scaled by 255 instead of 256": (right, target.scale * 256 / 255, target.zero_point),
    }  # fmt: skip
    if case.kind == "LOGISTIC":
        ways["0.2 x + 0.5, cut off"] = (np.clip(0.2 * real + 0.5, 0, 1), target.scale, target.zero_point)
        ways["x / 6 + 0.5, cut off"] = (np.clip(real / 6 + 0.5, 0, 1), target.scale, target.zero_point)
    for detail, (results, scale, zero_point) in ways.items():
        yield Prediction(case.stored(half_away(results / scale) + zero_point), detail)
        yield Prediction(case.stored(np.trunc(results / scale) + zero_point), f"{detail}, not rounded")
    yield Prediction(case.stored(np.trunc(right / target.scale) + target.zero_point), "not rounded")


RULE = Rule(
    name="sigmoid or hyperbolic tangent",
    says="computes another function, or writes it in another quantisation",
    remedy="compute the function of scale * (byte - zero point), into scale and zero point of the output",
    rank=2,
    compute=_compute,
)
