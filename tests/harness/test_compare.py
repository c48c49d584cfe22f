"""The metrics, on arrays small enough to count by hand, and their laws on any arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgemnist.harness.compare import Share, agreement, difference, ties, top1

pytestmark = pytest.mark.unit

INT8 = arrays.arrays(np.int8, st.tuples(st.integers(1, 8), st.integers(1, 5)))


def test_of_equal_maxima_the_lowest_index_wins() -> None:
    outputs = np.array([[1, 7, 7], [3, 3, 3], [0, 1, 2], [-128, -128, -127]], np.int8)

    assert top1(outputs).tolist() == [1, 0, 2, 2]
    assert ties(outputs) == 2


def test_difference_counts_elements_and_images_and_finds_the_largest_step() -> None:
    oracle = np.array([[1, 2, 3], [4, 5, 6], [127, 0, -128]], np.int8)
    found = np.array([[1, 2, 3], [4, 4, 8], [-128, 0, -128]], np.int8)

    result = difference(found, oracle)

    assert (result.elements, result.images, result.max_difference) == (Share(3, 9), 2, 255)
    assert not result.exact


def test_floats_have_no_tolerance_and_nan_equals_nan() -> None:
    oracle = np.array([[0.5, np.nan, 1.0]], np.float32)

    assert difference(oracle, oracle.copy()).exact
    assert not difference(np.nextafter(oracle, np.float32(2)), oracle).exact
    assert difference(np.array([[0.5, 0.0, 1.0]], np.float32), oracle).max_difference == np.inf


@given(left=INT8, seed=st.integers(0, 9))
def test_difference_is_symmetric_and_zero_only_for_equal_bytes(left: np.ndarray, seed: int) -> None:  # type: ignore[type-arg]
    right = np.random.default_rng(seed).integers(-128, 128, left.shape).astype(np.int8)

    one, other = difference(left, right), difference(right, left)

    assert (one.elements, one.images, one.max_difference) == (other.elements, other.images, other.max_difference)
    assert one.exact == (left.tobytes() == right.tobytes())
    assert difference(left, left).exact


@pytest.mark.parametrize(
    ("count", "total", "share", "error"), [(500, 1000, 0.5, 0.0158), (1000, 1000, 1.0, 0.0), (0, 0, 0, 0)]
)
def test_standard_error_is_the_binomial_one(count: int, total: int, share: float, error: float) -> None:
    found = Share(count, total)

    assert found.share == share
    assert found.standard_error == pytest.approx(error, abs=1e-4)


def test_agreement_counts_equal_classes() -> None:
    assert agreement(np.array([1, 2, 3]), np.array([1, 0, 3])) == Share(2, 3)
