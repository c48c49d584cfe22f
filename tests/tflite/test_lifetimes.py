"""Bytes that are alive, against counting every step of every span."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgemnist.tflite.lifetimes import alive_bytes

SPANS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12), st.integers(0, 2**40)))


@given(spans=SPANS, steps=st.integers(0, 8))
def test_every_step_has_the_bytes_of_the_spans_around_it(spans: list[tuple[int, int, int]], steps: int) -> None:
    counted = [sum(size for first, last, size in spans if first <= step <= last) for step in range(steps)]
    assert alive_bytes(spans, steps) == counted
