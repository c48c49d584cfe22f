"""``em_tile.h`` and ``em_depthwise_avx2.h``: sixteen channels side by side, four weights of each in a 32-bit lane."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.bodies.base import DenseBody, DepthwiseBody
from edgemnist.compiler.geometry import Geometry

LANES = 16
_TAPS = 4
_MOST_PIXELS = 16
_SLACK = 4
"""Bytes behind a strip that may be read."""


class Lanes(DenseBody):
    """Channels in groups of 16, a row's elements in groups of 4, both filled up with zeros."""

    by_rows = True

    def pack(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """See :meth:`DenseBody.pack`."""
        lines = rows.astype(np.int8).reshape(len(rows), -1, row_length)
        filled = np.pad(lines, ((0, 0), (0, 0), (0, -row_length % _TAPS)))
        return _in_groups(filled.reshape(len(rows), -1, _TAPS))

    def stretch(self, pixels: int, channels: int) -> list[int]:
        """See :meth:`DenseBody.stretch`; EM_STRETCH in ``em_pointwise_avx2.h``."""
        most = 16 if channels > 64 else 32
        counts = []
        while pixels >= most + _MOST_PIXELS:
            counts.append(most)
            pixels -= most
        return [*counts, pixels]

    def pixels_strip(self, pixels: int, channels: int) -> int:
        """See :meth:`DenseBody.pixels_strip`."""
        return _up(max(self.stretch(pixels, channels)) * channels + _SLACK)

    def rows_strip(self, geometry: Geometry, pool: tuple[int, int]) -> int:
        """See :meth:`DenseBody.rows_strip`."""
        g = geometry
        rows = (pool[0] - 1) * g.stride_height + (g.kernel_height - 1) * g.dilation_height + 1
        columns = (g.out_width // pool[1] * pool[1] - 1) * g.stride_width + g.kernel_width
        return rows * _up(columns * g.in_channels) + _SLACK


class Columns(DepthwiseBody):
    """Channels in groups of 16, four neighbouring rows of a column in a lane; the last row is the last byte."""

    one_channel = False
    by_rows = True
    vectors = True

    def pack(self, rows: NDArray[Any], geometry: Geometry) -> NDArray[np.int8]:
        """See :meth:`DepthwiseBody.pack`."""
        kernel = rows.astype(np.int8).reshape(len(rows), geometry.kernel_height, geometry.kernel_width)
        spread = np.zeros((len(rows), geometry.kernel_width, self._words(geometry) * _TAPS), np.int8)
        last = spread.shape[2] - 1
        places = last - geometry.dilation_height * np.arange(geometry.kernel_height)[::-1]
        spread[:, :, places] = kernel.transpose(0, 2, 1)
        return _in_groups(spread.reshape(len(rows), -1, _TAPS))

    def scratch(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.scratch`; up to 60 bytes are left out at the start."""
        groups = -(-geometry.out_channels // LANES)
        return geometry.plane_width * groups * self._words(geometry) * LANES * _TAPS + 60

    @staticmethod
    def _words(geometry: Geometry) -> int:
        return ((geometry.kernel_height - 1) * geometry.dilation_height + _TAPS) // _TAPS


def _in_groups(taps: NDArray[np.int8]) -> NDArray[np.int8]:
    """Return weights (channels, words, 4) by groups of 16 channels: 16 int32, then word by word each channel's weights.

    The int32 are -128 * the sum of a channel's weights: activations are 128 too high in the kernels.
    """
    filled = np.pad(taps, ((0, -len(taps) % LANES), (0, 0), (0, 0))).reshape(-1, LANES, *taps.shape[1:])
    sums = -128 * filled.sum(axis=(2, 3), dtype=np.int64)
    heads = sums.astype("<i4").view(np.int8).reshape(len(filled), -1)
    bodies = filled.transpose(0, 2, 1, 3).reshape(len(filled), -1)
    packed: NDArray[np.int8] = np.concatenate([heads, bodies], axis=1).reshape(-1)
    return packed


def _up(size: int) -> int:
    """Return the next multiple of 4."""
    return -(-size // 4) * 4
