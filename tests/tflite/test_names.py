"""Names for people keep the end of the path, and never grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgemnist.tflite.names import LONGEST, short_name

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("name", "longest", "short"),
    [
        ("conv", 40, "conv"),
        ("net/block_1/conv/Conv2D;net/block_1/bn/add", 16, ".../conv/Conv2D"),
        ("net/block_1/conv/Conv2D;net/block_1/bn/add", 30, "net/block_1/conv/Conv2D"),
        ("a_layer_of_a_very_long_name", 10, "...ng_name"),
        ("first/a_layer_of_a_very_long_name", 10, "...ng_name"),
    ],
)
def test_the_last_parts_stay(name: str, longest: int, short: str) -> None:
    assert short_name(name, longest) == short


@given(st.text(max_size=120))
def test_it_is_never_longer_than_allowed(name: str) -> None:
    assert len(short_name(name)) <= min(LONGEST, max(len(name), 0))
