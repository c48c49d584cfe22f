"""Processor cores: what the cross compilers call them and which emulated core executes their code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from edgemnist.support.errors import InputError


@dataclass(frozen=True)
class Core:
    """A core. ``target`` is the compiler's (``edgemnist.compiler.targets``).

    ``architecture`` is "arm" or "riscv", ``elf_machine`` its number in ELF files. ``zig`` and ``gnu`` are flags of the
    two compilers; ``unicorn`` is the name of Unicorn's CPU model, None where it has none.
    """

    name: str
    title: str
    architecture: str
    elf_machine: int
    target: str
    zig: tuple[str, ...]
    gnu: tuple[str, ...]
    unicorn: str | None


def _cortex(number: str, unicorn: str | None, *, zig: str = "", hard_float: bool = False) -> Core:
    name = f"cortex-m{number}"
    return Core(
        name=name,
        title=f"Arm Cortex-M{number.replace('0plus', '0+')}",
        architecture="arm",
        elf_machine=40,
        target="cortex-m0plus" if number == "0" else name,
        zig=("-target", f"thumb-freestanding-eabi{'hf' if hard_float else ''}", f"-mcpu={name.replace('-', '_')}{zig}"),
        gnu=(f"-mcpu={name}", "-mthumb", f"-mfloat-abi={'hard' if hard_float else 'soft'}"),
        unicorn=unicorn,
    )


_KNOWN = (
    _cortex("0", "UC_CPU_ARM_CORTEX_M0"),
    _cortex("0plus", "UC_CPU_ARM_CORTEX_M0"),  # the same instructions, Armv6-M
    _cortex("3", "UC_CPU_ARM_CORTEX_M3"),
    _cortex("4", "UC_CPU_ARM_CORTEX_M4"),
    _cortex("7", "UC_CPU_ARM_CORTEX_M7"),
    _cortex("33", "UC_CPU_ARM_CORTEX_M33", zig="+dsp"),  # an option of the core that all chips here have
    # Vector instructions use the floating-point registers, which the compilers only touch with the hard-float ABI.
    _cortex("55", None, zig="+mve", hard_float=True),
    Core(
        name="rv32imc",
        title="RISC-V RV32IMC",
        architecture="riscv",
        elf_machine=243,
        target="rv32",
        zig=("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
        gnu=("-march=rv32imc_zicsr", "-mabi=ilp32"),
        unicorn=None,
    ),
)

CORES: Mapping[str, Core] = MappingProxyType({core.name: core for core in _KNOWN})
"""Every core by name."""


def find_core(name: str) -> Core:
    """Return a core by name.

    :raises InputError: there is no core of that name; lists those there are.
    """
    if name not in CORES:
        raise InputError(f"unknown core {name!r}; known: {', '.join(CORES)}")
    return CORES[name]
