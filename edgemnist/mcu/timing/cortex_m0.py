"""Cortex-M0: Arm Cortex-M0 Technical Reference Manual (DDI 0432C), table 3-1.

The single-cycle multiplier is an option of the chip: without it MULS takes 32 cycles.
"""

from __future__ import annotations

from edgemnist.mcu.timing.classes import InstructionClass
from edgemnist.mcu.timing.in_order import InOrderModel
from edgemnist.mcu.timing.instruction import Instruction
from edgemnist.mcu.timing.model import Cycles, exactly

C = InstructionClass

ARMV6M = dict.fromkeys(
    (C.ALU, C.BIT_FIELD, C.MULTIPLY, C.BRANCH, C.CONDITIONAL_BRANCH, C.CALL, C.INDIRECT_BRANCH, C.NOP, C.UNKNOWN),
    exactly(1),
)


def _refill(leaving: Instruction, target: Instruction, address: int) -> Cycles:
    """Return the manual's count of a jump less what the instruction costs without one.

    B, BX, BLX and writes to the program counter 3, BL 4, POP with return 4 + N where N leaves the PC out.
    """
    return exactly(3 if leaving.kind is C.CALL and not leaving.sources else 2)


MODEL = InOrderModel(
    core="cortex-m0",
    description="Cortex-M0 Technical Reference Manual (DDI 0432C), table 3-1, with the single-cycle multiplier",
    table={**ARMV6M, C.BARRIER: exactly(4), C.SYSTEM: exactly(4)},
    refill=_refill,
    pipelined=False,
)
