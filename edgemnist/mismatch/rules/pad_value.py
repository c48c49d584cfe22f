"""PAD fills with another value, or on other sides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.case import Case, Prediction, Predictions
from edgemnist.mismatch.rule import Rule


def _compute(case: Case) -> Predictions:
    values, amounts = (case.operands[0], case.operand(1)) if len(case.operands) > 1 else (None, None)
    if case.kind not in ("PAD", "PADV2") or not case.has_integers or values is None:
        return
    if amounts is None or amounts.data is None:
        return
    zero_point, widths = (
        case.quantisation(case.output).zero_point,
        [(int(before), int(after)) for before, after in amounts.data],
    )
    for fill in dict.fromkeys((0, -128, 127, -zero_point, zero_point)):
        yield Prediction(_padded(values, widths, fill), f"{fill} around the image")
    turned = [(after, before) for before, after in widths]
    if turned != widths:
        yield Prediction(_padded(values, turned, zero_point), "before and behind exchanged")
    if all(max(pair) < size for pair, size in zip(widths, values.shape[1:], strict=True)):
        yield Prediction(np.pad(values, [(0, 0), *widths], mode="edge"), "the image's edge continued")
        yield Prediction(np.pad(values, [(0, 0), *widths], mode="reflect"), "the image mirrored at its edge")


def _padded(values: NDArray[Any], widths: list[tuple[int, int]], fill: int) -> NDArray[Any]:
    limits = np.iinfo(values.dtype)
    return np.pad(values, [(0, 0), *widths], constant_values=np.clip(fill, limits.min, limits.max))


RULE = Rule(
    name="value of a PAD",
    says="fills the border with another value than the zero point, or pads on other sides",
    remedy="fill with the output's zero point, which stands for 0.0",
    rank=2,
    compute=_compute,
)
