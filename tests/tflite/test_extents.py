"""What operators take of a file: what they alone bring, to the byte, and never more than there is."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.tflite.extents import operator_bytes
from tests.compiler.model_builder import ModelBuilder


def net(weights: int = 40, layers: int = 2, name: str = "", *, shared: bool = False) -> bytes:
    """Return dense layers of ``weights`` bytes each, with the same constants in all where they are ``shared``."""
    builder = ModelBuilder()
    last = builder.input((1, 4), 0.5, 0)
    kept: int | None = None
    for number in range(layers):
        if kept is None or not shared:
            kept = builder.constant(np.full((weights // 4, 4), number), 0.5)
        last = builder.op("FULLY_CONNECTED", [last, kept, -1], (1, weights // 4), 0.5, 0, name=f"{name}{number}")
    return builder.finish([last])


def test_a_constant_takes_its_bytes() -> None:
    small, large = operator_bytes(net(40)), operator_bytes(net(1040))
    assert [new - old for old, new in zip(small, large, strict=True)] == [1000, 1000]


def test_a_name_takes_its_characters() -> None:
    short, long = operator_bytes(net()), operator_bytes(net(name="twelve bytes"))
    assert [new - old for old, new in zip(short, long, strict=True)] == [12, 12]


def test_what_operators_share_counts_for_the_first() -> None:
    apart, shared = operator_bytes(net(1000)), operator_bytes(net(1000, shared=True))
    assert apart[0] == shared[0] > 1000
    assert shared[1] < apart[1] - 1000
    first, second = operator_bytes(net(1000))
    assert first > second > 1000  # the kind of operator is the first one's


@pytest.mark.parametrize("layers", [1, 5, 50])
def test_what_is_left_is_the_frame_of_the_file(layers: int) -> None:
    """Its header, the graph's own table, the input, offsets that tables share, and bytes that align vectors."""
    content = net(400, layers)
    left = len(content) - sum(operator_bytes(content))
    assert 0 < left < 500 + 12 * layers


def test_what_belongs_to_no_operator_is_not_counted() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), 0.5, 0)
    builder.constant(np.zeros(5000), 0.5, name="nobody's")
    content = builder.finish([builder.op("RELU", [image], (1, 4), 0.5, 0)])
    assert len(content) > 5000
    assert sum(operator_bytes(content)) < 400
