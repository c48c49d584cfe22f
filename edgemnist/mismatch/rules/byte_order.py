"""The two bytes of int16 values are in the opposite order."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.arithmetic import Arithmetic, OfOperands
from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rounding import Integers
from edgemnist.mismatch.rule import Changes, Rule


def _predict(case: Case) -> Predictions:
    if case.sample.oracle.dtype.itemsize > 1:
        yield Prediction(case.sample.oracle.byteswap(), "of its output")


def _alter(arithmetic: Arithmetic) -> Changes:
    if arithmetic.ending.type_limits[1] <= np.iinfo(np.int8).max:
        return
    if isinstance(arithmetic, Layer):
        yield "of its input", arithmetic.with_sums(images=_swapped(arithmetic.sums.images))
    if isinstance(arithmetic, OfOperands):
        for position, operand in enumerate(arithmetic.operands):
            yield f"of input {position}", arithmetic.with_operand(position, values=_swapped(operand.values))


def _swapped(values: Integers) -> Integers:
    return values.astype(np.int16).byteswap().astype(np.int64)


RULE = Rule(
    name="byte order",
    says="has the bytes of each value in the opposite order",
    remedy="write and read the lower byte first, as the file and Arm's and Espressif's cores have it",
    rank=3,
    predict=_predict,
    alter=_alter,
)
