"""Pixels of a resized image lie elsewhere."""

from __future__ import annotations

from dataclasses import replace

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.resizing import resized, resizing_of
from edgemnist.mismatch.rule import Rule

_WAYS = {
    "with half-pixel centres": (False, True),
    "with aligned corners": (True, False),
    "with neither half-pixel centres nor aligned corners": (False, False),
}


def _compute(case: Case) -> Predictions:
    resizing = resizing_of(case)
    if resizing is None:
        return
    for detail, (corners, centres) in _WAYS.items():
        if (corners, centres) != (resizing.align_corners, resizing.half_pixel_centers):
            other = replace(resizing, align_corners=corners, half_pixel_centers=centres)
            yield Prediction(case.stored(resized(other)), detail)
    if resizing.inputs[0] != resizing.inputs[1] or resizing.outputs[0] != resizing.outputs[1]:
        return
    yield Prediction(case.stored(resized(resizing).swapaxes(1, 2)), "height and width exchanged")


RULE = Rule(
    name="alignment of a resize",
    says="takes other places of the image than its options say",
    remedy="follow align_corners and half_pixel_centers of the file",
    rank=2,
    compute=_compute,
)
