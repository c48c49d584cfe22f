"""QUANTIZE multiplies by the reciprocal of the scale."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.quantising import floats_of
from edgemnist.mismatch.rounding import half_away
from edgemnist.mismatch.rule import Rule


def _compute(case: Case) -> Predictions:
    given = floats_of(case)
    if given is not None:
        scaled = given.values * (np.float32(1) / given.scale)
        yield Prediction(case.stored(np.rint(scaled) + given.zero_point), "halves to even")
        yield Prediction(case.stored(half_away(scaled) + given.zero_point), "halves away from zero")


RULE = Rule(
    name="quantising by the reciprocal",
    says="multiplies by the reciprocal of the scale and rounds halves to even, as XNNPACK does, where TFLM divides and "
    "rounds them away from zero",
    remedy="nothing is broken: feed whole numbers where bytes have to agree with the chip's",
    rank=1,
    compute=_compute,
)
