"""The bytes of wider values are in the opposite order."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.mismatch.fed import Feeding, InputRule, Values


def _store(feeding: Feeding) -> Iterator[tuple[str, Values]]:
    if feeding.received.dtype.itemsize > 1:
        yield "", lambda: feeding.stored.byteswap()


RULE = InputRule(
    name="byte order of the input",
    says="has the bytes of each value in the opposite order",
    remedy="write the lower byte first",
    rank=3,
    store=_store,
)
