"""``em_dot_dsp.h``: two output channels' weights in 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.base import DenseBody


class ChannelPairs(DenseBody):
    """Two channels in 16 bits, elements in groups of four, even ones first."""

    def takes(self, rows: NDArray[Any]) -> bool:
        """Return whether two channels' weights fit 16 bits: not with -128 above a negative one."""
        low, high = rows[: len(rows) // 2 * 2 : 2], rows[1::2]
        return not bool(np.any((high == -128) & (low < 0)))

    def pack(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """See :meth:`DenseBody.pack`."""
        order = np.arange(row_length)
        grouped = row_length // 4 * 4
        order[:grouped] = order[:grouped].reshape(-1, 4)[:, [0, 2, 1, 3]].reshape(-1)
        if row_length % 4 == 3:
            order[grouped:] = order[grouped:][[0, 2, 1]]
        lines = rows.astype(np.int32).reshape(len(rows), -1, row_length)[:, :, order].reshape(len(rows), -1)
        pairs = 256 * lines[1::2] + lines[: len(rows) // 2 * 2 : 2]
        single = rows[len(rows) // 2 * 2 :].astype(np.int8).reshape(-1)
        packed: NDArray[np.int8] = np.concatenate([pairs.astype("<i2").reshape(-1).view(np.int8), single])
        return packed
