"""Cortex-M3: Arm Cortex-M3 Technical Reference Manual (100165, DDI 0337), "Processor instructions"."""

from __future__ import annotations

from edgemnist.mcu.timing.classes import InstructionClass
from edgemnist.mcu.timing.in_order import InOrderModel
from edgemnist.mcu.timing.instruction import Instruction
from edgemnist.mcu.timing.model import Cycles, between, exactly

C = InstructionClass

_ONE = (
    *(C.ALU, C.BIT_FIELD, C.SIMD, C.MULTIPLY, C.BRANCH, C.CONDITIONAL_BRANCH, C.CALL, C.INDIRECT_BRANCH),
    *(C.IT, C.NOP, C.UNKNOWN),
)

ARMV7M = {
    **dict.fromkeys(_ONE, exactly(1)),
    C.DIVIDE: between(2, 12),  # ends early, by the number of leading ones and zeros of the operands
    C.TABLE_BRANCH: exactly(3),  # two for the load, one for the addition, then the refill
    C.BARRIER: between(1, 4, 1),
    C.SYSTEM: between(1, 2),
}


def refill(leaving: Instruction, target: Instruction, address: int) -> Cycles:
    """Return P, the pipeline refill, 1 to 3: by the target's alignment and width and by how early its address is known.

    One cycle where the address is in the instruction, one more for an address from a register, two more for one from
    memory; one more where the target is a 32-bit instruction across two words of memory.
    """
    late = (
        2
        if leaving.kind in (C.LOAD, C.LOAD_MULTIPLE, C.TABLE_BRANCH)
        else 1
        if leaving.results | leaving.sources
        else 0
    )
    if leaving.kind is C.CONDITIONAL_BRANCH:  # CBZ reads a register, but its target is in the instruction
        late = 0
    split = 1 if not target.narrow and address % 4 else 0
    return between(1 if late < 2 else 2, 3, min(3, 1 + late + split))


MODEL = InOrderModel(
    core="cortex-m3",
    description=(
        "Cortex-M3 Technical Reference Manual (100165), table of processor instructions and its rules for neighbouring "
        "loads and stores; long multiplies and divides at the middle of their range"
    ),
    table={
        **ARMV7M,
        C.MULTIPLY_ACCUMULATE: exactly(2),
        C.LONG_MULTIPLY: between(3, 5),
        C.LONG_MULTIPLY_ACCUMULATE: between(4, 7),
    },
    refill=refill,
    pipelined=True,
)
