"""Values are rounded otherwise when they are quantised."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.fed import Feeding, InputRule, Values


def _store(feeding: Feeding) -> Iterator[tuple[str, Values]]:
    quantisation = feeding.tensor.quantisation
    if not feeding.is_integer or quantisation is None:
        return
    zero_point = quantisation.zero_point

    def scaled() -> NDArray[np.float32]:
        return feeding.real / np.float32(quantisation.scale)

    yield "cut off towards zero", lambda: feeding.limited(np.trunc(scaled()) + zero_point)
    yield "cut off with the zero point added", lambda: feeding.limited(np.trunc(scaled() + np.float32(zero_point)))
    yield "rounded down", lambda: feeding.limited(np.floor(scaled()) + zero_point)
    yield "rounded up", lambda: feeding.limited(np.ceil(scaled()) + zero_point)
    yield "halves to even", lambda: feeding.limited(np.rint(scaled()) + zero_point)
    yield "halves up", lambda: feeding.limited(np.floor(scaled() + np.float32(0.5)) + zero_point)
    yield "not limited", lambda: (_away(scaled()).astype(np.int64) + zero_point).astype(feeding.received.dtype)


def _away(values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.copysign(np.floor(np.abs(values) + np.float32(0.5)), values), np.float32)


RULE = InputRule(
    name="rounding of the input",
    says="rounds otherwise than to the nearest whole number when it quantises its input",
    remedy="add 0.5 with the sign of the value before the cast, or use roundf, and limit to the type",
    rank=1,
    store=_store,
)
