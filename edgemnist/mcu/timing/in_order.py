"""Cortex-M0, M0+, M3 and M4: one instruction after another, each at the cycle count of the manual's table.

What neighbours change, on M3 and M4 (Technical Reference Manual, "Load/store timings"):

- A load after a load or a store after a load whose result doesn't form the address costs one cycle: their address and
  data phases overlap. On Cortex-M3 a load that updates its base register doesn't (measured by jnk0le, "pipeline cycle
  test", cortex_m3m4.md).
- A store with an immediate offset costs one cycle: the write buffer takes it. A load right behind a store waits one.
- A load or store waits one cycle for an address register that the instruction before it computed.

What neighbours may change, and only the bounds tell (manual and jnk0le; the published routines have hardly any of it):

- An IT behind a 16-bit instruction may be folded into it and take no cycle.
- A 32-bit load or store that overlaps with a load may fail to where it isn't aligned to a word.
- A load of several words right behind a store may wait one cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from edgemnist.mcu.timing.classes import InstructionClass
from edgemnist.mcu.timing.instruction import Instruction
from edgemnist.mcu.timing.model import NONE, Cycles, between, exactly

C = InstructionClass

Refill = Callable[[Instruction, Instruction, int], Cycles]
"""(instruction that jumps, target, target's address) -> cycles to refill the pipeline."""

_LOADS = frozenset({C.LOAD, C.FLOAT_LOAD})
_STORES = frozenset({C.STORE, C.FLOAT_STORE})
_LIST_LOADS = frozenset({C.LOAD_PAIR, C.LOAD_MULTIPLE})
_LISTS = _LIST_LOADS | {C.STORE_PAIR, C.STORE_MULTIPLE}
_COMPUTE = frozenset(
    {C.ALU, C.BIT_FIELD, C.SIMD, C.MULTIPLY, C.MULTIPLY_ACCUMULATE, C.LONG_MULTIPLY, C.LONG_MULTIPLY_ACCUMULATE}
)
_FLOAT_RESULTS = frozenset({C.FLOAT, C.FLOAT_MULTIPLY_ACCUMULATE, C.FLOAT_DIVIDE})


@dataclass(frozen=True)
class InOrderModel:
    """``table``: class -> cycles, where a class has one count; classes not named cost ``per_word`` for each word moved.

    ``pipelined``: the M3/M4 rules of this module's head; ``pipelined_updates``: so do loads that update their base.
    """

    core: str
    description: str
    table: Mapping[InstructionClass, Cycles]
    refill: Refill
    pipelined: bool
    pipelined_updates: bool = False
    armv8: bool = False

    def block(self, instructions: Sequence[Instruction]) -> list[Cycles]:
        """Return what each instruction costs; a branch at the end as if it were not taken."""
        before: Instruction | None = None
        costs: list[Cycles] = []
        for instruction in instructions:
            cost = self._alone(instruction)
            if self.pipelined and before is not None:
                cost = self._beside(before, instruction, cost)
            if instruction.conditional:
                cost = between(1, max(1, cost.high))  # one cycle when its condition fails
            costs.append(cost)
            before = instruction
        return costs

    def _alone(self, instruction: Instruction) -> Cycles:
        found = self.table.get(instruction.kind)
        if found is not None:
            return found
        if (
            self.pipelined
            and instruction.kind in _STORES
            and instruction.words == 1
            and not instruction.register_offset
        ):
            return exactly(1)
        return exactly(1 + instruction.words)

    def _beside(self, before: Instruction, instruction: Instruction, cost: Cycles) -> Cycles:
        """Return ``cost`` of ``instruction`` right behind ``before``."""
        single = instruction.kind in _LOADS | _STORES
        if single and before.kind in _LOADS and instruction.words == 1:
            if self._address_late(before, instruction):
                return cost
            return exactly(1) if instruction.narrow else between(1, 2, 1)
        if (single or instruction.kind in _LISTS) and before.kind in _COMPUTE:
            return cost.plus(exactly(1)) if before.results & instruction.addresses else cost
        if instruction.kind in _LOADS and before.kind in _STORES:
            return cost.plus(between(0, 1, 1))
        if instruction.kind in _LIST_LOADS and before.kind in _STORES:
            return cost.plus(between(0, 1, 0))
        if instruction.kind is C.IT and before.narrow:
            return between(0, 1, 1)
        if before.kind in _FLOAT_RESULTS and instruction.kind in _FLOAT_RESULTS:
            waits = before.results & (instruction.sources | instruction.accumulators)
            return cost.plus(exactly(1)) if waits else cost
        return cost

    def _address_late(self, before: Instruction, instruction: Instruction) -> bool:
        """Return whether a load or store can't overlap with the load before it."""
        if instruction.updates_base and not self.pipelined_updates and instruction.kind in _LOADS:
            return True
        made = before.results | before.addresses if before.updates_base else before.results
        return bool(made & instruction.addresses)

    def taken(self, instructions: Sequence[Instruction], target: Instruction, address: int) -> Cycles:
        """Return the pipeline refill."""
        return self.refill(instructions[-1], target, address)

    def mispredicted(self, taken: int, fallen_through: int) -> Cycles:
        """Return nothing: these cores don't predict."""
        return NONE
