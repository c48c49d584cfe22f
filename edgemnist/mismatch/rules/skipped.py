"""The operator's input comes out as it went in."""

from __future__ import annotations

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import Rule


def _predict(case: Case) -> Predictions:
    for position, operand in enumerate(case.operands):
        if (
            operand is not None
            and operand.size == case.sample.oracle.size
            and operand.dtype == case.sample.oracle.dtype
        ):
            yield Prediction(operand.reshape(case.sample.oracle.shape), f"input {position} as it went in")


RULE = Rule(
    name="operator left out",
    says="hands its input through",
    remedy="look whether the operator is registered and runs",
    rank=3,
    predict=_predict,
)
