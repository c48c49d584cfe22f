"""Counts, histogram and places of differences, against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.harness.compare import same
from edgemnist.mismatch.tally import Tally


@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 3), st.sampled_from([0.0, 0.1, 1.0]))
def test_figures_are_those_of_all_images_together(seed: int, images: int, parts: int, share: float) -> None:
    draw = np.random.default_rng(seed)
    oracle = draw.integers(-128, 128, (images * parts, 1, 3, 2)).astype(np.int8)
    found = np.where(draw.random(oracle.shape) < share, draw.integers(-128, 128, oracle.shape), oracle).astype(np.int8)
    tally = Tally(oracle.shape[1:], "int8")
    for one, other in zip(np.split(found, parts), np.split(oracle, parts), strict=True):
        tally.add(one, other, one != other)
    result, gaps = tally.result(), found.astype(int) - oracle
    wrong = gaps[gaps != 0]
    assert (result.elements, result.differing) == (oracle.size, len(wrong))
    assert result.images == int((gaps != 0).any(axis=(1, 2, 3)).sum())
    assert result.bias == pytest.approx(wrong.mean() if len(wrong) else 0.0)
    assert (result.lowest, result.highest) == ((wrong.min(), wrong.max()) if len(wrong) else (0, 0))
    clipped = np.clip(wrong, -17, 17)
    assert dict(result.histogram) == {int(bar): int((clipped == bar).sum()) for bar in np.unique(clipped)}


def test_nan_is_nan() -> None:
    tally = Tally((2,), "float32")
    found, oracle = np.array([[np.nan, 1.0]], np.float32), np.array([[np.nan, 1.5]], np.float32)
    tally.add(found, oracle, ~same(found, oracle))
    assert (tally.result().differing, tally.result().lowest, tally.result().histogram) == (1, -0.5, ())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (np.s_[:, :, 3], "only in row 3 of 8"),
        (np.s_[:, :, :, 2:4], "only in columns 2-3 of 8"),
        (np.s_[..., [0, 5]], "only in channels 0, 5 of 6"),
        (np.s_[:, :, 1:7:5], "only in rows 1, 6 of 8"),
        (np.s_[:], ""),
        (np.s_[:, :, 4, 5, 1], ""),
    ],
)
def test_places_are_named_where_that_is_no_chance(wrong: object, words: str) -> None:
    oracle = np.zeros((2, 1, 8, 8, 6), np.int8)
    found = oracle.copy()
    found[wrong] = 1
    tally = Tally(oracle.shape[1:], "int8")
    tally.add(found, oracle, found != oracle)
    assert tally.result().where == words


@pytest.mark.parametrize("size", [1_500, 200_000])
@pytest.mark.parametrize(("step", "images", "words"), [(2, 20, "only in every 2th of elements from 0"), (2, 1, "")])
def test_wide_tensors_are_judged_alike(size: int, step: int, images: int, words: str) -> None:
    """The number of ways to choose half of so many elements is beyond the range of a float."""
    oracle = np.zeros((images, 1, size), np.int8)
    found = oracle.copy()
    found[:, :, ::step] = 1
    tally = Tally(oracle.shape[1:], "int8")
    tally.add(found, oracle, found != oracle)
    assert tally.result().where == (words and f"{words} of {size}")


def test_a_border_is_named() -> None:
    oracle = np.zeros((1, 1, 5, 5, 2), np.int8)
    found = oracle.copy()
    found[:, :, [0, -1]] = found[:, :, :, [0, -1]] = 3
    tally = Tally(oracle.shape[1:], "int8")
    tally.add(found, oracle, found != oracle)
    assert tally.result().where == "only at the border"
