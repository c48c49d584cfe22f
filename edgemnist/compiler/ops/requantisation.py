"""Which requantisation kernel is exact for a given multiplier and range of values."""

from __future__ import annotations

from edgemnist.compiler.fixedpoint import INT32_MAX, Multiplier
from edgemnist.compiler.graph import Node
from edgemnist.compiler.ops.fields import Field, int16

LARGEST_EXPONENT = 30
"""A value is shifted up by so many bits at most before it is multiplied."""


FAST_LIMIT = 2**30
"""``em_requantise`` doubles its value, so it has to stay below this."""


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


def is_fast(bound: int, multiplier: Multiplier, zero_point: int) -> bool:
    """Return whether ``em_requantise`` is exact for every ``|value| <= bound``; see its contract in em_common.h."""
    shift = -multiplier.exponent
    if not 1 <= shift <= 30 or bound >= FAST_LIMIT:
        return False
    largest = (abs(zero_point) << shift) + (1 << (shift - 1)) + _largest_product(bound, multiplier) + 1
    return largest <= INT32_MAX


def rounds_to_nothing(bound: int, multiplier: Multiplier) -> bool:
    """Return whether every ``|value| <= bound`` times ``multiplier`` is rounded to 0."""
    shift = -multiplier.exponent
    return multiplier.mantissa == 0 or (shift >= 1 and _largest_product(bound, multiplier) < 1 << (shift - 1))


def _largest_product(bound: int, multiplier: Multiplier) -> int:
    """Return a bound of the product before the shift, as ``saturating_rounding_doubling_high_multiply`` rounds it."""
    return ((bound * multiplier.mantissa + (1 << 30)) >> 31) + 1


def shift_field(multiplier: Multiplier, *, fast: bool) -> tuple[Field, ...]:
    """Return the struct field ``shift``: to the right for the usual requantisation, else an exponent."""
    return int16(shift=-multiplier.exponent if fast else multiplier.exponent)
