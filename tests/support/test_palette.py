"""Colours that everybody tells apart, on both grounds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgemnist.support.palette import DARK, LIGHT, Theme, block_colours, contrast, css_variables, drawn_dark, theme

pytestmark = pytest.mark.unit

# Linear RGB as people without L, M or S cones see it: Machado, Oliveira, Fernandes (2009), severity 1.
DEFICIENCIES = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "none": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
}


def lab(colour: str, deficiency: str) -> NDArray[np.float64]:
    """Return CIELAB of #rrggbb as somebody sees it."""
    parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(DEFICIENCIES[deficiency]) @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ seen / np.array([0.9505, 1.0, 1.089])
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_the_first_series_are_told_apart_by_everybody(colours: Theme, deficiency: str) -> None:
    """A difference of 15 in CIELAB is seen at a glance; from the fourth on the shapes of points help."""
    seen = [lab(one, deficiency) for one in colours.series[:3]]
    assert min(float(np.linalg.norm(one - other)) for one, other in itertools.combinations(seen, 2)) > 15


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_what_is_drawn_stands_out(colours: Theme) -> None:
    assert min(contrast(one, colours.paper) for one in (colours.ink, colours.soft, *colours.series)) >= 4.5
    assert min(contrast(colours.on_block, one) for one in (*colours.blocks, colours.scratch)) >= 4.5


def test_the_theme_is_that_of_the_block() -> None:
    with drawn_dark(True):
        assert theme() is DARK
        with drawn_dark(False):
            assert theme() is LIGHT
        assert theme() is DARK
    assert theme() is LIGHT


def test_the_style_sheet_has_every_colour() -> None:
    text = css_variables(DARK)
    assert all(colour in text for colour in (*DARK.series, *DARK.blocks, *DARK.wrong, DARK.paper, DARK.on_wrong))


blocks = st.tuples(st.integers(0, 12), st.integers(0, 4)).map(lambda one: (one[0], one[0] + one[1]))


@given(st.lists(blocks, max_size=20))
def test_blocks_that_meet_have_colours_of_their_own(found: list[tuple[int, int]]) -> None:
    colours = block_colours(found, 6)
    assert len(colours) == len(found)
    assert set(colours) <= set(range(6))
    for place, (first, last) in enumerate(found):
        beside = [other for other in range(place) if found[other][0] <= last + 1 and found[other][1] >= first - 1]
        if len(beside) < 6:
            assert colours[place] not in [colours[other] for other in beside]
