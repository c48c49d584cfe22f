"""Another zero point, or scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.fed import Feeding, InputRule, Values
from edgemnist.mismatch.rounding import half_away


def _store(feeding: Feeding) -> Iterator[tuple[str, Values]]:
    quantisation = feeding.tensor.quantisation
    if not feeding.is_integer or quantisation is None:
        return
    scale, zero_point = np.float32(quantisation.scale), quantisation.zero_point
    for other in dict.fromkeys((0, -zero_point, -128, 128, 127)):
        if other != zero_point:
            yield f"zero point {other} instead of {zero_point}", _values(feeding, scale, other)
    yield "multiplied by the scale", _values(feeding, 1 / scale, zero_point)
    yield "without the scale", _values(feeding, np.float32(1), zero_point)
    yield "without scale and zero point", lambda: feeding.limited(np.trunc(feeding.real))


def _values(feeding: Feeding, scale: np.float32, zero_point: int) -> Values:
    def values() -> NDArray[np.generic]:
        return feeding.limited(half_away(feeding.real / scale) + zero_point)

    return values


RULE = InputRule(
    name="quantisation of the input",
    says="quantises its input with another scale or zero point",
    remedy="take both from the input tensor of this very file",
    rank=1,
    store=_store,
)
