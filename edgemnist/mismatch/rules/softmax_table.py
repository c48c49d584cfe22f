"""SOFTMAX adds floats from a table of exponentials."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rounding import half_away
from edgemnist.mismatch.rule import Rule


def _compute(case: Case) -> Predictions:
    values = case.operands[0] if case.operands else None
    if case.kind != "SOFTMAX" or not case.has_integers or values is None:
        return
    source, target = case.quantisation(case.operand(0)), case.quantisation(case.output)
    step = -np.float32(source.scale) * np.float32(case.node.number("beta", 1.0))
    table = np.exp((step * np.arange(256, dtype=np.float32)).astype(np.float64)).astype(np.float32)
    whole = values.astype(np.int64)
    exponentials = table[whole.max(axis=-1, keepdims=True) - whole]
    sums = np.add.accumulate(exponentials, axis=-1, dtype=np.float32)[..., -1:]
    scaled = exponentials * (np.float32(1) / (sums * np.float32(target.scale)))
    yield Prediction(case.stored(half_away(scaled) + target.zero_point))


RULE = Rule(
    name="softmax from a table of floats",
    says="adds floats from a table of exponentials, as TFLite's optimised kernel does, where TFLM has fixed point",
    remedy="nothing is broken: take the runtime's reference kernels where bytes have to agree with the chip's",
    rank=1,
    compute=_compute,
)
