"""A profile's basic blocks as instructions, and how many of each class and mnemonic were executed."""

from __future__ import annotations

from collections import Counter

from edgemnist.mcu.profile import ExecutionProfile
from edgemnist.mcu.timing.classes import InstructionClass
from edgemnist.mcu.timing.instruction import Disassembler, Instruction
from edgemnist.support.errors import InputError


def _code(profile: ExecutionProfile, address: int) -> bytes:
    size = profile.sizes.get(address, 0)
    code = profile.code(address, size) if size else b""
    if len(code) < 2 or len(code) != size:
        raise InputError(
            f"the execution profile names a block of {size} bytes at 0x{address:x}, the image has {len(code)} bytes "
            "of code there; cycles can be estimated only for code in the image's flash"
        )
    return code


class Blocks:
    """The blocks of a profile, each disassembled once; with those that it was entered from, executed 0 times."""

    def __init__(self, profile: ExecutionProfile, *, armv8: bool) -> None:
        self.executions: dict[int, int] = dict(profile.executions())
        left = {address for address, _ in profile.edges if address in profile.sizes}
        disassembler = Disassembler(armv8=armv8)
        self.instructions: dict[int, tuple[Instruction, ...]] = {
            address: disassembler.block(_code(profile, address), address)
            for address in [*self.executions, *(left - self.executions.keys())]
        }

    def counts(self) -> Counter[InstructionClass]:
        """Return how many instructions of each class were executed."""
        found: Counter[InstructionClass] = Counter()
        for address, instructions in self.instructions.items():
            for instruction in instructions:
                found[instruction.kind] += self.executions.get(address, 0)
        return found

    def unknown(self) -> dict[str, int]:
        """Return how often each mnemonic in no table was executed."""
        found: Counter[str] = Counter()
        for address, instructions in self.instructions.items():
            for instruction in instructions:
                if instruction.kind is InstructionClass.UNKNOWN:
                    found[instruction.mnemonic] += self.executions.get(address, 0)
        return dict(found.most_common())
