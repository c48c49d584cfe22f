"""What plain kernels that slide a window over an image share: the C struct, and where their output may lie."""

from __future__ import annotations

import numpy as np

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.ops.base import Overlap
from edgemnist.compiler.ops.fields import Field, int32
from edgemnist.compiler.ops.overlaps import traced, window_starts, write_behind_read


def window_field(g: Geometry, groups: int) -> Field:
    """Return the C struct ``em_sliding_params``."""
    fields = int32(
        in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels, out_height=g.out_height,
        out_width=g.out_width, out_channels=g.out_channels, kernel_height=g.kernel_height, kernel_width=g.kernel_width,
        stride_height=g.stride_height, stride_width=g.stride_width, dilation_height=g.dilation_height,
        dilation_width=g.dilation_width, pad_top=g.padding.top, pad_left=g.padding.left, groups=groups,
    )  # fmt: skip
    return Field("window", "em_sliding_params", fields)


def windows_overlap(g: Geometry, size: int) -> Overlap:
    """Return the overlap of a kernel that reads a window again for each channel of the output that it writes.

    ``size``: bytes of an element.
    """

    def work_out() -> Overlap:
        starts = window_starts(g, np.arange(g.out_height), np.arange(g.out_width))
        ends = (np.arange(starts.size) + 1) * g.out_channels
        return Overlap(at_most=write_behind_read(starts, ends)).of_elements(size)

    return traced(g.out_height * g.out_width, work_out)
