"""How a body for x86-64 is compiled to run on this CPU: with its instructions, or with what stands in for them."""

from __future__ import annotations

from pathlib import Path

from edgemnist.compiler.host_cpu import HostBody, bodies_here

_STAND_INS = {"AVX-512 VNNI": "TEST_AVX512_VNNI", "AVX-VNNI": "TEST_AVX_VNNI"}
_HEADER = Path(__file__).with_name("missing_vnni.h")


def runs_here(body: HostBody) -> bool:
    """Return whether ``flags_here`` makes the body run: VNNI is stood in for, AVX2 is not."""
    return body in bodies_here() or (body.name in _STAND_INS and any("avx2" in one.needs for one in bodies_here()))


def flags_here(body: HostBody, *, stood_in: bool = False) -> tuple[str, ...]:
    """Return the compiler flags of a body; ``stood_in``: as for a CPU that lacks its instructions."""
    if body.name not in _STAND_INS or (body in bodies_here() and not stood_in):
        return body.flags
    return ("-mavx2", f"-D{_STAND_INS[body.name]}", "-include", str(_HEADER))


def fewer(body: HostBody, every: int = 12) -> int:
    """Return of how many subjects one is enough: stood in for, a body is slow, and other machines try them all."""
    return 1 if body in bodies_here() else every
