"""Cortex-M7 and M33: in-order issue of up to two instructions a cycle, held back by operands that aren't ready.

Arm publishes no table for either. The rules are those that measurements on chips found; each core's module names
them. The words of a load of several arrive one after another, evenly over its cycles; that the first can be used before
the last is there follows from the pipeline, nobody published a measurement. A block starts with nothing in flight: what
overlaps across its borders isn't seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil

from edgemnist.mcu.timing.instruction import Instruction
from edgemnist.mcu.timing.model import Cycles, exactly


class Role(str, Enum):
    """What an instruction needs a register for."""

    OPERAND = "operand"
    ADDRESS = "address"
    ACCUMULATOR = "accumulator"
    STORED = "stored value"


@dataclass(frozen=True)
class Rules:
    """``together``: may these two issue in one cycle? ``latency``: cycles from issue of a producer to issue of its
    consumer. ``occupancy``: cycles until the next instruction may issue.
    """

    together: Callable[[Instruction, Instruction], bool]
    latency: Callable[[Instruction, Instruction, Role], int]
    occupancy: Callable[[Instruction], Cycles]


@dataclass(frozen=True)
class ScoreboardModel:
    """``jump``: (block, target, its address) -> cycles that a jump adds. ``misprediction``: cycles of each, or none."""

    core: str
    description: str
    rules: Rules
    jump: Callable[[Sequence[Instruction], Instruction, int], Cycles]
    misprediction: Cycles
    armv8: bool = False

    def block(self, instructions: Sequence[Instruction]) -> list[Cycles]:
        """Return what each instruction adds to the block's time; 0 for the second of two that issue together."""
        ready: dict[str, tuple[float, Instruction]] = {}
        older: Instruction | None = None
        group = clock = 0.0  # cycle in which the last group issued; first cycle in which the next may
        costs: list[Cycles] = []
        for instruction in instructions:
            operands = self._operands_ready(instruction, ready)
            busy, least, most = self.rules.occupancy(instruction)
            if older is not None and operands <= group and self.rules.together(older, instruction):
                older = None
            else:
                group, older = max(clock, operands), instruction
            end = max(clock, group + busy)
            added = end - clock
            costs.append(Cycles(added, max(0.0, added + least - busy), added + most - busy))
            clock = end
            for register in instruction.results:
                ready[register] = (group + busy - 1, instruction)
            for number, register in enumerate(instruction.loaded, start=1):
                ready[register] = (group + ceil(number * busy / len(instruction.loaded)) - 1, instruction)
            if instruction.updates_base:
                for register in instruction.addresses - instruction.results:
                    ready.pop(register, None)
        return costs

    def _operands_ready(self, instruction: Instruction, ready: dict[str, tuple[float, Instruction]]) -> float:
        latest = 0.0
        operand = Role.STORED if instruction.words and not instruction.results else Role.OPERAND
        for registers, role in (
            (instruction.sources, operand),
            (instruction.addresses, Role.ADDRESS),
            (instruction.accumulators, Role.ACCUMULATOR),
        ):
            for register in registers & ready.keys():
                issued, producer = ready[register]
                latest = max(latest, issued + self.rules.latency(producer, instruction, role))
        return latest

    def taken(self, instructions: Sequence[Instruction], target: Instruction, address: int) -> Cycles:
        """Return what the jump at the block's end adds."""
        return self.jump(instructions, target, address)

    def mispredicted(self, taken: int, fallen_through: int) -> Cycles:
        """Return the cost where a branch goes the rarer of its two ways: a two-bit predictor misses about those."""
        missed = min(taken, fallen_through)
        return self.misprediction.times(missed) if missed else exactly(0)
