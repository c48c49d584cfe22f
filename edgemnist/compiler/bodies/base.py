"""What every target's bodies tell the generator, and the portable ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.geometry import Geometry


class DenseBody:
    """The inner product of ``em_dot.h``: output channels in blocks of 4, then one of 2, then one of 1.

    A target's own body is a subclass, and a header that the target names as ``EM_TARGET_DOT``. With ``copies_windows``
    it does two pixel pairs at a time and copies each window to its strip as soon as that is found (``EM_PIXEL_WORDS``).
    With ``in_words`` it reads weights in words, which have to start at a multiple of 4.

    ``by_rows``: the target has bodies of its own for whole layers too, as ``EM_TARGET_POINTWISE``,
    ``EM_TARGET_CONV_2D`` and ``EM_TARGET_CONV_2D_ADD``. They copy what a stretch of pixels or a row of outputs reads to
    a strip of scratch before they write any of it.
    """

    by_rows: ClassVar[bool] = False
    copies_windows: ClassVar[bool] = False
    in_words: ClassVar[bool] = False
    steps: ClassVar[bool] = False
    """Whether its kernels also requantise by step functions (``EM_ROUND_STEP``)."""

    def takes(self, rows: NDArray[Any]) -> bool:
        """Return whether the body is exact for a layer's weights (channels, window)."""
        return True

    def pack(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """Return the weights (channels, window) in the order that the body reads, one axis.

        :param row_length: elements of a row of the window, as in ``em_window``.
        """
        blocks = [rows[first : first + lanes].T.reshape(-1) for first, lanes in lane_blocks(len(rows))]
        packed: NDArray[np.int8] = np.concatenate(blocks).astype(np.int8)
        return packed

    def joins(self, rows: NDArray[Any]) -> int:
        """Return how many groups of taps are added up apart, over all channels, where the weights decide that."""
        return 0

    def strip(self, rows: int, row_length: int, pairs: int) -> int:
        """Return the bytes of scratch that the body needs beside the windows, a multiple of 4.

        :param rows: of a window, ``row_length`` elements each. ``pairs``: pixel pairs that are done at once; more than
            one only where a pool takes the largest of them.
        """
        return 0

    def pack_single(self, rows: NDArray[Any], row_length: int) -> NDArray[np.int8]:
        """Return what :meth:`pack` does, for a layer that has only one pixel at a time."""
        return self.pack(rows, row_length)

    def strip_single(self, rows: int, row_length: int, channels: int) -> int:
        """Return what :meth:`strip` does, for a layer of so many channels that has only one pixel at a time."""
        return self.strip(rows, row_length, pairs=1)

    def window(self, geometry: Geometry, groups: int) -> int:
        """Return the bytes of scratch for a pixel pair's windows, as ``em_window_bytes`` of ``em_conv_2d.h`` has it.

        None where every window is read in the input.
        """
        direct = groups == 1 and geometry.dilation_width == 1
        if direct and geometry.windows_lie_inside:
            return 0
        beside = geometry.kernel_width if self.apart(geometry) or not direct else geometry.stride_width
        return geometry.kernel_height * (geometry.kernel_width + beside) * (geometry.in_channels // groups)

    def row_windows(self, geometry: Geometry, groups: int) -> int:
        """Return the bytes of scratch for the windows of a row of outputs that are found at once, without a pool."""
        return self.window(geometry, groups)

    def apart(self, geometry: Geometry) -> bool:
        """Return whether a pair's windows have no columns in common, whatever the stride."""
        return False

    def stretch(self, pixels: int, channels: int) -> list[int]:
        """Return how many pixels a pointwise layer of so many input channels reads at a time, in the kernel's order.

        Each stretch is read as a whole before any of its outputs is written.
        """
        raise NotImplementedError

    def pixels_strip(self, pixels: int, channels: int) -> int:
        """Return the bytes of scratch for the longest stretch, a multiple of 4."""
        raise NotImplementedError

    def rows_strip(self, geometry: Geometry, pool: tuple[int, int]) -> int:
        """Return the bytes of scratch for the rows that a row of (pooled) outputs reads, a multiple of 4."""
        raise NotImplementedError


LINE_TAPS = 5
"""EM_LINE_TAPS in em_depthwise_line.h: the most weights of a kernel of one row or one column."""

LINE_OUTPUTS = 4
"""EM_LINE_OUTPUTS there: outputs at a time."""


class DepthwiseBody:
    """A channel at a time from a few rows of its plane, as ``em_depthwise_conv_2d.h`` does it by itself.

    ``by_rows``: the target's body does all channels of a row of outputs, and reads each row of the input once, before
    the first outputs that need it are written. ``one_channel``: whether it does a layer with one input channel and
    several outputs too, better than a convolution. ``vectors``: it has channels side by side in vectors, beside which
    kernels without them are slower.
    """

    by_rows: ClassVar[bool] = False
    vectors: ClassVar[bool] = False
    one_channel: ClassVar[bool] = True

    def by_lines(self, geometry: Geometry) -> bool:
        """Return whether a layer is done by ``em_depthwise_line.h``, without scratch: where that is faster.

        Measured on Cortex-M3 and M4: columns are faster from rows that are held, unless these serve one output each.
        """
        column = geometry.kernel_height > 1
        outputs, stride = (
            (geometry.out_height, geometry.stride_height) if column else (geometry.out_width, geometry.stride_width)
        )
        suits = suits_line(geometry) and not self.vectors
        return suits and outputs >= LINE_OUTPUTS and (not column or stride > 1)

    def by_pixels(self, geometry: Geometry) -> bool:
        """Return whether a layer is done by ``em_depthwise_pixels.h``, window by window, without scratch.

        That is fastest where windows have nothing in common, so that nothing would be loaded once for several outputs.
        """
        g = geometry
        rows_apart = g.out_height == 1 or g.stride_height >= g.kernel_height
        apart = rows_apart and (g.out_width == 1 or g.stride_width >= g.kernel_width)
        suits = apart and g.out_channels == g.in_channels and g.windows_lie_inside
        return suits and not self.vectors and not self.does_all(g)

    def takes(self, rows: NDArray[Any]) -> bool:
        """Return whether the body is exact for a layer's weights (channels, kernel height * width)."""
        return True

    def does_all(self, geometry: Geometry) -> bool:
        """Return whether the body does a layer by itself, however many outputs at a time the function does."""
        return False

    def rows_at_once(self, geometry: Geometry) -> int:
        """Return how many rows of outputs are made of the rows that are held.

        The more, the less often some of these are moved; and with four outputs below one another can be made at once.
        """
        return 4

    def pack(self, rows: NDArray[Any], geometry: Geometry) -> NDArray[np.int8]:
        """Return the weights (channels, kernel height * width) in the order that the body reads, one axis."""
        plain: NDArray[np.int8] = np.ascontiguousarray(rows).astype(np.int8).reshape(-1)
        return plain

    def rows(self, geometry: Geometry) -> int:
        """Return how many rows of a channel's plane the body holds at once: those of a few rows of outputs, or all.

        It holds all where otherwise outputs would come over what is still to be read.
        """
        held = min(geometry.plane_height, geometry.reach + (self.rows_at_once(geometry) - 1) * geometry.stride_height)
        at_once = (held - geometry.reach) // geometry.stride_height + 1
        return held if reads_first(geometry, at_once, held) else geometry.plane_height

    def scratch(self, geometry: Geometry) -> int:
        """Return the bytes of scratch that the body needs."""
        return self.rows(geometry) * (-(-geometry.plane_width // 4) * 4)


def in_place(geometry: Geometry) -> bool:
    """Return whether a depthwise layer's output is to lie on its input: each channel's on its own."""
    same = geometry.out_channels == geometry.in_channels
    return same and geometry.out_height * geometry.out_width <= geometry.pixels


def reads_first(geometry: Geometry, at_once: int, held: int) -> bool:
    """Return whether a layer that is in place reads every pixel before an output comes over it.

    It makes ``at_once`` rows of outputs when it has read the ``held`` rows of the plane from the first one's window on.
    """
    if not in_place(geometry):
        return True
    for first in range(0, geometry.out_height - at_once, at_once):
        read = min(max(first * geometry.stride_height + held - geometry.padding.top, 0), geometry.in_height)
        if (first + at_once) * geometry.out_width > read * geometry.in_width:
            return False
    return True


def suits_line(geometry: Geometry) -> bool:
    """Return whether ``em_depthwise_line.h`` can do a layer, with its output on its input where that is no smaller."""
    g = geometry if geometry.kernel_height == 1 else geometry.turned
    padding, taps = g.padding, g.kernel_width
    along = (
        g.stride_width <= min(2, taps)
        and (g.stride_width == 1 or g.dilation_width == 1)
        and padding.left % g.dilation_width == 0
        and padding.left <= taps * g.dilation_width - g.stride_width
        and g.out_width <= g.in_width
    )
    # Rows are apart in the input as they are in the output, or further; columns are not.
    across = padding.top == 0 and g.plane_height <= g.in_height and (g is geometry or g.stride_height == 1)
    one_each = g.out_channels == g.in_channels
    return one_each and g.kernel_height == 1 and taps <= LINE_TAPS and along and across


def lane_blocks(channels: int) -> Iterator[tuple[int, int]]:
    """Yield (first channel, lanes) of the blocks in which ``em_dot.h`` takes output channels: 4s, a 2, a 1."""
    first = 0
    for lanes in (4, 2, 1):
        while channels - first >= lanes:
            yield first, lanes
            first += lanes
