"""Floats are added in another order."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.float_sums import float_sum_of
from edgemnist.mismatch.rule import Rule


def _predict(case: Case) -> Predictions:
    found = float_sum_of(case)
    if found is None:
        return
    off = np.abs(case.sample.found.astype(np.float64) - found.exact)
    units = float((off / np.spacing(np.maximum(found.sizes, 1e-30).astype(np.float32))).max())
    said = f"within {units:.2f} units in the last place"
    yield Prediction(found.exact.astype(np.float32), said, within=found.bound)


RULE = Rule(
    name="order of summation",
    says="adds the same floats in another order, which moves its results by units in the last place of what is added",
    remedy="nothing is broken: compare floats with a tolerance, or take an int8 model, whose sums are exact in any "
    "order",
    rank=1,
    predict=_predict,
)
