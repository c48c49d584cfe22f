"""Processor cores: what the cross compilers call them and which emulated core executes their code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from edgemnist.support.choices import unknown


@dataclass(frozen=True)
class Core:
    """A core. ``target`` is the compiler's (``edgemnist.compiler.targets``).

    ``architecture`` is "arm" or "riscv", ``elf_machine`` its number in ELF files. ``zig`` and ``gnu`` are flags of the
    two compilers; ``unicorn`` is the name of Unicorn's CPU model, None where it has none. ``zig_fpu`` and ``gnu_fpu``
    take their place where the chip has the core's floating-point unit, which is an option; empty without that option.
    """

    name: str
    title: str
    architecture: str
    elf_machine: int
    target: str
    zig: tuple[str, ...]
    gnu: tuple[str, ...]
    unicorn: str | None
    zig_fpu: tuple[str, ...] = ()
    gnu_fpu: tuple[str, ...] = ()

    def with_fpu(self) -> Core:
        """Return the core with its floating-point unit in use."""
        return replace(self, zig=self.zig_fpu or self.zig, gnu=self.gnu_fpu or self.gnu)


def _zig(name: str, features: str, *, hard_float: bool) -> tuple[str, ...]:
    abi = f"eabi{'hf' if hard_float else ''}"
    return ("-target", f"thumb-freestanding-{abi}", f"-mcpu={name.replace('-', '_')}{features}")


_FPUS = {"fpv4-sp-d16": "+vfp4d16sp", "fpv5-sp-d16": "+fp_armv8d16sp"}
"""Floating-point units: GNU's names, and the features that tell clang of them."""


def _cortex(number: str, unicorn: str | None, *, zig: str = "", hard_float: bool = False, fpu: str = "") -> Core:
    name = f"cortex-m{number}"
    gnu = (f"-mcpu={name}", "-mthumb")
    return Core(
        name=name,
        title=f"Arm Cortex-M{number.replace('0plus', '0+')}",
        architecture="arm",
        elf_machine=40,
        target="cortex-m0plus" if number == "0" else name,
        zig=_zig(name, zig, hard_float=hard_float),
        gnu=(*gnu, f"-mfloat-abi={'hard' if hard_float else 'soft'}"),
        unicorn=unicorn,
        zig_fpu=_zig(name, zig + _FPUS[fpu], hard_float=True) if fpu else (),
        # Numbers are passed as without the unit, so that libraries that were built so still link.
        gnu_fpu=(*gnu, f"-mfpu={fpu}", "-mfloat-abi=softfp") if fpu else (),
    )


_KNOWN = (
    _cortex("0", "UC_CPU_ARM_CORTEX_M0"),
    _cortex("0plus", "UC_CPU_ARM_CORTEX_M0"),  # the same instructions, Armv6-M
    _cortex("3", "UC_CPU_ARM_CORTEX_M3"),
    _cortex("4", "UC_CPU_ARM_CORTEX_M4", fpu="fpv4-sp-d16"),
    _cortex("7", "UC_CPU_ARM_CORTEX_M7", fpu="fpv5-sp-d16"),
    # DSP is an option of the core that all chips here have.
    _cortex("33", "UC_CPU_ARM_CORTEX_M33", zig="+dsp", fpu="fpv5-sp-d16"),
    # Vector instructions use the floating-point registers, which the compilers only touch with the hard-float ABI.
    _cortex("55", None, zig="+mve+fp_armv8d16sp", hard_float=True),
    Core(
        name="rv32imc",
        title="RISC-V RV32IMC",
        architecture="riscv",
        elf_machine=243,
        target="rv32",
        zig=("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
        # Version 2.2 has the control registers; gcc finds its library for rv32imc by that name only.
        gnu=("-march=rv32imc", "-misa-spec=2.2", "-mabi=ilp32"),
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
        raise unknown("core", name, CORES)
    return CORES[name]
