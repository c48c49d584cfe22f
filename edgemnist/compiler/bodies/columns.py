"""``em_depthwise_mve.h``: sixteen channels at a time, four bytes of each in a word, or a channel column by column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.base import DepthwiseBody, reads_first
from edgemnist.compiler.bodies.three_rows import wide_rows_bytes
from edgemnist.compiler.geometry import Geometry

CHANNELS = 16
WORDS = 4 * CHANNELS
"""Bytes of a column's words."""

_VECTOR = 16
_MOST = 8192
"""Channels, or rows of a kernel, whose eightfold fits the 16-bit offsets of ``em_strip_scatter``."""


class ColumnWords(DepthwiseBody):
    """Weights in the file's order, and scratch for a row's columns, for the layers that words suit.

    For most others weights column by column, and scratch for the columns of a channel's rows: ``em_strip_mve.h``.
    """

    one_channel = False

    def by_lines(self, geometry: Geometry) -> bool:
        """See :meth:`DepthwiseBody.by_lines`."""
        return not self.does_all(geometry) and super().by_lines(geometry)

    def does_all(self, geometry: Geometry) -> bool:
        """See :meth:`DepthwiseBody.does_all`."""
        return suits(geometry) or _strip_suits(geometry)

    def rows(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.rows`; of a strip those of one window."""
        return geometry.kernel_height if _strip_suits(geometry) else super().rows(geometry)

    def pack(self, rows: NDArray[Any], geometry: Geometry) -> NDArray[np.int8]:
        """See :meth:`DepthwiseBody.pack`."""
        if suits(geometry):
            rows = rows.T
        elif _strip_suits(geometry):
            rows = rows.reshape(len(rows), geometry.kernel_height, geometry.kernel_width).swapaxes(1, 2)
        return super().pack(rows, geometry)

    def scratch(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.scratch`; the parts are those of ``em_words_at``, or of ``em_strip_at``."""
        if _strip_suits(geometry):
            return _strip_scratch(geometry)
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
    one_row = two_rows and g.out_height == g.kernel_height == 1 and g.out_width >= 3
    plain = (
        g.out_channels == g.in_channels
        and not one_row
        and max(g.kernel_height, g.kernel_width) <= (3 if two_rows else 4)
        and (g.dilation_height == 1 or g.kernel_height == 1)
        and (g.dilation_width == 1 or g.kernel_width == 1)
    )
    by_two = g.stride_width == 2 and (g.stride_height >= 2 or padding.top == 0)
    strides = g.stride_height == 1 if two_rows else by_two
    borders = padding.top <= 1 and padding.top < g.kernel_height and padding.left < g.kernel_width
    return plain and strides and borders and g.out_width <= g.in_width


def _strip_suits(geometry: Geometry) -> bool:
    """Return what ``em_strip_suits`` does, and whether a row of outputs comes only over what has been read."""
    g = geometry
    return (
        not suits(g)
        and (g.dilation_height == 1 or g.kernel_height == 1)
        and (g.dilation_width == 1 or g.kernel_width == 1)
        and g.out_width >= 3
        and max(g.in_channels, g.kernel_height) <= _MOST
        and g.plane_width > g.padding.left
        and reads_first(g, 1, g.kernel_height)
    )


def _strip_scratch(geometry: Geometry) -> int:
    window = _strip_window(geometry)
    lead = 1 if geometry.padding.left else 1 + geometry.kernel_height
    return -(-(lead + _strip_bytes(geometry) + (window if window > 2 * _VECTOR else 0)) // 4) * 4


def _strip_window(geometry: Geometry) -> int:
    """Return what ``em_strip_window`` does."""
    return -(-geometry.kernel_height * geometry.kernel_width // _VECTOR) * _VECTOR


def _strip_bytes(geometry: Geometry) -> int:
    """Return what ``em_strip_bytes`` does."""
    g = geometry
    last = (-(-g.out_width // 4) * 4 - 1) * g.stride_width * g.kernel_height + _strip_window(g)
    reads = (g.out_height - 1) * g.stride_height + last
    writes = g.plane_width * g.kernel_height + g.plane_height
    return -(-max(reads, writes) // 4) * 4
