"""Cortex-M7: no public table (Technical Reference Manual DDI 0489 has none); measured rules.

Sources: jnk0le, "pipeline cycle test", cortex_m7.md (github.com/jnk0le/random), measured on an STM32H743; Quinapalus,
"Cortex-M7 instruction cycle counts, timings, and dual-issue combinations", measured on an STM32H730. Code and data in
tightly coupled memory or cache, always hit. Assumed, for want of a measurement: two loads issue together (they do if
they lie in different banks); divides take 3 to 12.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil

from edgemnist.mcu.timing.classes import InstructionClass
from edgemnist.mcu.timing.instruction import Instruction
from edgemnist.mcu.timing.model import Cycles, between, exactly
from edgemnist.mcu.timing.scoreboard import Role, Rules, ScoreboardModel

C = InstructionClass

_MULTIPLIES = frozenset({C.MULTIPLY, C.MULTIPLY_ACCUMULATE, C.LONG_MULTIPLY, C.LONG_MULTIPLY_ACCUMULATE})
_FLOATS = frozenset({C.FLOAT, C.FLOAT_MULTIPLY_ACCUMULATE})
_STORES = frozenset({C.STORE, C.FLOAT_STORE})
_LISTS = frozenset(
    {C.LOAD_PAIR, C.STORE_PAIR, C.LOAD_MULTIPLE, C.STORE_MULTIPLE, C.FLOAT_LOAD_MULTIPLE, C.FLOAT_STORE_MULTIPLE}
)
_ALONE = _LISTS | {C.DIVIDE, C.FLOAT_DIVIDE, C.FLOAT_MOVE_PAIR, C.BARRIER, C.SYSTEM, C.UNKNOWN, C.TABLE_BRANCH}
_BIT_OR_SIMD = frozenset({C.BIT_FIELD, C.SIMD})
_EARLY = ("add", "sub", "mov", "lsl", "lsr", "asr", "ror", "addw", "subw", "movw", "movt")


@lru_cache(maxsize=65536)
def _together(older: Instruction, younger: Instruction) -> bool:
    """Not two multiplies, nor a multiply and a store, two stores, two bit-field or SIMD, two shifted operands, two
    floats; bit-field and SIMD only as the older of two; loads and stores of several words, divides and system alone.
    """
    if older.kind in _ALONE or younger.kind in _ALONE or older.conditional or younger.kind in _BIT_OR_SIMD:
        return False
    kinds = {older.kind, younger.kind}
    multiplies = sum(one.kind in _MULTIPLIES for one in (older, younger))
    stores = sum(one.kind in _STORES for one in (older, younger))
    shifted = older.shifted or older.kind is C.BIT_FIELD
    return multiplies + stores < 2 and not (shifted and younger.shifted) and not kinds <= _FLOATS


def _is_early(instruction: Instruction) -> bool:
    return instruction.kind is C.ALU and instruction.operation in _EARLY and not instruction.shifted


@lru_cache(maxsize=65536)
def _latency(producer: Instruction, consumer: Instruction, role: Role) -> int:
    """Two arithmetic stages, one cycle apart: addresses, shifted operands and bit fields need theirs for the first."""
    early = role is Role.ADDRESS or consumer.shifted or consumer.kind is C.BIT_FIELD
    if role is Role.STORED:
        return 0
    if producer.kind in (C.LOAD, C.LOAD_PAIR, C.LOAD_MULTIPLE):
        part = producer.operation not in ("ldr", "ldrd", "ldm", "ldmia", "ldmdb", "pop")
        multiplied = consumer.kind in _MULTIPLIES and role is Role.OPERAND
        return 1 + part + (early or (multiplied and not part))
    if producer.kind in _MULTIPLIES:
        return 1 if role is Role.ACCUMULATOR else 2 + (role is Role.ADDRESS)
    if producer.kind is C.FLOAT_MULTIPLY_ACCUMULATE:
        return 3 if role is Role.ACCUMULATOR else 5
    if producer.kind is C.FLOAT:
        return 3
    if producer.kind is C.FLOAT_LOAD:
        return 3 if role is Role.ACCUMULATOR else 2
    if _is_early(producer):
        return 0 if consumer.kind is C.ALU and not early else 1
    return 2 if early else 1


@lru_cache(maxsize=65536)
def _occupancy(instruction: Instruction) -> Cycles:
    if instruction.kind in _LISTS:
        # One more without 16-bit instructions near by, or where a store of a list isn't aligned to eight bytes.
        cycles = max(1, ceil(instruction.words / 2))
        return between(cycles, cycles + 1, cycles)
    if instruction.kind is C.DIVIDE:
        return between(3, 12)
    if instruction.kind is C.FLOAT_DIVIDE:
        return exactly(16 if instruction.operation == "vdiv" else 14)
    if instruction.kind in (C.SYSTEM, C.BARRIER):
        return between(1, 4)
    return exactly(1)


def _jump(instructions: Sequence[Instruction], target: Instruction, address: int) -> Cycles:
    """A predicted jump may issue together with its target's first instruction, or not, by alignment: half a cycle."""
    return between(0, 1)


MODEL = ScoreboardModel(
    core="cortex-m7",
    description=(
        "no table by Arm: in-order dual issue by the pairing rules and latencies that jnk0le's pipeline cycle test and "
        "Quinapalus measured on STM32H7, every access a cache hit, a branch mispredicted when it goes its rarer way"
    ),
    rules=Rules(together=_together, latency=_latency, occupancy=_occupancy),
    jump=_jump,
    misprediction=between(6, 8),
)
