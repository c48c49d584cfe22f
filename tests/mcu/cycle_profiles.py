"""Execution profiles made by hand, from halfwords of Thumb code."""

from __future__ import annotations

from collections.abc import Mapping

from edgemnist.mcu.cycles import CycleEstimate, estimate
from edgemnist.mcu.profile import ENTRY, ExecutionProfile

ORIGIN = 0x8000


def machine_code(halfwords: str) -> bytes:
    """Return "1888 6808" as little-endian code."""
    return b"".join(int(halfword, 16).to_bytes(2, "little") for halfword in halfwords.split())


def straight(code: bytes, *, times: int = 1) -> ExecutionProfile:
    """Return a profile of one block, entered ``times``."""
    return ExecutionProfile({(ENTRY, ORIGIN): times}, {ORIGIN: len(code)}, lambda address, size: code)


def placed(blocks: Mapping[int, str], edges: Mapping[tuple[int, int], int]) -> ExecutionProfile:
    """Return a profile of several blocks: address -> halfwords."""
    code = {address: machine_code(halfwords) for address, halfwords in blocks.items()}
    return ExecutionProfile(edges, {address: len(one) for address, one in code.items()}, lambda at, size: code[at])


def cycles(core: str, profile: ExecutionProfile, **flash: int | None) -> CycleEstimate:
    """Return the estimate for a core that has a model."""
    found = estimate(core, profile, **flash)  # type: ignore[arg-type]
    assert isinstance(found, CycleEstimate)
    return found
