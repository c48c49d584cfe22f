"""What every core's timing model offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from edgemnist.mcu.timing.instruction import Instruction


class Cycles(NamedTuple):
    """A number of cycles: the expected one, and the least and most that the manual's ranges allow."""

    expected: float
    low: float
    high: float

    def plus(self, other: Cycles) -> Cycles:
        """Return the sum."""
        return Cycles(self.expected + other.expected, self.low + other.low, self.high + other.high)

    def times(self, count: float) -> Cycles:
        """Return this, ``count`` times."""
        return Cycles(self.expected * count, self.low * count, self.high * count)


def exactly(cycles: float) -> Cycles:
    """Return a count without a range."""
    return Cycles(cycles, cycles, cycles)


def between(low: float, high: float, expected: float | None = None) -> Cycles:
    """Return a range; where nothing better is known, its middle is expected."""
    return Cycles((low + high) / 2 if expected is None else expected, low, high)


NONE = exactly(0)


class TimingModel(Protocol):
    """The timing of one core, with code and data in memory without wait states."""

    @property
    def core(self) -> str:
        """Return the core's name, as compilers spell it: "cortex-m4"."""

    @property
    def description(self) -> str:
        """Return one sentence: the model, its source, its assumptions."""

    @property
    def armv8(self) -> bool:
        """Return whether the core decodes Armv8-M instructions."""

    def block(self, instructions: Sequence[Instruction]) -> list[Cycles]:
        """Return what each instruction of a basic block costs; a branch at the end as if it were not taken."""

    def taken(self, instructions: Sequence[Instruction], target: Instruction, address: int) -> Cycles:
        """Return what leaving the block by a jump adds, to ``target`` at ``address``."""

    def mispredicted(self, taken: int, fallen_through: int) -> Cycles:
        """Return what wrong predictions of one conditional branch cost, over all its executions."""
