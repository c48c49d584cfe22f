"""The other of int8 and uint8."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.fed import Feeding, InputRule, Values


def _store(feeding: Feeding) -> Iterator[tuple[str, Values]]:
    if feeding.received.dtype.itemsize != 1 or not feeding.is_integer:
        return
    dtype = feeding.received.dtype
    yield "upper bit turned over", lambda: (feeding.stored.view(np.uint8) ^ 0x80).view(dtype)
    yield "raw pixels 0..255 as bytes", lambda: _raw(feeding).view(dtype)
    yield "raw pixels less 128", lambda: (_raw(feeding) ^ 0x80).view(dtype)
    yield "raw pixels halved, 0..127", lambda: (_raw(feeding) >> 1).view(dtype)


def _raw(feeding: Feeding) -> NDArray[np.uint8]:
    right = feeding.preprocessing
    return feeding.in_shape(np.ascontiguousarray(right.in_layout(right.as_seen(feeding.pixels))))


RULE = InputRule(
    name="sign of the input",
    says="writes pixels into the input without making them the integers that it has",
    remedy="store clamp(round(real / scale) + zero point), of pixels 0..1 with scale 1/255 pixel - 128",
    rank=1,
    store=_store,
)
