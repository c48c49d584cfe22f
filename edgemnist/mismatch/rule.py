"""What a candidate rule is, and where they are found: every module of ``rules/`` that defines ``RULE``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgemnist.mismatch.arithmetic import Arithmetic
from edgemnist.mismatch.case import Case, Predictions
from edgemnist.mismatch.layers import Layer
from edgemnist.mismatch.rounding import Rounding
from edgemnist.support.discovery import modules_of

DESCRIBING = 4
"""The rank of rules that describe bytes without explaining them."""

Changes = Iterator[tuple[str, Arithmetic]]
"""Other arithmetics of an operator, each with what is different in a few words where there are several."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How a runtime's bytes may come about that differ from the oracle's.

    ``name``: a few words; ``says``: what the runtime does, to stand after "the operator"; ``remedy``: what to do about
    it. Of two rules that both reproduce the bytes the one with the lower ``rank`` is named: 1 what runtimes are known
    to do, 2 mistakes of arithmetic, 3 of memory, 4 what describes bytes without explaining them.
    """

    name: str
    says: str
    remedy: str
    rank: int
    predict: Callable[[Case], Predictions] | None = None
    """Yields what the rule makes of a case; nothing where it does not apply, or changes nothing."""
    compute: Callable[[Case], Predictions] | None = None
    """The same from the operator's inputs alone, not from any output, so that it can be tried on further inputs."""
    change: Callable[[Layer], Changes] | None = None
    """Yields changed layers with weights."""
    alter: Callable[[Arithmetic], Changes] | None = None
    """Yields changes of any operator that requantises; nothing for those it has nothing to do with."""
    rounding: Rounding | None = None
    """A way of rounding, which can go with any other change of an arithmetic."""
    general: bool = False
    """Whether one of the same rank that is peculiar to the operator is named before it."""
    known_in: tuple[str, ...] = ()
    """Operators in which runtimes do it: there it is named before others of the same rank."""

    @property
    def is_change(self) -> bool:
        """Whether it changes an arithmetic otherwise than in its rounding."""
        return self.change is not None or self.alter is not None

    @property
    def is_law(self) -> bool:
        """Whether it says what comes out for any input."""
        return self.is_change or self.rounding is not None or self.compute is not None

    def changed(self, arithmetic: Arithmetic) -> Changes:
        """Yield what the rule makes of an arithmetic."""
        if self.rounding is not None and self.rounding != arithmetic.ending.rounding:
            yield "", arithmetic.with_ending(rounding=self.rounding)
        if self.alter is not None:
            yield from self.alter(arithmetic)
        if self.change is not None and isinstance(arithmetic, Layer):
            yield from self.change(arithmetic)


@functools.cache
def rules() -> tuple[Rule, ...]:
    """Return all rules, in the order in which they are preferred where nothing is known of the operator."""
    modules = modules_of("edgemnist.mismatch.rules")
    return tuple(
        sorted(
            (module.RULE for module in modules if hasattr(module, "RULE")), key=lambda rule: (rule.rank, rule.general)
        )
    )


def rules_for(kind: str) -> tuple[Rule, ...]:
    """Return all rules, in the order in which they are preferred for an operator."""
    return tuple(sorted(rules(), key=lambda rule: (rule.rank, kind not in rule.known_in)))
