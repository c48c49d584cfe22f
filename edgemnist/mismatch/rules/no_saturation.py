"""Outputs beyond 8 bits lose their upper bits."""

from __future__ import annotations

from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.rule import Changes, Rule


def _alter(arithmetic: Arithmetic) -> Changes:
    yield "", arithmetic.with_ending(wraps=True)


RULE = Rule(
    name="no saturation",
    says="stores outputs without limiting them, so that those beyond 8 bits wrap round",
    remedy="limit to -128..127 before the cast to int8_t",
    rank=2,
    alter=_alter,
)
