"""How far a share is from luck."""

from __future__ import annotations

import pytest

from edgemnist.support.statistics import is_at_chance, standard_error


def test_standard_error_of_a_share() -> None:
    assert standard_error(0.5, 100) == pytest.approx(0.05)
    assert standard_error(0.2, 4) == pytest.approx(0.2)
    assert standard_error(0.3, 0) == 0


def test_two_standard_errors_above_chance_are_luck() -> None:
    assert is_at_chance(0.6, 0.5, 100)
    assert not is_at_chance(0.61, 0.5, 100)
