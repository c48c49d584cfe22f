"""Every value becomes another one, always the same."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import DESCRIBING, Rule


def _predict(case: Case) -> Predictions:
    oracle, found = case.sample.oracle, case.sample.found
    if oracle.dtype.itemsize != 1:
        return
    table = np.arange(256, dtype=np.uint8)
    before, after = oracle.view(np.uint8).reshape(-1), found.view(np.uint8).reshape(-1)
    table[before] = after
    if (table[before] == after).all():
        others = np.flatnonzero(table != np.arange(256))
        yield Prediction(table[oracle.view(np.uint8)].view(oracle.dtype), f"{len(others)} values become others")


RULE = Rule(
    name="other value for value",
    says="gives for each value of the oracle's one other, always the same",
    remedy="compare scale and zero point of its output, and its lookup table if it has one",
    rank=DESCRIBING,
    predict=_predict,
)
