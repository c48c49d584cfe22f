"""Cortex-M0+: Arm Cortex-M0+ Technical Reference Manual (DDI 0484C), table 3-1.

The single-cycle multiplier is an option of the chip: without it MULS takes 32 cycles.
"""

from __future__ import annotations

from edgemnist.mcu.timing.classes import InstructionClass
from edgemnist.mcu.timing.cortex_m0 import ARMV6M
from edgemnist.mcu.timing.in_order import InOrderModel
from edgemnist.mcu.timing.instruction import Instruction
from edgemnist.mcu.timing.model import Cycles, exactly

C = InstructionClass


def _refill(leaving: Instruction, target: Instruction, address: int) -> Cycles:
    """Return the manual's count of a jump less what the instruction costs without one.

    B, BX, BLX and writes to the program counter 2, BL 3, POP with return 3 + N where N leaves the PC out.
    """
    return exactly(2 if leaving.kind is C.CALL and not leaving.sources else 1)


MODEL = InOrderModel(
    core="cortex-m0plus",
    description=(
        "Cortex-M0+ Technical Reference Manual (DDI 0484C), table 3-1, with the single-cycle multiplier and every "
        "access through AHB-Lite"
    ),
    table={**ARMV6M, C.BARRIER: exactly(3), C.SYSTEM: exactly(3)},
    refill=_refill,
    pipelined=False,
)
