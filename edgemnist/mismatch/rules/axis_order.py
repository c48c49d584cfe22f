"""The image's axes are exchanged."""

from __future__ import annotations

import numpy as np

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import Rule


def _predict(case: Case) -> Predictions:
    oracle = case.sample.oracle
    shape = oracle.shape
    if oracle.ndim != 5:
        return
    n, batch, height, width, channels = shape
    if height > 1 and width > 1:
        if height == width:
            yield Prediction(oracle.transpose(0, 1, 3, 2, 4), "height and width exchanged")
        yield Prediction(oracle[:, :, ::-1], "upside down")
        yield Prediction(oracle[:, :, :, ::-1], "mirrored")
    if channels > 1:
        yield Prediction(oracle[..., ::-1], "channels in the opposite order")
        if height * width > 1:
            yield Prediction(oracle.transpose(0, 1, 4, 2, 3).reshape(shape), "written channel by channel (NCHW)")
            planes = oracle.reshape(n, batch, channels, height, width)
            yield Prediction(
                np.ascontiguousarray(planes.transpose(0, 1, 3, 4, 2)), "taken for channel by channel (NCHW)"
            )


RULE = Rule(
    name="order of the axes",
    says="writes its output in another order of the axes",
    remedy="TFLite's order is batch, height, width, channel, the last next to each other",
    rank=3,
    predict=_predict,
)
