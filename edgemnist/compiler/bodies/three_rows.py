"""``em_three_rows.h``: depthwise layers of 3 x 3 kernels, four rows of a channel's plane at hand."""

from __future__ import annotations

from dataclasses import dataclass

from edgemnist.compiler.bodies.base import DepthwiseBody, reads_first
from edgemnist.compiler.geometry import Geometry


@dataclass(frozen=True)
class ThreeRows(DepthwiseBody):
    """``column_bytes``: EM_COLUMN_BYTES of the body; ``wide``: other kernels take rows of 16-bit elements."""

    column_bytes: int
    wide: bool = False

    def rows(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.rows`; 0 where the steps of ``em_three_rows.h`` do the layer."""
        sizes = (geometry.kernel_height, geometry.kernel_width, geometry.dilation_height, geometry.dilation_width)
        strides = geometry.stride_height, geometry.stride_width
        if sizes == (3, 3, 1, 1) and strides in ((1, 1), (2, 2)) and reads_first(geometry, 3 - strides[0], 4):
            return 0
        return super().rows(geometry)

    def scratch(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.scratch`."""
        rows = self.rows(geometry)
        if rows == 0:
            return 2 * self.column_bytes * geometry.plane_width
        return 2 * rows * ((geometry.plane_width + 2) // 2 * 2) if self.wide else super().scratch(geometry)
