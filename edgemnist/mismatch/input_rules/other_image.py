"""The input is that of another picture."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgemnist.mismatch.fed import Feeding, InputRule, Values


def _store(feeding: Feeding) -> Iterator[tuple[str, Values]]:
    if len(feeding.received) < 2:
        return
    yield "that of the picture before", lambda: np.concatenate([feeding.received[:1], feeding.stored[:-1]])
    yield "that of the next picture", lambda: np.concatenate([feeding.stored[1:], feeding.received[-1:]])
    yield "the first one's for all", lambda: np.broadcast_to(feeding.received[:1], feeding.received.shape)


RULE = InputRule(
    name="other picture",
    says="has another picture in its input",
    remedy="look whether the input is written before each inference, and the pictures numbered alike",
    rank=3,
    store=_store,
)
