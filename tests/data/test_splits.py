"""Divisions and samples: nothing lost, nothing twice, classes in proportion, the same on every machine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from edgemnist.data.base import Split
from edgemnist.data.splits import class_balanced_sample, divide, hold_out
from edgemnist.support.errors import InputError

pytestmark = pytest.mark.unit

GOLDEN_HELD_OUT = [1, 7, 8, 25, 26, 36]
GOLDEN_SAMPLE = [8, 1, 26, 7, 36, 25]

label_arrays = hnp.arrays(np.int64, st.integers(2, 60), elements=st.integers(0, 6))
seeds = st.integers(0, 2**31 - 1)


def numbered(labels: NDArray[np.int64]) -> Split:
    """Return a split whose images hold their own number in their first two pixels."""
    numbers = np.arange(len(labels))
    images = np.stack([numbers // 256, numbers % 256], axis=1).astype(np.uint8).reshape(-1, 1, 2, 1)
    return Split(images, labels)


def numbers(split: Split) -> list[int]:
    return [int(image[0, 0, 0]) * 256 + int(image[0, 1, 0]) for image in split.images]


@given(labels=label_arrays, seed=seeds, data=st.data())
def test_hold_out_divides_in_proportion(labels: NDArray[np.int64], seed: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, len(labels) - 1))
    rest, held_out = hold_out(numbered(labels), count, seed)
    assert len(held_out) == count
    assert sorted(numbers(rest) + numbers(held_out)) == list(range(len(labels)))
    assert numbers(rest) == sorted(numbers(rest))
    assert [int(label) for label in held_out.labels] == [int(labels[number]) for number in numbers(held_out)]
    exact = np.bincount(labels) * count / len(labels)
    assert (np.abs(np.bincount(held_out.labels, minlength=len(exact)) - exact) < 1).all()


@given(labels=label_arrays, seed=seeds, data=st.data())
def test_sample_is_balanced_and_so_is_every_leading_part(
    labels: NDArray[np.int64], seed: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, len(labels)))
    sample = class_balanced_sample(numbered(labels), count, seed)
    assert len(set(numbers(sample))) == count
    assert [int(label) for label in sample.labels] == [int(labels[number]) for number in numbers(sample)]
    present = np.bincount(labels)
    for length in range(1, count + 1):
        taken = np.bincount(sample.labels[:length], minlength=len(present))
        exhausted = taken == np.minimum(present, np.bincount(sample.labels, minlength=len(present)))
        assert taken.max() - taken[~exhausted].min(initial=taken.max()) <= 1


@given(labels=label_arrays, seed=seeds, share=st.floats(0.01, 0.99))
def test_divide_leaves_every_class_on_both_sides(labels: NDArray[np.int64], seed: int, share: float) -> None:
    doubled = np.concatenate([labels, labels])
    rest, part = divide(numbered(doubled), share, seed)
    assert sorted(numbers(rest) + numbers(part)) == list(range(len(doubled)))
    assert set(rest.labels) == set(part.labels) == set(labels)


@settings(max_examples=20)
@given(labels=label_arrays, seed=seeds)
def test_same_seed_same_result(labels: NDArray[np.int64], seed: int) -> None:
    split = numbered(labels)
    assert numbers(hold_out(split, 1, seed)[1]) == numbers(hold_out(split, 1, seed)[1])
    assert numbers(class_balanced_sample(split, len(labels), seed)) == numbers(
        class_balanced_sample(split, len(labels), seed)
    )


def test_division_never_changes() -> None:
    split = numbered(np.arange(40, dtype=np.int64) % 4)
    assert numbers(hold_out(split, 6, 1)[1]) == GOLDEN_HELD_OUT
    assert numbers(class_balanced_sample(split, 6, 1)) == GOLDEN_SAMPLE
    assert numbers(hold_out(split, 6, 2)[1]) != GOLDEN_HELD_OUT


def test_too_small_class_is_made_up_for() -> None:
    split = numbered(np.array([0, 1, 1, 1, 1, 2, 2, 2, 2], dtype=np.int64))
    assert np.bincount(class_balanced_sample(split, 7, 0).labels).tolist() == [1, 3, 3]


@pytest.mark.parametrize("count", [-1, 0, 4, 100])
def test_count_outside_the_split(count: int) -> None:
    split = numbered(np.array([0, 0, 1, 1], dtype=np.int64))
    with pytest.raises(InputError, match=f"hold out {count} of 4 images; give a count from 1 to 3"):
        hold_out(split, count, 0)
    if count != 4:
        with pytest.raises(InputError, match=f"take {count} of 4 images; give a count from 1 to 4"):
            class_balanced_sample(split, count, 0)


def test_single_image_cannot_be_divided() -> None:
    with pytest.raises(InputError, match="class 1"):
        divide(numbered(np.array([0, 0, 1], dtype=np.int64)), 0.2, 0)
