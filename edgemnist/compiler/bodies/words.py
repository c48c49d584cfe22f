"""``em_dot_words.h`` and ``em_dot_thumb1.h``: two pixels in one word, see ``em_words.h``; of a single one two taps."""

from __future__ import annotations

from functools import lru_cache
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies import single_words
from edgemnist.compiler.bodies.base import DenseBody
from edgemnist.compiler.geometry import Geometry

_GROUPS = (2, 3, 4)
_WORD_BYTES = 4
_MOST_TAPS = 2**31 // (2 * 128 * 128)


def longest_groups(rows: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many neighbouring taps' products may be added in 16 bits, 1 to 4, for each row of weights.

    Every group of a row, the shorter last one included, stays within int16 for whatever int8 inputs.
    """
    return _longest_groups(rows.shape[1], rows.astype(np.int8, casting="same_kind").tobytes())


@lru_cache(maxsize=8)
def _longest_groups(length: int, rows: bytes) -> NDArray[np.int64]:
    """Return the same of rows of ``length`` int8; kept, because a layer's forms ask for the same rows again."""
    weights = np.frombuffer(rows, np.int8).reshape(-1, length).astype(np.int16)
    longest = np.ones(len(weights), np.int64)
    filled = np.pad(weights, ((0, 0), (0, -length % lcm(*_GROUPS))))
    positive, negative = np.maximum(filled, 0), np.minimum(filled, 0)
    for taps in _GROUPS:
        more = np.sum([positive[:, tap::taps] for tap in range(taps)], axis=0, dtype=np.int32)
        less = np.sum([negative[:, tap::taps] for tap in range(taps)], axis=0, dtype=np.int32)
        fits = np.all((127 * more - 128 * less <= 32767) & (127 * less - 128 * more >= -32768), axis=1)
        longest[fits] = taps
    longest.setflags(write=False)
    return longest


class PixelWords(DenseBody):
    """Channel by channel, each behind a byte that says how long its groups are."""

    copies_windows = True
    in_words = True

    def takes(self, rows: NDArray[Any]) -> bool:
        """Return whether twice the sum of any products stays in 32 bits, as ``em_quad_thumb2.h`` adds it up."""
        return rows.shape[1] < _MOST_TAPS

    def joins(self, rows: NDArray[Any]) -> int:
        """See :meth:`DenseBody.joins`."""
        return int((-(-rows.shape[1] // longest_groups(rows))).sum())

    def pack(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """See :meth:`DenseBody.pack`."""
        packed = np.concatenate([longest_groups(rows)[:, np.newaxis], rows], axis=1)
        plain: NDArray[np.int8] = packed.astype(np.int8).reshape(-1)
        return plain

    def strip(self, rows: int, row_length: int, pairs: int) -> int:
        """Return the bytes of two words per tap for each two pairs."""
        return 2 * _WORD_BYTES * rows * row_length * ((pairs + 1) // 2)

    def apart(self, geometry: Geometry) -> bool:
        """Return whether pairs are of rows: those of a single column."""
        return geometry.out_width == 1

    def pack_single(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """See :meth:`DenseBody.pack_single`."""
        return single_words.packed(rows, row_length)

    def strip_single(self, rows: int, row_length: int, channels: int) -> int:
        """See :meth:`DenseBody.strip_single`."""
        return single_words.strip_bytes(row_length, channels)


class SteppedWords(PixelWords):
    """``em_dot_thumb1.h``: requantises by step functions, too."""

    steps = True
