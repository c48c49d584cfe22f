"""How far a share is from luck."""

from __future__ import annotations

from itertools import product

import pytest

from edgemnist.support.statistics import is_at_chance, mcnemar, mcnemar_tail, standard_error


def test_standard_error_of_a_share() -> None:
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert standard_error(0.2, 4) == pytest.approx(0.2)
    assert standard_error(0.3, 0) == 0


def test_two_standard_errors_above_chance_are_luck() -> None:
    assert is_at_chance(0.6, 0.5, 100)
    assert not is_at_chance(0.61, 0.5, 100)


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (1, 0), (3, 6), (6, 3), (4, 4), (10, 0)])
def test_mcnemar_counts_what_luck_would_do(won: int, lost: int) -> None:
    """Every way that fair coins can fall, counted one by one."""
    wins = [sum(coins) for coins in product((0, 1), repeat=won + lost)]
    assert mcnemar_tail(won, lost) == pytest.approx(sum(one >= won for one in wins) / len(wins))
    middle, far = (won + lost) / 2, abs(won - lost) / 2
    assert mcnemar(won, lost) == pytest.approx(sum(abs(one - middle) >= far for one in wins) / len(wins))
    assert mcnemar(won, lost) == mcnemar(lost, won)


def test_mcnemar_of_very_many() -> None:
    assert mcnemar(5000, 5000) == 1
    assert 0 < mcnemar(5200, 4800) < 0.0001
