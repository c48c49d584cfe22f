"""The output is that of the image before, or constant."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import Rule


def _predict(case: Case) -> Predictions:
    sample = case.sample
    flat = sample.found.reshape(case.images, -1)
    yield Prediction(sample.before, "all of it")
    yield from _in_part(case)
    values = np.unique(flat[0])
    if len(values) == 1 and (flat == values[0]).all():
        yield Prediction(np.full_like(sample.oracle, values[0]), f"every byte is {values[0]}: never written")


def _in_part(case: Case) -> Predictions:
    """Yield outputs of which only the first elements are written, as many as are right in every image."""
    sample = case.sample
    found, oracle, before = (one.reshape(case.images, -1) for one in (sample.found, sample.oracle, sample.before))
    wrong = np.flatnonzero((found != oracle).any(axis=0))
    if len(wrong) == 0 or wrong[0] == 0:
        return
    start = int(wrong[0])
    for what, rest in (("the rest from the image before", before), ("the rest 0", np.zeros_like(oracle))):
        mixed = np.concatenate([oracle[:, :start], rest[:, start:]], axis=1)
        yield Prediction(mixed.reshape(sample.oracle.shape), f"only the first {start} elements are written, {what}")


RULE = Rule(
    name="stale arena",
    says="leaves in its output what was there before",
    remedy="look whether the operator runs at all, for how many elements, and whether its output's memory is its own",
    rank=3,
    predict=_predict,
)
