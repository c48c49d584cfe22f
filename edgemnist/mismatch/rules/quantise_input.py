"""QUANTIZE makes other integers of floats."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.quantising import floats_of
from edgemnist.mismatch.rounding import half_away
from edgemnist.mismatch.rule import Rule


def _compute(case: Case) -> Predictions:
    given = floats_of(case)
    if given is None:
        return
    scaled, zero_point = given.values / given.scale, given.zero_point
    yield Prediction(case.stored(np.trunc(scaled) + zero_point), "cut off towards zero")
    yield Prediction(case.stored(np.trunc(scaled + zero_point)), "cut off towards zero with the zero point added")
    yield Prediction(case.stored(np.floor(scaled) + zero_point), "rounded down")
    yield Prediction(case.stored(np.rint(scaled) + zero_point), "halves rounded to even")
    yield Prediction(case.stored(np.trunc(given.values)), "cast without scale and zero point")
    yield Prediction(case.stored(half_away(scaled)), "the zero point left out")
    yield Prediction(case.stored(half_away(scaled) - zero_point), "the zero point subtracted")
    yield Prediction(case.stored(half_away(given.values * given.scale) + zero_point), "multiplied by the scale")
    for zero, detail in ((-128, "the zero point -128"), (128, "the zero point 128")):
        yield Prediction(case.stored(half_away(scaled) + zero), detail)
    wrapped = (half_away(scaled).astype(np.int64) + zero_point + 128) % 256 - 128
    yield Prediction(case.stored(wrapped), "not limited, so that values beyond 8 bits wrap round")


RULE = Rule(
    name="quantising of the input",
    says="makes other integers of its floats than round(value / scale) + zero point",
    remedy="divide by the scale, round halves away from zero, add the zero point, limit to the type",
    rank=2,
    compute=_compute,
)
