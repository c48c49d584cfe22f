"""TRANSPOSE with another permutation."""

from __future__ import annotations

import itertools

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import Rule


def _compute(case: Case) -> Predictions:
    values, order = (case.operands[0], case.operand(1)) if len(case.operands) > 1 else (None, None)
    if case.kind != "TRANSPOSE" or values is None or order is None or order.data is None:
        return
    right = tuple(int(axis) % len(order.data) for axis in order.data)
    inverse = tuple(int(axis) for axis in np.argsort(right))
    said = {inverse: "the inverse permutation", tuple(range(len(right))): "no permutation"}
    for other in [inverse, *itertools.permutations(range(len(right)))]:
        if other != right:
            moved = values.transpose(0, *(axis + 1 for axis in other)).reshape(case.sample.oracle.shape)
            yield Prediction(moved, said.get(other, f"the permutation {list(other)}"))


RULE = Rule(
    name="permutation",
    says="exchanges other axes than the file's permutation",
    remedy="output axis i is input axis perm[i]",
    rank=2,
    compute=_compute,
)
