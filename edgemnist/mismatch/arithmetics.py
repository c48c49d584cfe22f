"""Which arithmetic an operator has."""

from __future__ import annotations

import functools

from edgemnist.mismatch.addition import addition_of
from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.case import Case
from edgemnist.mismatch.layers import LAYERS, layer_of
from edgemnist.mismatch.pools import pool_of
from edgemnist.mismatch.scaled import BUILDERS
from edgemnist.mismatch.transposed import transposed_of


@functools.lru_cache(maxsize=16)
def arithmetic_of(case: Case) -> Arithmetic | None:
    """Return the arithmetic of an operator that requantises, as the oracle has it; None where none is known."""
    if case.kind in LAYERS:
        return layer_of(case)
    if case.kind == "TRANSPOSE_CONV":
        return transposed_of(case)
    if not case.requantises or (case.kind != "PRELU" and not case.is_compiled):
        return None
    if case.kind in ("ADD", "SUB"):
        return addition_of(case)
    if case.kind in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        return pool_of(case)
    return BUILDERS[case.kind](case) if case.kind in BUILDERS else None
