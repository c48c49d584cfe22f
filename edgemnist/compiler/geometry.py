"""Sizes of operators that slide a window over an image."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgemnist.compiler.graph import PADDING_SAME, Padding


@dataclass(frozen=True)
class Geometry:
    """Sizes of a windowed operator, in pixels; ``out_*`` before any fused pool."""

    in_height: int
    in_width: int
    in_channels: int
    out_height: int
    out_width: int
    out_channels: int
    kernel_height: int
    kernel_width: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    padding: Padding

    @property
    def pixels(self) -> int:
        """Pixels of the input."""
        return self.in_height * self.in_width

    @property
    def window_values(self) -> int:
        """Values of all windows together."""
        return self.out_height * self.out_width * self.kernel_height * self.kernel_width * self.in_channels

    @property
    def reach(self) -> int:
        """Rows of the input, its border included, from a window's first to its last."""
        return (self.kernel_height - 1) * self.dilation_height + 1

    @property
    def plane_height(self) -> int:
        """Rows of the input, its border included, that the outputs read."""
        return (self.out_height - 1) * self.stride_height + self.reach

    @property
    def plane_width(self) -> int:
        """Columns of the input, its border included, that the outputs read."""
        return (self.out_width - 1) * self.stride_width + (self.kernel_width - 1) * self.dilation_width + 1

    @property
    def column_as_row(self) -> Geometry:
        """The same with height and width exchanged where image and kernel are one column; else as it is.

        Neither elements nor weights move. Kernels make neighbouring outputs of a row at once, of elements side by side.
        """
        one_column = self.in_width == self.kernel_width == self.out_width == 1
        return self.turned if one_column else self

    @property
    def turned(self) -> Geometry:
        """The same with height and width exchanged."""
        return replace(
            self, in_height=self.in_width, in_width=self.in_height,
            out_height=self.out_width, out_width=self.out_height,
            kernel_height=self.kernel_width, kernel_width=self.kernel_height,
            stride_height=self.stride_width, stride_width=self.stride_height,
            dilation_height=self.dilation_width, dilation_width=self.dilation_height,
            padding=Padding(self.padding.left, self.padding.top, self.padding.right, self.padding.bottom),
        )  # fmt: skip

    @property
    def windows_lie_inside(self) -> bool:
        """Whether no window hangs over the border."""
        inside = self.plane_height <= self.in_height and self.plane_width <= self.in_width
        return inside and self.padding.top == self.padding.left == 0


def same_or_valid_padding(padding: int, size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int, int]:
    """Return (output size, padding before, padding after) along one axis (TFLite ``ComputePaddingHeightWidth``)."""
    effective = (kernel - 1) * dilation + 1
    output = -(-size // stride) if padding == PADDING_SAME else (size + stride - effective) // stride
    total = max((output - 1) * stride + effective - size, 0)
    return output, total // 2, total - total // 2
