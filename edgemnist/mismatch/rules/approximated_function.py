"""A function of floats is approximated otherwise."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.functions import FUNCTIONS, Floats, softmax
from edgemnist.mismatch.rule import Rule

_MOST = 32
"""Units in the last place that approximations of a function are off; those of runtimes are by less than 10."""


def _predict(case: Case) -> Predictions:
    values = case.operands[0] if case.operands else None
    if values is None or values.dtype != np.float32 or case.sample.oracle.dtype != np.float32:
        return
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        exact = _exact(case, values.astype(np.float64))
    if exact is None:
        return
    size = np.abs(exact) if case.kind != "LOG_SOFTMAX" else _size(values)
    unit = np.maximum(np.spacing(size.astype(np.float32)), np.float32(2.0**-126)).astype(np.float64)
    with np.errstate(invalid="ignore"):
        units = float(np.nanmax(np.abs(case.sample.found.astype(np.float64) - exact) / unit))
    said = f"within {units:.2f} units in the last place"
    yield Prediction(exact.astype(np.float32), said, within=_allowed(case, values) * unit)


def _exact(case: Case, values: Floats) -> Floats | None:
    if case.kind == "SOFTMAX":
        return softmax(values, case.node.number("beta", 1.0))
    if case.kind == "LOG_SOFTMAX":
        shifted = values - values.max(axis=-1, keepdims=True)
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))
    return FUNCTIONS[case.kind](values) if case.kind in FUNCTIONS else None


def _allowed(case: Case, values: Floats) -> Floats:
    """Return how many units; what SOFTMAX's argument is rounded by moves its result the more, the less it is."""
    if case.kind != "SOFTMAX":
        return np.asarray(float(_MOST))
    below = values.astype(np.float64).max(axis=-1, keepdims=True) - values
    return np.asarray(_MOST + below * abs(case.node.number("beta", 1.0)))


def _size(values: Floats) -> Floats:
    """Return the magnitude of what LOG_SOFTMAX subtracts from each other."""
    shifted = values.astype(np.float64) - values.max(axis=-1, keepdims=True)
    return np.asarray(np.abs(shifted) + 1)


RULE = Rule(
    name="approximation of a function",
    says="computes its function in floating point by another approximation",
    remedy="nothing is broken: compare floats with a tolerance",
    rank=1,
    predict=_predict,
)
