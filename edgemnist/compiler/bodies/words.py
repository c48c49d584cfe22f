"""``em_depthwise_dsp.h``: a depthwise layer's plane in 16-bit elements."""

from __future__ import annotations

from edgemnist.compiler.bodies.base import DepthwiseBody, reads_first
from edgemnist.compiler.geometry import Geometry


class PlaneOfWords(DepthwiseBody):
    """Two rows in a word for 3 x 3 kernels with strides of 1 or 2, else rows as they are."""

    def rows(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.rows`: 0 for 3 x 3, four rows in words."""
        sizes = (geometry.kernel_height, geometry.kernel_width, geometry.dilation_height, geometry.dilation_width)
        strides = geometry.stride_height, geometry.stride_width
        if sizes == (3, 3, 1, 1) and strides in ((1, 1), (2, 2)) and reads_first(geometry, 3 - strides[0], 4):
            return 0
        return super().rows(geometry)

    def scratch(self, geometry: Geometry) -> int:
        """See :meth:`DepthwiseBody.scratch`."""
        rows = self.rows(geometry)
        return 2 * rows * ((geometry.plane_width + 2) // 2 * 2) if rows else 8 * geometry.plane_width
