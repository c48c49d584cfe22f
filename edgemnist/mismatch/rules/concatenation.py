"""CONCATENATION puts its inputs together otherwise."""

from __future__ import annotations

import itertools

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import Rule

_MOST = 4
"""Inputs whose orders are tried."""


def _compute(case: Case) -> Predictions:
    if case.kind != "CONCATENATION" or any(one is None for one in case.operands) or len(case.operands) < 2:
        return
    given = [np.broadcast_to(one, (case.images, *one.shape[1:])) for one in case.operands if one is not None]
    axis = case.node.integer("axis") % len(case.output.shape) + 1
    if len(given) <= _MOST:
        for order in list(itertools.permutations(range(len(given))))[1:]:
            joined = np.concatenate([given[position] for position in order], axis)
            named = ", ".join(str(position) for position in order)
            yield Prediction(joined.reshape(case.sample.oracle.shape), f"inputs in the order {named}")
    flat = np.concatenate([one.reshape(case.images, -1) for one in given], 1)
    yield Prediction(flat.reshape(case.sample.oracle.shape), "one behind the other in memory, along no axis")


RULE = Rule(
    name="order of a concatenation",
    says="puts its inputs together in another order",
    remedy="copy the inputs in the file's order, row by row of the axis",
    rank=2,
    compute=_compute,
)
