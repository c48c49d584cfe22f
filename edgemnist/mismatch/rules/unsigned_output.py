"""The output is stored as the other of int8 and uint8."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import Rule


def _predict(case: Case) -> Predictions:
    oracle = case.sample.oracle
    if oracle.dtype.itemsize == 1:
        yield Prediction((oracle.view(np.uint8) ^ 0x80).view(oracle.dtype), "every byte has its upper bit turned over")


RULE = Rule(
    name="uint8 for int8",
    says="writes unsigned bytes where the file has signed ones, or the other way round",
    remedy="subtract 128, and 128 from the zero point, where uint8 becomes int8",
    rank=3,
    predict=_predict,
)
