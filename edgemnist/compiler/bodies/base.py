"""What every target's bodies tell the generator, and the portable ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.geometry import Geometry


class DenseBody:
    """The inner product of ``em_dot.h``: output channels in blocks of 4, then one of 2, then one of 1.

    A target's own body is a subclass, and a header that the target names as ``EM_TARGET_DOT``.
    """

    def takes(self, rows: NDArray[Any]) -> bool:
        """Return whether the body is exact for a layer's weights (channels, window)."""
        return True

    def pack(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """Return the weights (channels, window) in the order that the body reads, one axis.

        :param row_length: elements of a row of the window, as in ``em_window``.
        """
        blocks = [rows[first : first + lanes].T.reshape(-1) for first, lanes in _lane_blocks(len(rows))]
        packed: NDArray[np.int8] = np.concatenate(blocks).astype(np.int8)
        return packed

    def strip(self, rows: int, row_length: int, pairs: int) -> int:
        """Return the bytes of scratch that the body needs beside the windows, a multiple of 4.

        :param rows: of a window, ``row_length`` elements each. ``pairs``: pixel pairs that are done at once; more than
            one only where a pool takes the largest of them.
        """
        return 0

    def window(self, geometry: Geometry, groups: int) -> int:
        """Return the bytes of scratch for a pixel pair's windows, as ``em_window_bytes`` of ``em_conv_2d.h`` has it."""
        direct = groups == 1 and geometry.dilation_width == 1
        beside = geometry.stride_width if direct else geometry.kernel_width
        return geometry.kernel_height * (geometry.kernel_width + beside) * (geometry.in_channels // groups)


class DepthwiseBody:
    """A channel at a time from a plane of its own, as ``em_depthwise_conv_2d.h`` does it by itself.

    ``one_channel``: whether it does a layer with one input channel and several outputs too, better than a convolution.
    """

    one_channel = True

    def pack(self, rows: NDArray[Any], geometry: Geometry) -> NDArray[np.int8]:
        """Return the weights (channels, kernel height * width) in the order that the body reads, one axis."""
        plain: NDArray[np.int8] = np.ascontiguousarray(rows).astype(np.int8).reshape(-1)
        return plain

    def scratch(self, geometry: Geometry) -> int:
        """Return the bytes of scratch that the body needs."""
        return geometry.plane_height * geometry.plane_width


def _lane_blocks(channels: int) -> Iterator[tuple[int, int]]:
    """Yield (first channel, lanes) of the blocks in which ``em_dot.h`` takes output channels: 4s, a 2, a 1."""
    first = 0
    for lanes in (4, 2, 1):
        while channels - first >= lanes:
            yield first, lanes
            first += lanes
