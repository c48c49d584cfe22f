"""Outputs beyond their type lose their upper bits."""

from __future__ import annotations

from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.rule import Changes, Rule


def _alter(arithmetic: Arithmetic) -> Changes:
    yield "", arithmetic.with_ending(wraps=True)


RULE = Rule(
    name="no saturation",
    says="stores outputs without limiting them, so that those beyond their type wrap round",
    remedy="limit to the type, -128..127 for int8_t, before the cast",
    rank=2,
    alter=_alter,
)
