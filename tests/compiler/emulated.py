"""Generated C on emulated Cortex-M and RV32 cores: many networks in one image.

Each is called by its address; there is no start-up code.

The arena ends where the memory ends, so that a kernel that reads over it is caught.
"""

from __future__ import annotations

import importlib
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.emit import EmitSettings, emit
from edgemnist.compiler.lowering import Program
from edgemnist.compiler.memory import Plan
from edgemnist.mcu.cores import Core
from edgemnist.mcu.elf import ElfImage, read_elf
from edgemnist.mcu.profile import ENTRY, ExecutionProfile
from edgemnist.mcu.toolchain import TOOLCHAINS, WARNINGS
from edgemnist.support.resources import firmware_folder

_FLASH, _FLASH_BYTES = 0x08000000, 0x1000000
_RETURN = _FLASH + _FLASH_BYTES - 16
_ARENA_END, _RAM_BYTES = 0x20100000, 0x100000
_STACK_TOP = 0x30000000 + _RAM_BYTES
_SECTIONS = f"""PHDRS {{ flash PT_LOAD; ram PT_LOAD; }}
SECTIONS
{{
  . = {_FLASH:#x};
  .text : {{ *(.text*) *(.rodata*) }} :flash
  .data : {{ *(.data*) }} :flash
  .bss 0x50000000 (NOLOAD) : {{ *(.bss*) }} :ram
}}
"""
_FLAGS = ("-ffreestanding", "-fomit-frame-pointer", "-std=c99", *WARNINGS)


def build(sources: dict[str, str], core: Core, toolchain: str, optimisation: str) -> ElfImage:
    """Compile ``networks.c``, which is among ``sources``, for a core; nothing is left out of the image."""
    chain = TOOLCHAINS[toolchain]
    root = firmware_folder() / "platform"
    with tempfile.TemporaryDirectory(prefix="emulated-") as temporary:
        folder = Path(temporary)
        for name, text in {**sources, "sections.ld": _SECTIONS}.items():
            (folder / name).write_text(text)
        command = [*chain.command(core), *_FLAGS, *optimisation.split(), "-I.", f"-I{root / 'include'}", "networks.c"]
        link = [
            str(root / "memory.c"),
            "-Wl,-T,sections.ld",
            "-Wl,--entry=0",
            "-Wl,--no-gc-sections",
            *chain.libraries(),
        ]
        chain.run([*command, *link, "-o", "networks.elf"], folder)
        return read_elf(folder / "networks.elf")


def build_networks(
    networks: Sequence[tuple[Program, Plan]], core: Core, toolchain: str, optimisation: str
) -> ElfImage:  # fmt: skip
    """Compile networks into one image; network N is called ``mN``. All of them have the same target."""
    sources: dict[str, str] = {}
    for number, (program, plan) in enumerate(networks):
        sources |= emit(program, plan, EmitSettings(name=f"m{number}", command="emulated"))
    sources["networks.c"] = "".join(f'#include "m{number}.c"\n' for number in range(len(networks)))
    return build(sources, core, toolchain, optimisation)


@dataclass(frozen=True)
class _InstructionSet:
    """What calls need to know; ``lowest_bit`` is that of addresses of code."""

    name: str
    arguments: tuple[str, ...]
    link: str
    lowest_bit: int

    def register(self, name: str) -> int:
        """Return unicorn's number of a register."""
        constants = importlib.import_module(f"unicorn.{self.name}_const")
        return int(getattr(constants, f"UC_{self.name.upper()}_REG_{name}"))

    def machine(self, core: Core) -> Any:
        """Return an empty machine of unicorn's."""
        import unicorn

        if self.name == "riscv":
            return unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        machine = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        machine.ctl_set_cpu_model(getattr(importlib.import_module("unicorn.arm_const"), str(core.unicorn)))
        return machine


_THUMB = _InstructionSet("arm", ("R0", "R1", "R2", "R3"), "LR", 1)
_RISCV = _InstructionSet("riscv", ("A0", "A1", "A2", "A3"), "RA", 0)


class Machine:
    """A core with an image in its flash."""

    def __init__(self, image: ElfImage, core: Core) -> None:
        import unicorn

        self._image, self._instruction_set = image, _RISCV if core.architecture == "riscv" else _THUMB
        self._core: Any = self._instruction_set.machine(core)
        self._core.mem_map(_FLASH, _FLASH_BYTES, unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC)
        for end in (_ARENA_END, _STACK_TOP):
            self._core.mem_map(end - _RAM_BYTES, _RAM_BYTES, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        for address, content in image.segments:
            self._core.mem_write(address, content)

    def call(self, function: str, *arguments: int) -> int:
        """Call a function with up to four words; return its result as int32."""
        core, taken = self._core, self._instruction_set
        for name, value in zip(taken.arguments, arguments, strict=False):
            core.reg_write(taken.register(name), value & 0xFFFFFFFF)
        core.reg_write(taken.register("SP"), _STACK_TOP)
        core.reg_write(taken.register(taken.link), _RETURN | taken.lowest_bit)
        core.emu_start(self._image.symbols[function].address | taken.lowest_bit, _RETURN)
        result = int(core.reg_read(taken.register(taken.arguments[0])))
        return result - (1 << 32) if result >= 1 << 31 else result

    def instructions(self, number: int, program: Program, plan: Plan, image: NDArray[Any]) -> int:
        """Return how many instructions network ``number`` executes for an input."""
        import unicorn

        found = [0]

        def count(*_: object) -> None:
            found[0] += 1

        hook = self._core.hook_add(unicorn.UC_HOOK_CODE, count)
        self.run(number, program, plan, image)
        self._core.hook_del(hook)
        return found[0]

    def profile(self, number: int, program: Program, plan: Plan, image: NDArray[Any]) -> ExecutionProfile:
        """Return the basic blocks that network ``number`` executes for an input, as straight code."""
        import unicorn

        times: Counter[int] = Counter()
        sizes: dict[int, int] = {}

        def entered(_: object, address: int, size: int, __: object) -> None:
            times[address] += 1
            sizes[address] = size

        hook = self._core.hook_add(unicorn.UC_HOOK_BLOCK, entered)
        self.run(number, program, plan, image)
        self._core.hook_del(hook)
        edges = {(ENTRY, address): count for address, count in times.items() if address != _RETURN}
        return ExecutionProfile(edges, sizes, self._image.code)

    def run(self, number: int, program: Program, plan: Plan, image: NDArray[Any]) -> NDArray[Any]:
        """Run network ``number`` on an input of its shape; return its output."""
        graph = program.graph
        output = graph.tensors[graph.output]
        arena, apart = _ARENA_END - plan.size, program.settings.input_apart
        self._core.mem_write(arena, b"\xa5" * plan.size)
        given = _ARENA_END - _RAM_BYTES if apart else arena + plan.tensor_offset(graph.root(graph.input))
        self._core.mem_write(given, image.tobytes())
        self.call(f"m{number}_run_in", arena, given)
        found = self._core.mem_read(arena + plan.tensor_offset(graph.root(graph.output)), output.bytes)
        return np.frombuffer(bytes(found), np.dtype(output.dtype)).reshape(output.shape)
