"""Only the first values are written."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.fed import Feeding, InputRule, Values


def _store(feeding: Feeding) -> Iterator[tuple[str, Values]]:
    if len(feeding.received) < 2:
        return
    for share in (2, 3, 4):
        yield f"only the first 1/{share} of the values", _kept(feeding, share)


def _kept(feeding: Feeding, share: int) -> Values:
    """Return the first values as they should be and the rest the same in all images, as the first has it."""

    def values() -> NDArray[np.generic]:
        right = feeding.stored.reshape(len(feeding.stored), -1)
        rest = np.broadcast_to(feeding.received.reshape(right.shape)[:1], right.shape).copy()
        count = right.shape[1] // share
        rest[:, :count] = right[:, :count]
        return rest.reshape(feeding.received.shape)

    return values


RULE = InputRule(
    name="part of the input",
    says="writes only a part of its input",
    remedy="count values, not pixels or bytes, in the loop that writes the input",
    rank=3,
    store=_store,
)
