"""``em_dot_sdot.h``, ``em_dot_smull.h``, ``em_depthwise_neon.h``: 16 channels at a time on 64-bit Arm, and as wasm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.base import DenseBody, DepthwiseBody
from edgemnist.compiler.geometry import Geometry

CHANNELS = 16
"""Channels in a block."""


class DotProducts(DenseBody):
    """Four channels' words of four elements, each channel's together (``em_dot_sdot.h``)."""

    def pack(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """See :meth:`DenseBody.pack`."""
        words = _words(rows, row_length)
        words = np.pad(words, ((0, -len(words) % 4), (0, 0), (0, 0)))
        blocks = [self._block(words[first : first + CHANNELS]) for first in range(0, len(words), CHANNELS)]
        packed: NDArray[np.int8] = np.concatenate(blocks).astype(np.int8)
        return packed

    def _block(self, words: NDArray[Any]) -> NDArray[Any]:
        """Return (channels, words, 4), channels a multiple of 4, as words of groups of 4 channels of 4 elements."""
        return words.reshape(-1, 4, words.shape[1], 4).transpose(2, 0, 1, 3).reshape(-1)


class PairedProducts(DotProducts):
    """The same with the first two elements of four channels before the last two (``em_dot_wasm.h``)."""

    def _block(self, words: NDArray[Any]) -> NDArray[Any]:
        return words.reshape(-1, 4, words.shape[1], 2, 2).transpose(2, 0, 3, 1, 4).reshape(-1)


class WideningProducts(PairedProducts):
    """The same where two products are added in 16 bits (``em_dot_smull.h``)."""

    def takes(self, rows: NDArray[Any]) -> bool:
        """Return whether two products fit 16 bits: not with -128 twice, two elements apart."""
        lowest = rows == -128
        return not bool(np.any(lowest[:, 2:] & lowest[:, :-2]))


class ChannelVectors(DepthwiseBody):
    """16 channels, or 8, side by side: weights tap by tap, and the rows that a kernel reaches as scratch."""

    one_channel = False
    vectors = True

    def takes(self, rows: NDArray[Any]) -> bool:
        """Return whether two neighbouring taps' products fit 16 bits: not with two weights of -128."""
        even, odd = rows[:, : rows.shape[1] // 2 * 2 : 2], rows[:, 1::2]
        return not bool(np.any((even == -128) & (odd == -128)))

    def pack(self, rows: NDArray[Any], geometry: Geometry) -> NDArray[np.int8]:
        """See :meth:`DepthwiseBody.pack`."""
        padded = np.pad(rows, ((0, -len(rows) % 8), (0, 0)))
        blocks = [padded[first : first + CHANNELS].T.reshape(-1) for first in range(0, len(padded), CHANNELS)]
        packed: NDArray[np.int8] = np.concatenate(blocks).astype(np.int8)
        return packed

    def scratch(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.scratch`."""
        g = geometry
        reach = (g.kernel_height - 1) * g.dilation_height + 1
        rows_follow = g.out_width <= g.in_width and g.padding.top < reach
        width = CHANNELS if g.out_channels > CHANNELS // 2 else CHANNELS // 2
        return (reach if rows_follow else g.plane_height) * g.plane_width * width


def _words(rows: NDArray[Any], row_length: int) -> NDArray[Any]:
    """Return (channels, words, 4): the rows of a window in words of 4 elements.

    A row that is no multiple of 4 ends with its last 4 elements, those that were there before as zeros; a shorter one
    is made up to 4 with zeros.
    """
    lines = rows.reshape(len(rows), -1, row_length)
    missing = -row_length % 4
    if row_length < 4:
        lines = np.pad(lines, ((0, 0), (0, 0), (0, missing)))
    elif missing:
        last = row_length // 4 * 4
        zeros = np.zeros((*lines.shape[:2], missing), lines.dtype)
        lines = np.concatenate([lines[:, :, :last], zeros, lines[:, :, last:]], axis=2)
    return lines.reshape(len(rows), -1, 4)
