"""How many bytes are alive at a time, by when each tensor begins and ends to be."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate


def alive_bytes(spans: Iterable[tuple[int, int, int]], steps: int) -> list[int]:
    """Return the bytes that are alive in each of so many steps.

    :param spans: the first and the last step in which something is alive, which may lie beyond the end, and its bytes.
    """
    changes = [0] * (steps + 1)
    for first, last, size in spans:
        if first <= last and first < steps:
            changes[first] += size
            changes[min(last + 1, steps)] -= size
    return list(accumulate(changes))[:steps]
