"""A function of one element comes from a table that was filled in floating point."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.functions import FUNCTIONS
from edgemnist.mismatch.rounding import half_away
from edgemnist.mismatch.rule import Rule


def _compute(case: Case) -> Predictions:
    if case.kind not in FUNCTIONS or not case.has_integers:
        return
    source, target, values = case.quantisation(case.operand(0)), case.quantisation(case.output), case.operands[0]
    if values is None:
        return
    arguments = (values.astype(np.float32) - np.float32(source.zero_point)) * np.float32(source.scale)
    results = FUNCTIONS[case.kind](arguments.astype(np.float64)).astype(np.float32)
    inverse, zero_point = np.float32(1) / np.float32(target.scale), np.float32(target.zero_point)
    scaled = results * inverse
    yield Prediction(case.stored(np.rint(scaled + zero_point)), "halves to even, the zero point added before")
    yield Prediction(case.stored(half_away(scaled + zero_point)), "halves away from zero, the zero point added before")
    yield Prediction(case.stored(half_away(scaled) + zero_point), "halves away from zero")
    yield Prediction(case.stored(np.rint(scaled) + zero_point), "halves to even")


RULE = Rule(
    name="function in floating point",
    says="takes the function from a table that was computed in floating point, otherwise than TFLM's, as XNNPACK and "
    "TFLite do",
    remedy="nothing is broken: take the runtime's reference kernels where bytes have to agree with the chip's",
    rank=1,
    compute=_compute,
)
