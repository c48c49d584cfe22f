"""Cortex-M4: Arm Cortex-M4 Technical Reference Manual (100166, DDI 0439), processor and FPU instruction tables."""

from __future__ import annotations

from edgemnist.mcu.timing.classes import InstructionClass
from edgemnist.mcu.timing.cortex_m3 import ARMV7M, refill
from edgemnist.mcu.timing.in_order import InOrderModel
from edgemnist.mcu.timing.model import between, exactly

C = InstructionClass

MODEL = InOrderModel(
    core="cortex-m4",
    description=(
        "Cortex-M4 Technical Reference Manual (100166), tables of processor and floating-point instructions and its "
        "rules for neighbouring loads and stores; divides at the middle of their range"
    ),
    table={
        **ARMV7M,
        **dict.fromkeys((C.MULTIPLY_ACCUMULATE, C.LONG_MULTIPLY, C.LONG_MULTIPLY_ACCUMULATE, C.FLOAT), exactly(1)),
        C.FLOAT_MOVE_PAIR: exactly(2),
        C.FLOAT_MULTIPLY_ACCUMULATE: exactly(3),
        C.FLOAT_DIVIDE: between(1, 14, 14),  # integer instructions behind it may complete meanwhile
    },
    refill=refill,
    pipelined=True,
    pipelined_updates=True,
)
