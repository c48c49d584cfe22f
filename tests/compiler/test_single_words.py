"""A single pixel's weights in words: what the generator packs, and that the kernels are exact for it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.compiler.bodies.single_words import CHANNELS, LARGEST, TAPS, order, packed
from tests.compiler.layers import PADDING_VALID, Arithmetic, Window
from tests.compiler.test_emulated_layers import check_on_core
from tests.compiler.weighted_cases import Case

CONV, DENSE = "CONV_2D", "FULLY_CONNECTED"
IN_ORDER = [2, 3, 0, 1]
"""Where a word's bytes have the weights of taps 0 to 3."""


def unpacked(content: NDArray[np.int8], shape: tuple[int, ...], row_length: int) -> tuple[NDArray[np.int64], bool]:
    """Return the weights, their corrections added, and whether four products are added up at once."""
    words, at = content.view("<u4"), 1
    weights = np.zeros(shape, np.int64)
    joined = bool(words[0] & 1)
    for first in range(0, shape[0], CHANNELS):
        count = min(CHANNELS, shape[0] - first)
        for row in range(0, shape[1], row_length):
            for start in range(row, row + row_length, TAPS):
                taps = min(TAPS, row + row_length - start)
                groups, channel = -(-taps // 4), first
                for lanes in (*(4,) * (count // 4), *(2,) * (count >> 1 & 1), *(1,) * (count & 1)):
                    block = words[at : at + groups * lanes].view(np.uint8).reshape(groups, lanes, 4)
                    values = block[..., IN_ORDER].astype(np.int64) - 128
                    sums = np.abs(values if joined else values.reshape(groups, lanes, 2, 2).swapaxes(2, 3)).sum(-1)
                    assert sums.max() <= LARGEST
                    whole = np.zeros((lanes, taps + 1), np.int64)
                    whole[:, order(taps)] = values.swapaxes(0, 1)
                    assert not whole[:, taps].any()
                    weights[channel : channel + lanes, start : start + taps] = whole[:, :taps]
                    at, channel = at + groups * lanes, channel + lanes
                corrections = words[at + 1 : at + 1 + words[at]]
                missing = (corrections >> 16).astype(np.uint8).view(np.int8)
                np.add.at(weights, (first + (corrections >> 8 & 255), start + (corrections & 255)), missing)
                at += 1 + len(corrections)
    assert at == len(words) == words[0] >> 2
    return weights, joined


@pytest.mark.parametrize("low,high", [(-128, 127), (-128, -128), (127, 127), (-60, 60), (-70, 70)])
@pytest.mark.parametrize("channels,rows,row_length", [(1, 1, 1), (7, 1, 9), (131, 1, 130), (6, 3, 5), (5, 2, 133)])
def test_every_weight_is_there(low: int, high: int, channels: int, rows: int, row_length: int) -> None:
    generator = np.random.default_rng(channels)
    weights = generator.integers(low, high + 1, (channels, rows * row_length)).astype(np.int8)

    found, joined = unpacked(packed(weights, row_length), weights.shape, row_length)

    np.testing.assert_array_equal(found, weights)
    if high == 60:
        assert joined
    if low == high and row_length > 1:
        assert not joined


@pytest.mark.parametrize("taps", [1, 3, 4, 11, 128])
def test_every_tap_is_in_one_group(taps: int) -> None:
    found = order(taps).reshape(-1)

    assert sorted(found[found < taps].tolist()) == [*range(taps)]
    assert found.size == -(-taps // 4) * 4


def singles_table() -> dict[str, Case]:
    """Return layers of one pixel: lengths and channels of every remainder, parts, weights that need corrections."""
    few, large = Arithmetic(lowest_weight=-60, highest_weight=60), Arithmetic(lowest_weight=-128, highest_weight=-128)
    table = {f"{n} features": Case(DENSE, (1, 1, n), n, arithmetic=few) for n in (1, 2, 3, 4, 5, 6, 7, 8)}
    table |= {f"{n} features, large": Case(DENSE, (1, 1, n), 11, in_zero_point=-128) for n in (12, 127, 128, 129, 262)}
    table |= {f"{n} features, all -128": Case(DENSE, (1, 1, n), 7, arithmetic=large) for n in (3, 16, 261)}
    some = Arithmetic(lowest_weight=-66, highest_weight=66)
    table["corrected"] = Case(DENSE, (1, 1, 259), 135, arithmetic=some)
    table["rows"] = Case(DENSE, (3, 1, 37), 6, arithmetic=some)
    for groups in (1, 2):
        window = Window((3, 5), padding=PADDING_VALID)
        table[f"window, {groups} groups"] = Case(CONV, (3, 5, 6), 10, window, groups=groups)
    return table


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3", "rv32imc"])
def test_single_pixels_are_exact(core: str) -> None:
    check_on_core(singles_table(), core, "gnu", "-O2", sparse="never")


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m3"])
def test_single_pixels_are_exact_by_clang(core: str) -> None:
    check_on_core(dict([*singles_table().items()][::3]), core, "zig", "-Os", sparse="never")
