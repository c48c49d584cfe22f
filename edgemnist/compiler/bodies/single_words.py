"""``em_single_words.h``: a single pixel's weights in words, a word for each channel and four taps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GROUP = 4
"""Taps of a word."""

TAPS, CHANNELS = 128, 128
"""EM_SINGLE_TAPS and EM_SINGLE_CHANNELS: of a row and of the channels, done at a time."""

LARGEST = 255
"""Up to which sum of magnitudes products of int8 inputs stay in 16 bits."""

_PER_CORRECTION = 40
"""Words for which there may be a correction: it takes ten instructions and four bytes."""

_Rows = NDArray[np.int64]


def packed(rows: NDArray[np.int8], row_length: int) -> NDArray[np.int8]:
    """Return weights (channels, window) in the order that the header tells, one axis.

    Four products are added up at once where few weights are too large for it.
    """
    whole, words = rows.astype(np.int64), rows.shape[0] * -(-rows.shape[1] // GROUP)
    apart, joined = _limited(whole, row_length, joined=False), _limited(whole, row_length, joined=True)
    join = np.count_nonzero(joined != whole) * _PER_CORRECTION <= words
    parts = [
        part
        for first in range(0, len(rows), CHANNELS)
        for part in _parts(
            whole[first : first + CHANNELS], (joined if join else apart)[first : first + CHANNELS], row_length
        )
    ]
    content = np.concatenate(parts)
    header = np.array([content.size * 4 + 4 | int(join)], np.uint32)
    return np.concatenate([header, content]).astype("<u4").view(np.int8)


def strip_bytes(row_length: int, channels: int) -> int:
    """Return the bytes of the widest words of some taps, and of the channels' sums."""
    return 4 * GROUP * -(-min(row_length, TAPS) // GROUP) + 4 * min(channels, CHANNELS)


def _limited(rows: _Rows, row_length: int, *, joined: bool) -> _Rows:
    """Return the weights, the largest of what is added up at once less far from zero so that it stays in 16 bits."""
    window = rows.reshape(len(rows), -1, row_length)
    filled = np.pad(window, ((0, 0), (0, 0), (0, -row_length % GROUP)))
    groups = filled.reshape(len(rows), -1, GROUP)
    if not joined:  # taps 0 and 2, and taps 1 and 3
        groups = groups.reshape(len(rows), -1, 2, 2).swapaxes(2, 3)
    kept = groups.copy()
    for _ in range(GROUP):
        excess = np.maximum(np.abs(kept).sum(axis=-1, keepdims=True) - LARGEST, 0)
        largest = np.abs(kept).argmax(axis=-1)[..., np.newaxis]
        value = np.take_along_axis(kept, largest, -1)
        np.put_along_axis(kept, largest, np.sign(value) * (np.abs(value) - np.minimum(excess, np.abs(value))), -1)
    if not joined:
        kept = kept.swapaxes(2, 3)
    result: _Rows = kept.reshape(filled.shape)[..., :row_length].reshape(rows.shape)
    return result


def _parts(whole: _Rows, limited: _Rows, row_length: int) -> list[NDArray[np.uint32]]:
    """Return the words of each part of the window, all channels, and its corrections."""
    found = []
    for row in range(0, whole.shape[1], row_length):
        for first in range(row, row + row_length, TAPS):
            part = slice(first, min(first + TAPS, row + row_length))
            found += [_words(limited[:, part]), _corrections(whole[:, part] - limited[:, part])]
    return found


def _words(rows: _Rows) -> NDArray[np.uint32]:
    """Return the words of channels (channels, taps): block by block, group by group."""
    filled = np.pad(rows, ((0, 0), (0, -rows.shape[1] % GROUP))) + 128
    words = filled.astype(np.uint8).reshape(len(rows), -1, GROUP)[..., [2, 3, 0, 1]].copy().view("<u4")[..., 0]
    blocks, first = [], 0
    for lanes in (4, 2, 1):
        while len(rows) - first >= lanes:
            blocks.append(words[first : first + lanes].T.reshape(-1))
            first += lanes
    return np.concatenate(blocks).astype(np.uint32)


def _corrections(missing: _Rows) -> NDArray[np.uint32]:
    """Return how many weights lack something, and a word for each."""
    channels, taps = np.nonzero(missing)
    lacking = missing[channels, taps].astype(np.int8).view(np.uint8).astype(np.uint32)
    words = taps.astype(np.uint32) | channels.astype(np.uint32) << 8 | lacking << 16
    return np.concatenate([[np.uint32(len(words))], words]).astype(np.uint32)
