"""``em_single_words.h``: a single pixel's weights in words, a word for each channel and four taps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.base import lane_blocks

GROUP = 4
"""Taps of a word."""

TAPS, CHANNELS = 128, 128
"""EM_SINGLE_TAPS and EM_SINGLE_CHANNELS: of a row and of the channels, done at a time."""

LARGEST = 255
"""Up to which sum of magnitudes products of int8 inputs stay in 16 bits."""

_PER_CORRECTION = 40
"""Words for which there may be a correction: it takes ten instructions and four bytes."""

_BYTES = [2, 3, 0, 1]
"""Which of a group's taps a word's bytes have."""

_Words = NDArray[np.uint32]


def packed(rows: NDArray[np.int8], row_length: int) -> NDArray[np.int8]:
    """Return weights (channels, window) in the order that the header tells, one axis.

    Four products are added up at once where few weights are too large for it.
    """
    parts = [
        rows[:, first : min(first + TAPS, row + row_length)].astype(np.int64)
        for row in range(0, rows.shape[1], row_length)
        for first in range(row, row + row_length, TAPS)
    ]
    joined = _joins([_grouped(part) for part in parts])
    content = [
        words
        for first in range(0, len(rows), CHANNELS)
        for part in parts
        for words in _part(part[first : first + CHANNELS], joined)
    ]
    whole = np.concatenate([[np.uint32(0)], *content]).astype("<u4")
    whole[0] = whole.nbytes | int(joined)
    return whole.view(np.int8)


def strip_bytes(row_length: int, channels: int) -> int:
    """Return the bytes of the widest words of some taps, and of the channels' sums."""
    return 4 * GROUP * -(-min(row_length, TAPS) // GROUP) + 4 * min(channels, CHANNELS)


def order(taps: int) -> NDArray[np.int64]:
    """Return the taps of each group, shape (groups, 4): a quarter of all apart, then what is left; ``taps`` is none.

    Weights side by side are often large together, those far from one another less.
    """
    quarter, left = taps // GROUP, taps % GROUP
    groups = np.arange(GROUP * quarter).reshape(GROUP, quarter).T
    last = [[*range(taps - left, taps), *(taps,) * (GROUP - left)]] if left else np.empty((0, GROUP), np.int64)
    found: NDArray[np.int64] = np.concatenate([groups, last]).astype(np.int64)
    return found


def _joins(parts: list[NDArray[np.int64]]) -> bool:
    """Return whether few weights are too large for sums of four products."""
    too_large = sum(np.count_nonzero(_limited(groups, joined=True) != groups) for groups in parts)
    return too_large * _PER_CORRECTION <= sum(groups.size for groups in parts) // GROUP


def _grouped(part: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return a part's weights, shape (channels, groups, 4)."""
    groups: NDArray[np.int64] = np.pad(part, ((0, 0), (0, 1)))[:, order(part.shape[1])]
    return groups


def _limited(groups: NDArray[np.int64], *, joined: bool) -> NDArray[np.int64]:
    """Return the weights, the largest of what is added up at once less far from zero so that it stays in 16 bits."""
    # Apart are taps 0 and 2 of a group, and taps 1 and 3.
    kept = groups.copy() if joined else groups.reshape(*groups.shape[:2], 2, 2).swapaxes(2, 3).copy()
    for _ in range(GROUP):
        excess = np.maximum(np.abs(kept).sum(axis=-1, keepdims=True) - LARGEST, 0)
        if not excess.any():
            break
        largest = np.abs(kept).argmax(axis=-1)[..., np.newaxis]
        value = np.take_along_axis(kept, largest, -1)
        np.put_along_axis(kept, largest, np.sign(value) * np.maximum(np.abs(value) - excess, 0), -1)
    return kept if joined else kept.swapaxes(2, 3).reshape(groups.shape)


def _part(part: NDArray[np.int64], joined: bool) -> tuple[_Words, _Words]:
    """Return the words of a part of the window, block by block, group by group, and its corrections."""
    groups, taps = _grouped(part), order(part.shape[1])
    limited = _limited(groups, joined=joined)
    words = np.ascontiguousarray(limited[..., _BYTES] + 128, np.uint8).view("<u4")[..., 0]
    blocks = [words[first : first + lanes].T.reshape(-1) for first, lanes in lane_blocks(len(words))]
    return np.concatenate(blocks).astype(np.uint32), _corrections(groups - limited, taps)


def _corrections(missing: NDArray[np.int64], taps: NDArray[np.int64]) -> _Words:
    """Return how many weights lack something, and a word for each."""
    channels, groups, places = np.nonzero(missing)
    lacking = missing[channels, groups, places].astype(np.int8).view(np.uint8).astype(np.uint32)
    words = taps[groups, places].astype(np.uint32) | channels.astype(np.uint32) << 8 | lacking << 16
    return np.concatenate([[np.uint32(len(words))], words]).astype(np.uint32)
