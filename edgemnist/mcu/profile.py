"""What a core executed: basic blocks and the way from one to the next, as an emulator counts them."""

from __future__ import annotations

import functools
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

    def instructions(self) -> int:
        """Return the executed Thumb instructions, those included whose IT condition failed."""
        return sum(self.instructions_by_block().values())

    def instructions_by_block(self) -> dict[int, int]:
        """Return what :meth:`instructions` adds up, by the block's address."""
        return {
            address: times * _thumb_instructions(self.code(address, self.sizes[address]))
            for address, times in self.executions().items()
        }


@dataclass(frozen=True, eq=False)
class InferenceProfile:
    """One inference: what each layer executed, the functions that it called included, and the calls between layers."""

    layers: tuple[ExecutionProfile, ...]
    outside: ExecutionProfile

    @functools.cached_property
    def whole(self) -> ExecutionProfile:
        """All of it as one profile."""
        edges: Counter[tuple[int, int]] = Counter()
        for part in (*self.layers, self.outside):
            edges.update(part.edges)
        return ExecutionProfile(edges, self.outside.sizes, self.outside.code)


@functools.cache
def _thumb_instructions(code: bytes) -> int:
    """Return how many instructions a block holds: 16 bits each, 32 where the first half starts 11101 or 1111."""
    count = position = 0
    while position < len(code):
        position += 4 if code[position + 1] >= 0xE8 else 2
        count += 1
    return count
