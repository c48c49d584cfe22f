"""Cortex-M33: no public table (Technical Reference Manual 100230 has none); measured rules.

Source: jnk0le, "pipeline cycle test", cortex_m33.md (github.com/jnk0le/random), measured on a Cortex-M33 r1p0 (RP2350);
MULS: Arm knowledge article KA001260. Assumed, for want of a measurement: divides as on Cortex-M4; long multiplies like
other multiplies; an address from a register or from memory costs a jump one cycle more.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from edgemnist.mcu.timing.classes import InstructionClass
from edgemnist.mcu.timing.instruction import Instruction
from edgemnist.mcu.timing.model import Cycles, between, exactly
from edgemnist.mcu.timing.scoreboard import Role, Rules, ScoreboardModel

C = InstructionClass

_LOADS = frozenset({C.LOAD, C.LOAD_PAIR, C.LOAD_MULTIPLE})
_LISTS = frozenset(
    {C.LOAD_PAIR, C.STORE_PAIR, C.LOAD_MULTIPLE, C.STORE_MULTIPLE, C.FLOAT_LOAD_MULTIPLE, C.FLOAT_STORE_MULTIPLE}
)
_ACCUMULATING = frozenset({C.MULTIPLY, C.MULTIPLY_ACCUMULATE, C.LONG_MULTIPLY, C.LONG_MULTIPLY_ACCUMULATE})
_BRANCHES = frozenset({C.BRANCH, C.CONDITIONAL_BRANCH, C.CALL, C.INDIRECT_BRANCH, C.TABLE_BRANCH})
_SECOND = frozenset({C.BRANCH, C.CONDITIONAL_BRANCH, C.IT, C.NOP})
_ONE_STAGE = ("bfi", "bfc", "ubfx", "sbfx", "uxtb", "uxth", "sxtb", "sxth", "rev", "clz", "rbit")


@lru_cache(maxsize=65536)
def _together(older: Instruction, younger: Instruction) -> bool:
    """Two 16-bit instructions, the second a branch, IT or NOP."""
    narrow = older.narrow and younger.narrow
    return narrow and younger.kind in _SECOND and older.kind not in _BRANCHES | {C.IT, C.NOP}


@lru_cache(maxsize=65536)
def _latency(producer: Instruction, consumer: Instruction, role: Role) -> int:
    """A result is there in the next cycle, of a load, a multiply, SIMD or a shifted operand one later; an accumulator
    and a stored value are needed one cycle after the other operands.
    """
    late = role in (Role.ACCUMULATOR, Role.STORED)
    if producer.kind in _LOADS or producer.kind in _ACCUMULATING or producer.shifted:
        return 1 if late else 2
    if producer.kind is C.SIMD or (producer.kind is C.BIT_FIELD and not producer.operation.startswith(_ONE_STAGE)):
        return 2
    if producer.kind is C.FLOAT_MULTIPLY_ACCUMULATE:
        return 3 if role is Role.ACCUMULATOR else 4
    return 2 if producer.kind in (C.FLOAT, C.FLOAT_LOAD, C.FLOAT_MOVE_PAIR) else 1


@lru_cache(maxsize=65536)
def _occupancy(instruction: Instruction) -> Cycles:
    if instruction.kind in _LISTS:
        return exactly(max(1, instruction.words))
    if instruction.kind is C.DIVIDE:
        return between(2, 12)
    if instruction.kind is C.FLOAT_DIVIDE:
        return between(1, 14, 14)
    if instruction.kind in (C.SYSTEM, C.BARRIER):
        return between(1, 4)
    if instruction.kind is C.TABLE_BRANCH:
        return exactly(2)
    if instruction.kind is C.MULTIPLY and instruction.sets_flags:
        return between(1, 2, 2)
    assumed = instruction.kind in (C.LONG_MULTIPLY, C.LONG_MULTIPLY_ACCUMULATE)
    return between(1, 2, 1) if assumed else exactly(1)


def _jump(instructions: Sequence[Instruction], target: Instruction, address: int) -> Cycles:
    """A taken branch takes two cycles, one where it issues together with an instruction that leaves the flags alone."""
    leaving = instructions[-1]
    if leaving.kind in (C.LOAD_MULTIPLE, C.LOAD, C.TABLE_BRANCH):
        return between(2, 4)
    if leaving.kind is C.INDIRECT_BRANCH or (leaving.kind is C.CALL and leaving.sources):
        return between(1, 3)
    if len(instructions) > 1 and _together(instructions[-2], leaving):
        return exactly(2 if instructions[-2].sets_flags else 1)
    return exactly(1)


MODEL = ScoreboardModel(
    core="cortex-m33",
    description=(
        "no table by Arm: single issue with 16-bit branches, IT and NOP in parallel, and the latencies that jnk0le's "
        "pipeline cycle test measured on an RP2350; divides assumed as on Cortex-M4"
    ),
    rules=Rules(together=_together, latency=_latency, occupancy=_occupancy),
    jump=_jump,
    misprediction=exactly(0),
    armv8=True,
)
