"""QUANTIZE divides in double precision."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.quantising import floats_of
from edgemnist.mismatch.rounding import half_away
from edgemnist.mismatch.rule import Rule


def _compute(case: Case) -> Predictions:
    given = floats_of(case)
    if given is not None:
        scaled = given.values.astype(np.float64) / np.float64(given.scale)
        yield Prediction(case.stored(half_away(scaled) + given.zero_point))


RULE = Rule(
    name="quantising in double precision",
    says="divides by the scale in double precision, as TFLite's optimised kernel does, where TFLM has single",
    remedy="nothing is broken: what lies beside a tie in double precision is one in single",
    rank=1,
    compute=_compute,
)
