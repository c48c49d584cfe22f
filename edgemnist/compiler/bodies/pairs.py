"""``em_dot_dsp.h``: two output channels' weights in 16 bits, the activations widened once for all channels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.base import DenseBody

GROUP = 4
"""Elements of a window that are done at once; the last ones are made up to as many with weights of zero."""

PART_BYTES = 2 * 264 + 4 * 64
"""What one pixel's long row needs: ``EM_PART_ELEMENTS`` of it, and the sums of ``EM_PART_CHANNELS``."""


class ChannelPairs(DenseBody):
    """Two channels in 16 bits, elements in groups of four, even ones first; a channel left over as it is."""

    in_words = True

    def takes(self, rows: NDArray[Any]) -> bool:
        """Return whether two channels' weights fit 16 bits: not with -128 above a negative one."""
        low, high = rows[: len(rows) // 2 * 2 : 2], rows[1::2]
        return not bool(np.any((high == -128) & (low < 0)))

    def pack(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """See :meth:`DenseBody.pack`."""
        whole = rows.astype(np.int32)
        if _rows_by_groups(rows.shape[1] // row_length, row_length):
            by_rows = np.pad(whole.reshape(len(rows), -1, row_length), ((0, 0), (0, 0), (0, 1)))
            whole = by_rows.reshape(len(rows), -1)
        whole = np.pad(whole, ((0, 0), (0, -whole.shape[1] % GROUP)))
        paired = len(rows) // 2 * 2
        order = np.arange(whole.shape[1]).reshape(-1, GROUP)[:, [0, 2, 1, 3]].reshape(-1)
        pairs = 256 * whole[1:paired:2, order] + whole[:paired:2, order]
        single = whole[paired:].astype(np.int8).reshape(-1)
        packed: NDArray[np.int8] = np.concatenate([pairs.astype("<i2").reshape(-1).view(np.int8), single])
        return packed

    def strip(self, rows: int, row_length: int, pairs: int) -> int:
        """See :meth:`DenseBody.strip`: the widened elements of each pixel, and rows put together for two pixels."""
        elements = _whole_groups(rows * row_length)
        joined = 2 * elements if _is_joined(rows, row_length) else 0
        return 4 * pairs * elements + joined

    def strip_single(self, rows: int, row_length: int, channels: int) -> int:
        """See :meth:`DenseBody.strip_single`: the same for one pixel, whose long row is done in parts."""
        elements = _whole_groups(rows * row_length)
        if rows == 1:
            return min(2 * elements, PART_BYTES)
        return 2 * elements + (elements if _is_joined(rows, row_length) else 0)


def _whole_groups(elements: int) -> int:
    return -(-elements // GROUP) * GROUP


def _rows_by_groups(rows: int, row_length: int) -> bool:
    """Return whether each row of a window is filled up to whole groups, as ``em_rows_by_groups`` has it."""
    return rows in (2, 3) and row_length % GROUP == GROUP - 1


def _is_joined(rows: int, row_length: int) -> bool:
    """Return whether a window's rows have to be put together before they are widened."""
    return rows > 1 and row_length % GROUP != 0 and not _rows_by_groups(rows, row_length)
