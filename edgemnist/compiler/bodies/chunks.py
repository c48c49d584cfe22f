"""``em_dot_mve.h``: weights in chunks of 16, four output channels side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.base import DenseBody
from edgemnist.compiler.geometry import Geometry

CHUNK = 16


class ChannelChunks(DenseBody):
    """Channels filled up with zeros in front; a window is one run of elements."""

    def pack(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """See :meth:`DenseBody.pack`."""
        channels, elements = rows.shape
        chunks = -(-elements // CHUNK)
        filled = np.zeros((channels, chunks, CHUNK), np.int8)
        filled.reshape(channels, -1)[:, chunks * CHUNK - elements :] = rows
        fours = channels // 4 * 4
        side_by_side = filled[:fours].reshape(-1, 4, chunks, CHUNK).swapaxes(1, 2)
        packed: NDArray[np.int8] = np.concatenate([side_by_side.reshape(-1), filled[fours:].reshape(-1)])
        return packed

    def window(self, geometry: Geometry, groups: int) -> int:
        """See :meth:`DenseBody.window`: both windows side by side, none where all are read in the input."""
        g, padding = geometry, geometry.padding
        one_run = g.kernel_height == 1 or (g.dilation_height == 1 and g.kernel_width == g.in_width)
        if one_run and groups == 1 and g.dilation_width == 1 and padding == type(padding)():
            return 0
        return 2 * g.kernel_height * g.kernel_width * (g.in_channels // groups)

    def row_windows(self, geometry: Geometry, groups: int) -> int:
        """See :meth:`DenseBody.row_windows`: small windows are copied several at a time."""
        if groups != 1 or not _takes_strips(geometry):
            return self.window(geometry, groups)
        return _STRIP_WINDOWS * geometry.kernel_height * geometry.kernel_width * geometry.in_channels


_STRIP_WINDOWS = 8
_STRIP_REACH = 255


def _takes_strips(g: Geometry) -> bool:
    """Return whether windows are copied several at a time, as ``em_takes_strips`` of ``em_window_mve.h`` has it."""
    elements = g.kernel_height * g.kernel_width * g.in_channels
    reach = ((g.kernel_height - 1) * g.dilation_height * g.in_width + g.kernel_width) * g.in_channels - 1
    one_run = g.kernel_height == 1 or (g.dilation_height == 1 and g.kernel_width == g.in_width)
    fits = g.dilation_width == 1 and elements <= CHUNK and reach <= _STRIP_REACH
    return fits and not one_run and g.out_width >= 2 and g.out_channels % 4 == 0
