"""The output is shifted."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import Rule


def _predict(case: Case) -> Predictions:
    oracle, before = case.sample.oracle, case.sample.before
    names = {5: {2: "row", 3: "column", 4: "channel"}, 3: {2: "element"}}.get(oracle.ndim, {})
    for axis, name in names.items():
        if oracle.shape[axis] < 2:
            continue
        for step in (1, -1):
            moved = np.roll(oracle, step, axis)
            where = [slice(None)] * oracle.ndim
            where[axis] = slice(0, 1) if step > 0 else slice(-1, None)
            how = f"by one {name} {'on' if step > 0 else 'back'}"
            yield Prediction(moved, f"{how}, round the end")
            for what, fill in _fillings(case, before[tuple(where)], oracle[tuple(where)]):
                filled = moved.copy()
                filled[tuple(where)] = fill
                yield Prediction(filled, f"{how}, {what}")


def _fillings(case: Case, before: object, same: object) -> list[tuple[str, object]]:
    zero_point = case.quantisation(case.output).zero_point
    return [
        ("the gap 0", 0),
        (f"the gap {zero_point}", zero_point),
        ("the gap as it was", same),
        ("the gap from the image before", before),
    ]


RULE = Rule(
    name="shifted output",
    says="writes its output shifted",
    remedy="look at the offset of its first element, and at the order of loops and pointer steps",
    rank=3,
    predict=_predict,
)
