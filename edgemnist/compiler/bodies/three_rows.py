"""``em_three_rows_*.h``: depthwise layers of 3 x 3 kernels, the rows that outputs need at hand in wide elements."""

from __future__ import annotations

from dataclasses import dataclass

from edgemnist.compiler.bodies.base import DepthwiseBody, reads_first
from edgemnist.compiler.geometry import Geometry


@dataclass(frozen=True)
class ThreeRows(DepthwiseBody):
    """``made`` rows of outputs at once where the stride is 1, from two rows more of the plane.

    ``element_bytes``: of an element that is held. ``wide``: other kernels take rows of 16-bit elements.
    """

    element_bytes: int
    made: int = 2
    wide: bool = False

    def by_lines(self, geometry: Geometry) -> bool:
        """See :meth:`DepthwiseBody.by_lines`; on a core with few registers, ``made`` 1, nothing is gained."""
        return self.made > 1 and super().by_lines(geometry)

    def by_pixels(self, geometry: Geometry) -> bool:
        """See :meth:`DepthwiseBody.by_pixels`; with few registers, ``made`` 1, kernels of four weights gain nothing."""
        taps = geometry.kernel_height * geometry.kernel_width
        return taps > (4 if self.made == 1 else 0) and super().by_pixels(geometry)

    def rows_at_once(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.rows_at_once`; wide rows take twice the scratch."""
        return 2 if self.wide and has_pairs(geometry) else super().rows_at_once(geometry)

    def rows(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.rows`; 0 where the kernel is 3 x 3."""
        sizes = (geometry.kernel_height, geometry.kernel_width, geometry.dilation_height, geometry.dilation_width)
        strides = geometry.stride_height, geometry.stride_width
        at_once = max(self.made // strides[0], 1)
        if sizes == (3, 3, 1, 1) and strides in ((1, 1), (2, 2)) and reads_first(geometry, at_once, self.made + 2):
            return 0
        return super().rows(geometry)

    def scratch(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.scratch`."""
        rows = self.rows(geometry)
        if rows == 0:
            return (self.made + 2) * self.element_bytes * geometry.plane_width
        return wide_rows_bytes(rows, geometry) if self.wide else super().scratch(geometry)


def has_pairs(geometry: Geometry) -> bool:
    """Return what ``em_wide_has_pairs`` does: whether wide rows are those of ``em_depthwise_wide.h`` at any speed."""
    return geometry.kernel_width > 1 and geometry.dilation_width == 1


def wide_rows_bytes(rows: int, geometry: Geometry) -> int:
    """Return the bytes of so many rows of a plane and of a channel's weights as ``em_depthwise_wide.h`` holds them."""
    width = geometry.kernel_width
    words = geometry.kernel_height * ((width + 1) // 2 if geometry.dilation_width == 1 else width)
    return 2 * rows * ((geometry.plane_width + 2) // 2 * 2) + 4 * words
