"""What code consists of: how many of its instructions load, store, multiply, branch or do anything else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from edgemnist.mcu.profile import ExecutionProfile
from edgemnist.mcu.timing.blocks import Blocks
from edgemnist.mcu.timing.classes import InstructionClass

C = InstructionClass

LOADS = frozenset({C.LOAD, C.LOAD_PAIR, C.LOAD_MULTIPLE, C.FLOAT_LOAD, C.FLOAT_LOAD_MULTIPLE})
STORES = frozenset({C.STORE, C.STORE_PAIR, C.STORE_MULTIPLE, C.FLOAT_STORE, C.FLOAT_STORE_MULTIPLE})
MULTIPLIES = frozenset(
    {
        *(C.MULTIPLY, C.MULTIPLY_ACCUMULATE, C.LONG_MULTIPLY, C.LONG_MULTIPLY_ACCUMULATE),
        C.FLOAT_MULTIPLY_ACCUMULATE,
    }
)
BRANCHES = frozenset({C.BRANCH, C.CONDITIONAL_BRANCH, C.CALL, C.INDIRECT_BRANCH, C.TABLE_BRANCH})


@dataclass(frozen=True)
class Mix:
    """Executed instructions by what they do; each counts once, under the first of these that it does.

    An SMLAD is one multiply, an LDM, LDRD or POP one load, one that returns included. ``words_loaded`` and
    ``words_stored`` count every register that such an instruction moves, and a byte or halfword as one.
    """

    instructions: int
    loads: int
    words_loaded: int
    stores: int
    words_stored: int
    multiplies: int
    branches: int

    @property
    def others(self) -> int:
        """Return what is left: arithmetic, shifts, packing, saturation, moves."""
        return self.instructions - self.loads - self.stores - self.multiplies - self.branches


def mix_of(profile: ExecutionProfile, *, armv8: bool = False) -> Mix:
    """Return a profile's mix. ``armv8``: decode Armv8-M as well.

    :raises MissingDependencyError: capstone is not installed.
    """
    return mix_of_blocks(Blocks(profile, armv8=armv8))


def mix_of_blocks(blocks: Blocks) -> Mix:
    """Return the mix of blocks that are disassembled already."""
    counts: Counter[InstructionClass] = Counter()
    words: Counter[InstructionClass] = Counter()
    for address, times in blocks.executions.items():
        for instruction in blocks.instructions[address]:
            counts[instruction.kind] += times
            words[instruction.kind] += times * instruction.words
    return Mix(
        instructions=counts.total(),
        loads=sum(counts[kind] for kind in LOADS),
        words_loaded=sum(words[kind] for kind in LOADS),
        stores=sum(counts[kind] for kind in STORES),
        words_stored=sum(words[kind] for kind in STORES),
        multiplies=sum(counts[kind] for kind in MULTIPLIES),
        branches=sum(counts[kind] for kind in BRANCHES),
    )
