"""Which bodies this machine can run, and what its compiler has to be told for them."""

from __future__ import annotations

import functools
import platform
from dataclasses import dataclass
from pathlib import Path

from edgemnist.support import processes

HOST = "host"
"""Stands for the target that suits the machine on which the code is generated."""

_CPU_INFO = Path("/proc/cpuinfo")
_AVX512 = ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512vnni")


@dataclass(frozen=True)
class HostBody:
    """A target, and the compiler flags with which its bodies take the instructions that ``name`` names.

    ``needs`` are flags of the CPU as Linux lists them.
    """

    name: str
    target: str
    flags: tuple[str, ...]
    needs: frozenset[str]


BODIES = (
    HostBody(
        "AVX-512 VNNI", "x86-64-v3", ("-mavx2", *_AVX512),
        frozenset({"avx2", "avx512f", "avx512bw", "avx512vl", "avx512_vnni"}),
    ),
    HostBody("AVX-VNNI", "x86-64-v3", ("-mavx2", "-mavxvnni"), frozenset({"avx2", "avx_vnni"})),
    HostBody("AVX2", "x86-64-v3", ("-mavx2",), frozenset({"avx2"})),
    HostBody("SSE2", "x86-64", (), frozenset()),
)  # fmt: skip
"""Every way to run generated C on x86-64, the fastest first."""

ARM_BODIES = (
    HostBody("dot products", "cortex-a76", ("-march=armv8.2-a+dotprod",), frozenset({"asimddp"})),
    HostBody("NEON", "cortex-a72", (), frozenset()),
)
"""The same on 64-bit Arm."""

PORTABLE = HostBody("portable C", "portable", (), frozenset())


@functools.cache
def cpu_flags() -> frozenset[str]:
    """Return what Linux says of the first CPU; elsewhere nothing, but that every Mac with an Arm has dot products."""
    if platform.system() == "Darwin":
        return frozenset({"asimddp"})
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    found = (line.partition(":")[2] for line in lines if line.startswith(("flags", "Features")))
    return frozenset(next(found, "").split())


def bodies_here() -> tuple[HostBody, ...]:
    """Return the ways to run generated C that this CPU has, the fastest first."""
    machine = platform.machine()
    known = BODIES if machine in ("x86_64", "AMD64") else ARM_BODIES if machine in ("aarch64", "arm64") else (PORTABLE,)
    return tuple(body for body in known if body.needs <= cpu_flags())


def host_target() -> str:
    """Return the target whose bodies suit this machine."""
    return bodies_here()[0].target


def named_target(target: str) -> str:
    """Return a target's name, which ``host`` is not."""
    return host_target() if target == HOST else target


@functools.cache
def body_for(target: str, compiler: str) -> HostBody | None:
    """Return the fastest way to run a target's bodies that this CPU has and ``compiler`` knows; None without one."""
    return next((body for body in bodies_here() if body.target == target and _takes(compiler, body.flags)), None)


def _takes(compiler: str, flags: tuple[str, ...]) -> bool:
    command = [compiler, *flags, "-x", "c", "-fsyntax-only", "-"]
    return not flags or processes.run(command).returncode == 0
