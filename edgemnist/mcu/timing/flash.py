"""Stalls of instruction fetch from flash with wait states; data in flash isn't seen, a profile has no data addresses.

The flash is read in lines. A line that follows the one in use is fetched ahead and costs only what running the line
before it doesn't hide; a jump waits for its line in full. With a cache the lines executed most often fill it and are
fetched once; the others are never found in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from edgemnist.mcu.profile import ExecutionProfile
from edgemnist.mcu.timing.model import NONE, Cycles
from edgemnist.support.errors import InputError

_MOST_WAIT_STATES = 64
_USUAL_CACHE_BYTES = {"cortex-m4": 1024, "cortex-m33": 1024, "cortex-m7": 16384}
"""Instruction cache of the usual chip with a core, nothing for the others: the flash accelerator of STM32F4, G4 and
L4; as little is assumed of Cortex-M33, whose chips have more; the core's own cache of STM32F7 and H7.
"""


@dataclass(frozen=True)
class Flash:
    """``wait_states``: cycles a read takes beyond the first. ``line_bytes``: bytes of one read, a power of two.

    ``cache_bytes``: size of the instruction cache or flash accelerator, 0 for none. ``assumed``: that size is a guess.
    """

    wait_states: int
    line_bytes: int
    cache_bytes: int
    assumed: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.wait_states <= _MOST_WAIT_STATES:
            raise InputError(f"flash wait states are 0 to {_MOST_WAIT_STATES}, got {self.wait_states}")
        if self.line_bytes < 2 or self.line_bytes & (self.line_bytes - 1):
            raise InputError(f"a flash line is a power of two of at least 2 bytes, got {self.line_bytes}")
        if self.cache_bytes < 0:
            raise InputError(f"an instruction cache has 0 bytes (none) or more, got {self.cache_bytes}")

    def lines(self, start: int, end: int) -> range:
        """Return the numbers of the lines that hold the addresses ``start`` to ``end`` - 1."""
        return range(start // self.line_bytes, (end - 1) // self.line_bytes + 1)

    def described(self) -> str:
        """Return a phrase for people."""
        if self.wait_states == 0:
            return "no flash wait states"
        cache = f"{self.cache_bytes}-byte instruction cache" if self.cache_bytes else "no instruction cache"
        return (
            f"{self.wait_states} flash wait states, {self.line_bytes}-byte lines fetched ahead, {cache}"
            f"{' (assumed)' if self.assumed else ''}, none for data"
        )


def flash_of(core: str, wait_states: int, line_bytes: int, cache_bytes: int | None) -> Flash:
    """Return the flash of a chip; without ``cache_bytes`` the cache that chips with that core usually have.

    :raises InputError: a figure is out of range.
    """
    if cache_bytes is not None:
        return Flash(wait_states, line_bytes, cache_bytes)
    return Flash(wait_states, line_bytes, _USUAL_CACHE_BYTES.get(core, 0), assumed=True)


def fetch_stalls(profile: ExecutionProfile, flash: Flash, block_cycles: Mapping[int, float]) -> Cycles:
    """Return the cycles that instruction fetch stalls; ``block_cycles``: block address -> cycles of one execution.

    Least: every line is fetched once. Most: as expected, or without the cache where that is assumed.
    """
    if flash.wait_states == 0:
        return NONE
    used: Counter[int] = Counter()
    for block, times in profile.executions().items():
        for line in flash.lines(block, block + profile.sizes[block]):
            used[line] += times
    cached = {line for line, _ in used.most_common(flash.cache_bytes // flash.line_bytes)}
    least = float(flash.wait_states * len(used))
    expected = least + _misses(profile, flash, cached, block_cycles)
    most = least + _misses(profile, flash, set(), block_cycles) if flash.assumed else expected
    return Cycles(expected, least, most)


def _misses(profile: ExecutionProfile, flash: Flash, cached: set[int], block_cycles: Mapping[int, float]) -> float:
    return sum(
        times * _entry(profile, flash, cached, left, entered, block_cycles[entered])
        for (left, entered), times in profile.edges.items()
    )


def _entry(profile: ExecutionProfile, flash: Flash, cached: set[int], left: int, entered: int, cycles: float) -> float:
    """Return the stalls of one execution of block ``entered``, which takes ``cycles``, come from ``left``."""
    size = profile.sizes[entered]
    lines = flash.lines(entered, entered + size)
    end = left + profile.sizes[left] if left in profile.sizes else None
    in_use = None if end is None else (end - 1) // flash.line_bytes
    ahead = max(0.0, flash.wait_states + 1 - cycles * flash.line_bytes / size)
    first = ahead if end == entered else float(flash.wait_states)
    stalled = 0.0 if lines[0] in cached or lines[0] == in_use else first
    return stalled + ahead * sum(line not in cached for line in lines[1:])
