"""Every element is off by the same."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import DESCRIBING, Rule


def _predict(case: Case) -> Predictions:
    if case.sample.oracle.dtype.kind not in "iu":
        return
    oracle = case.sample.oracle.astype(np.int64)
    gaps = (case.sample.found.astype(np.int64) - oracle).reshape(-1)
    values, counts = np.unique(gaps[gaps != 0], return_counts=True)
    if len(values):
        offset = int(values[counts.argmax()])
        yield Prediction(case.stored(oracle + offset), f"{offset:+d} everywhere, limited to the type")


RULE = Rule(
    name="constant offset",
    says="is off by the same in every element",
    remedy="compare the zero points of its output in both files",
    rank=DESCRIBING,
    predict=_predict,
)
