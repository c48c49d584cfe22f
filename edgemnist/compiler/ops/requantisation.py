"""Which requantisation kernel is exact for a given multiplier and range of values."""

from __future__ import annotations

from edgemnist.compiler.fixedpoint import INT32_MAX, Multiplier, saturating_rounding_doubling_high_multiply
from edgemnist.compiler.graph import Node

LARGEST_EXPONENT = 30
"""A value is shifted up by so many bits at most before it is multiplied."""


def check_multiplier(node: Node, multiplier: Multiplier) -> list[str]:
    """Return a problem when no kernel can multiply with ``multiplier``."""
    if multiplier.exponent <= LARGEST_EXPONENT:
        return []
    return [
        f"{node.label}: the output's scale is 2^{LARGEST_EXPONENT} times finer than the input's; "
        "convert the model again with representative data"
    ]


def kernel_name(body: str, *, fast: bool) -> str:
    """Return the kernel of ``body`` with the usual requantisation, or with the one for any multiplier."""
    return body if fast else f"{body}_any"


def fast_shift(bound: int, multiplier: Multiplier, zero_point: int) -> bool:
    """Return whether ``em_requantise`` is exact for every ``|value| <= bound``; see its contract in em_common.h."""
    shift = -multiplier.exponent
    product = int(saturating_rounding_doubling_high_multiply(bound, multiplier.mantissa)) + 1
    return (
        1 <= shift <= 30 and bound < 2**30 and abs(zero_point) * 2**shift + 2 ** (shift - 1) + product + 1 <= INT32_MAX
    )
