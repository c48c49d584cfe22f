"""``em_depthwise_mve.h``: sixteen channels at a time, four bytes of each in a word."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.base import DepthwiseBody
from edgemnist.compiler.bodies.three_rows import wide_rows_bytes
from edgemnist.compiler.geometry import Geometry

CHANNELS = 16
WORDS = 4 * CHANNELS
"""Bytes of a column's words."""


class ColumnWords(DepthwiseBody):
    """Weights in the file's order, and scratch for a row's columns, for the layers that the body suits."""

    one_channel = False

    def pack(self, rows: NDArray[Any], geometry: Geometry) -> NDArray[np.int8]:
        """See :meth:`DepthwiseBody.pack`."""
        return super().pack(rows.T if suits(geometry) else rows, geometry)

    def scratch(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.scratch`; the parts are those of ``em_words_at``."""
        if not suits(geometry):
            return wide_rows_bytes(self.rows(geometry), geometry)
        g = geometry
        two_rows = g.stride_width == 1
        columns = -(-g.out_width // 2) * 2 + 2 if two_rows else 2 * max(g.out_width, 4) + 2
        line = g.in_width * CHANNELS if two_rows and g.padding.top else 0
        return (5 + columns) * WORDS + 2 * CHANNELS + line


def suits(geometry: Geometry) -> bool:
    """Return what ``em_words_suit`` does."""
    g, padding = geometry, geometry.padding
    two_rows = g.stride_width == 1
    plain = (
        g.out_channels == g.in_channels
        and max(g.kernel_height, g.kernel_width) <= (3 if two_rows else 4)
        and (g.dilation_height == 1 or g.kernel_height == 1)
        and (g.dilation_width == 1 or g.kernel_width == 1)
    )
    by_two = g.stride_width == 2 and (g.stride_height >= 2 or padding.top == 0)
    strides = g.stride_height == 1 if two_rows else by_two
    borders = padding.top <= 1 and padding.top < g.kernel_height and padding.left < g.kernel_width
    return plain and strides and borders and g.out_width <= g.in_width
