"""Why a core stopped: the registers of a fault, decoded to sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ARM_EXCEPTIONS = {
    1: "Reset",
    2: "NMI",
    3: "HardFault",
    4: "MemManage fault",
    5: "BusFault",
    6: "UsageFault",
    7: "SecureFault",
    11: "SVCall",
    12: "DebugMonitor",
    14: "PendSV",
    15: "SysTick",
}
_CFSR_CAUSES = {
    0: "fetched an instruction from memory that must not be executed",
    1: "read or wrote memory that the memory protection unit forbids",
    3: "forbidden memory when returning from an exception (stack pointer wrong?)",
    4: "forbidden memory when entering an exception: the stack has probably overflowed",
    5: "forbidden memory when saving floating-point registers (stack overflow?)",
    8: "bus error on fetching an instruction: jumped to where no memory is",
    9: "bus error on reading or writing data, at the instruction in pc",
    10: "bus error on a buffered write, some instructions before pc",
    11: "bus error when returning from an exception (stack pointer wrong?)",
    12: "bus error when entering an exception: the stack has probably overflowed",
    13: "bus error when saving floating-point registers (stack overflow?)",
    16: "undefined instruction: built for another core, or jumped into data",
    17: "the Thumb bit is clear: jumped to an even address, or the interworking state is wrong",
    18: "invalid return from an exception: the stack is probably overwritten",
    19: "a coprocessor or floating-point instruction while that unit is off or absent",
    20: "stack overflow: the stack pointer went below its limit (Armv8-M)",
    24: "unaligned access",
    25: "division by zero",
}
_HFSR_CAUSES = {
    1: "bus error on reading the vector table",
    31: "breakpoint without a debugger: a failed check, or semihosting on a board",
}
_MMFAR_VALID, _BFAR_VALID, _FORCED, _THUMB = 1 << 7, 1 << 15, 1 << 30, 1 << 24
_RISCV_KIND = 0x1000
_RISCV_CAUSES = {
    0: "instruction address misaligned",
    1: "fetched an instruction where none may be",
    2: "illegal instruction",
    3: "breakpoint",
    4: "misaligned load",
    5: "load from where no memory is",
    6: "misaligned store",
    7: "store to where no memory is",
    8: "environment call from user mode",
    11: "environment call from machine mode",
}
_UNRECORDED = (
    "the core has recorded no cause (Armv6-M never does): typical are an unaligned access, "
    "an address where no memory is, a stack overflow, code for another core"
)


@dataclass(frozen=True)
class Fault:
    """The registers of a core that stopped on a fault; 0 what the core has not.

    ``kind``: Cortex-M's exception number, or 0x1000 + RISC-V's mcause. Meanings: Arm's architecture reference manuals
    DDI 0419 (Armv6-M), DDI 0403 (Armv7-M: CFSR, HFSR), DDI 0553 (Armv8-M), and the RISC-V privileged specification.
    """

    kind: int
    pc: int
    lr: int
    sp: int
    xpsr: int
    cfsr: int
    hfsr: int
    mmfar: int
    bfar: int

    @property
    def riscv(self) -> bool:
        """Whether the core is a RISC-V one."""
        return self.kind >= _RISCV_KIND

    @property
    def exception(self) -> str:
        """The exception's name."""
        return f"RISC-V trap {self.kind - _RISCV_KIND}" if self.riscv else _arm_exception(self.kind)

    @property
    def causes(self) -> tuple[str, ...]:
        """What the registers tell, a sentence each; never empty."""
        if self.riscv:
            cause = _RISCV_CAUSES.get(self.kind - _RISCV_KIND, f"mcause {self.kind - _RISCV_KIND}")
            return (f"{cause} (mtval 0x{self.bfar:08x})",)
        causes = [*_causes_of_bits(self.cfsr, _CFSR_CAUSES), *_causes_of_bits(self.hfsr, _HFSR_CAUSES)]
        if self.cfsr & _MMFAR_VALID:
            causes.append(f"the forbidden address is 0x{self.mmfar:08x}")
        if self.cfsr & _BFAR_VALID:
            causes.append(f"the address of the bus error is 0x{self.bfar:08x}")
        if not self.cfsr | self.hfsr:
            causes.append(_UNRECORDED if self.xpsr & _THUMB else f"{_CFSR_CAUSES[17]}; {_UNRECORDED}")
        elif self.hfsr & _FORCED and not self.cfsr:
            causes.append("a fault that its own handler could not take")
        if self.xpsr & 0x1FF:
            causes.append(f"it happened in the handler of {_arm_exception(self.xpsr & 0x1FF)}")
        return tuple(causes)

    def __str__(self) -> str:
        """Return exception, place and causes in several lines."""
        place = f"{self.exception} at pc 0x{self.pc:08x} (lr 0x{self.lr:08x}, sp 0x{self.sp:08x})"
        return "\n".join([place, *(f"  - {cause}" for cause in self.causes)])


def _arm_exception(number: int) -> str:
    if number >= 16:
        return f"interrupt {number - 16}"
    return _ARM_EXCEPTIONS.get(number, f"exception {number}")


def _causes_of_bits(register: int, causes: Mapping[int, str]) -> list[str]:
    return [cause for bit, cause in causes.items() if register >> bit & 1]
