"""How far a share of right answers is from what luck makes of it."""

from __future__ import annotations

import math

STANDARD_ERRORS = 2.0
"""A share of right answers that is no further above chance is chance."""


def standard_error(share: float, count: int) -> float:
    """Return the standard error of a share (0..1) of ``count`` draws, sqrt(p (1 - p) / n); of none it is 0."""
    return math.sqrt(share * (1 - share) / count) if count else 0.0


def is_at_chance(accuracy: float, chance: float, count: int) -> bool:
    """Whether a share of right pictures is not more than two standard errors of ``count`` pictures above chance."""
    return accuracy <= chance + STANDARD_ERRORS * standard_error(chance, count)


def paired_standard_error(gained: int, lost: int, count: int) -> float:
    """Return the standard error of a difference of two shares of right answers to the same ``count`` questions.

    ``gained`` are right in the second only, ``lost`` in the first only. It is that where neither is better, as in
    McNemar's test: sqrt(gained + lost) / n; of none it is 0.
    """
    return math.sqrt(gained + lost) / count if count else 0.0


def mcnemar_tail(won: int, lost: int) -> float:
    """Return how likely luck alone wins ``won`` or more of ``won + lost`` even chances (McNemar's exact test).

    One-sided; where nothing was won or lost it is 1. Source: McNemar (1947), with the binomial distribution itself.
    """
    total = won + lost
    ways, term = 0, math.comb(total, won)
    for wins in range(won, total + 1):
        ways += term
        term = term * (total - wins) // (wins + 1)  # the next binomial coefficient, exactly
    return ways / (1 << total)


def mcnemar(gained: int, lost: int) -> float:
    """Return the two-sided p-value of McNemar's exact test: how likely luck alone makes so uneven a pair, or more."""
    return min(1.0, 2 * mcnemar_tail(max(gained, lost), min(gained, lost)))
