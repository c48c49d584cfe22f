"""What a core executed: basic blocks and the way from one to the next, as an emulator counts them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

ENTRY = -1
"""Predecessor of the first block."""


@dataclass(frozen=True)
class ExecutionProfile:
    """Executed basic blocks of one inference.

    ``edges``: (address of the block left, address of the block entered) -> times; the first block's predecessor is
    ``ENTRY``. ``sizes``: block address -> size in bytes. ``code``: (address, size) -> the image's bytes there.
    """

    edges: Mapping[tuple[int, int], int]
    sizes: Mapping[int, int]
    code: Callable[[int, int], bytes]

    def executions(self) -> Counter[int]:
        """Return how often each block was entered, by its address."""
        found: Counter[int] = Counter()
        for (_, entered), times in self.edges.items():
            found[entered] += times
        return found
