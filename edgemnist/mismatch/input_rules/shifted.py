"""All values stand some places further on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.fed import Feeding, InputRule, Values

_MOST = 64


def _store(feeding: Feeding) -> Iterator[tuple[str, Values]]:
    most = min(_MOST, feeding.stored[0].size // 8)
    for places in (*range(1, most + 1), *range(-most, 0)):
        yield f"by {places:+d}", _moved(feeding, places)


def _moved(feeding: Feeding, places: int) -> Values:
    """Return the values moved; what comes in at the end is taken as it was received."""

    def values() -> NDArray[np.generic]:
        moved = feeding.received.reshape(len(feeding.received), -1).copy()
        right = feeding.stored.reshape(moved.shape)
        if places > 0:
            moved[:, places:] = right[:, :-places]
        else:
            moved[:, :places] = right[:, -places:]
        return moved.reshape(feeding.received.shape)

    return values


RULE = InputRule(
    name="shifted input",
    says="has all values some places further on",
    remedy="skip the header of the picture, and begin to write at the start of the input",
    rank=3,
    store=_store,
)
