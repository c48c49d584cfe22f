"""The places where `scripts/mutants` breaks the code are there, each once, and so are the tests that are to notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutant_places import PLACES, Place

REPOSITORY = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_the_place_is_there_once(place: Place) -> None:
    text = (REPOSITORY / place.file).read_text(encoding="utf-8")
    assert text.count(place.old) == 1
    assert all((REPOSITORY / test).exists() for test in place.tests if test.startswith("tests"))


def test_no_two_places_have_one_name() -> None:
    assert len({place.name for place in PLACES}) == len(PLACES)
