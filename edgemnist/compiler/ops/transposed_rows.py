"""TRANSPOSE_CONV row by row as convolutions of stride 1, so that a target's bodies do nearly all of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Graph, Node, Padding
from edgemnist.compiler.ops.base import LoweringSettings, Overlap, Step, quantisation_of
from edgemnist.compiler.ops.convolution import (
    ChannelParameters,
    channel_multipliers,
    channel_parameters,
    output_of_layer,
)
from edgemnist.compiler.ops.fields import CArray, Field, int16, int32
from edgemnist.compiler.ops.operands import ends_of, input_tensor, weight_values
from edgemnist.compiler.ops.overlaps import traced, window_starts, write_behind_read


@dataclass(frozen=True)
class Taps:
    """Along one axis the weights that an output at place ``phase`` of a stride has: ``first`` and every stride on.

    The weight at ``first`` meets the input element ``ahead`` places on from the stride's own, the next one the element
    before that.
    """

    first: int
    count: int
    ahead: int


def taps_of(phase: int, cut: int, kernel: int, stride: int) -> Taps:
    """Return the taps of an output; ``cut`` elements of the whole output come before the first one."""
    first = (phase + cut) % stride
    return Taps(first, -(-(kernel - first) // stride), (phase + cut) // stride)


@dataclass(frozen=True, eq=False)
class TransposedRows:
    """A layer, ``node`` with its operands where a convolution has them; ``geometry`` is the transposed one's."""

    node: Node
    graph: Graph
    settings: LoweringSettings
    geometry: Geometry

    @property
    def suits(self) -> bool:
        """Whether the kernel can do the layer, with the bodies of the target."""
        g, dense = self.geometry, self.settings.bodies.dense
        whole = g.out_width % g.stride_width == 0 and self._row.out_width > 1
        reaches = g.kernel_height >= g.stride_height and g.kernel_width >= g.stride_width
        if not whole or not reaches or dense.by_rows:
            return False
        return all(dense.takes(self._weights(phase)) for phase in self._phases) and all(
            channels.fast for channels in self._channels
        )

    def lower(self, node: Node, macs: int) -> Step:
        """Return the call of ``em_transpose_conv_rows`` for the operator ``node``."""
        g, row, body = self.geometry, self._row, self.settings.bodies.dense
        strip = body.strip(row.kernel_height, row.kernel_width * row.in_channels, pairs=1)
        packed = [body.pack(self._weights(phase), row.kernel_width * row.in_channels) for phase in self._phases]
        starts = np.cumsum([0, *map(len, packed[:-1])])
        bias, shifts = (
            np.concatenate([channels.arrays()[part].values for channels in self._channels]) for part in (0, 1)
        )
        return Step(
            node=node, header="em_transpose_conv_rows.h", function="em_transpose_conv_rows",
            struct_type="em_transpose_conv_rows_params",
            parameters=(
                Field("conv", "em_conv_2d_params", self._conv_fields(strip)),
                *int16(
                    out_height=g.out_height, kernel_height=g.kernel_height, stride_height=g.stride_height,
                    pad_top=g.padding.top,
                ),
            ),
            inputs=self.node.inputs[:1], outputs=node.outputs,
            arrays=(
                CArray("weights", "int8_t", np.concatenate(packed), body.in_words),
                CArray("offsets", "int32_t", starts),
                CArray("channels", "em_channel", bias), CArray("shifts", "int8_t", shifts),
            ),
            scratch=strip + body.row_windows(row, 1), takes_scratch=True, macs=macs,
            overlaps={ends_of(self.node): traced(g.out_height, self._overlap)},
        )  # fmt: skip

    def _conv_fields(self, strip: int) -> tuple[Field, ...]:
        row = self._row
        zero_point = quantisation_of(input_tensor(self.node, self.graph)).zero_point
        return (
            *int16(
                in_height=row.in_height, in_width=row.in_width, in_channels=row.in_channels,
                out_height=1, out_width=row.out_width, out_channels=row.out_channels,
                kernel_height=row.kernel_height, kernel_width=row.kernel_width, stride_height=1, stride_width=1,
                dilation_height=1, dilation_width=1, pad_top=row.padding.top, pad_left=row.padding.left, groups=1,
                direct=1, pool_height=1, pool_width=1, in_zero_point=zero_point, part_rows=0,
            ),
            *int32(strip=strip), output_of_layer(self.node, self.graph),
        )  # fmt: skip

    @property
    def _phases(self) -> range:
        return range(self.geometry.stride_height)

    def _rows_of(self, phase: int) -> Taps:
        g = self.geometry
        return taps_of(phase, g.padding.top, g.kernel_height, g.stride_height)

    @cached_property
    def _columns(self) -> list[Taps]:
        g = self.geometry
        return [taps_of(phase, g.padding.left, g.kernel_width, g.stride_width) for phase in range(g.stride_width)]

    @cached_property
    def _row(self) -> Geometry:
        """The convolution of the row with the most taps."""
        g = self.geometry
        rows = [self._rows_of(phase) for phase in self._phases]
        most = max(taps.count for taps in rows)
        top = max(taps.count - 1 - taps.ahead for taps in rows)
        left = max(taps.count - 1 - taps.ahead for taps in self._columns)
        width = left + max(taps.ahead for taps in self._columns) + 1
        return Geometry(
            g.in_height, g.in_width, g.in_channels, -(-g.out_height // g.stride_height), g.out_width // g.stride_width,
            g.out_channels * g.stride_width, most, width, 1, 1, 1, 1, Padding(top, left, 0, 0),
        )  # fmt: skip

    def _weights(self, phase: int) -> NDArray[Any]:
        """Return the weights of a row's convolution, (out channels, window)."""
        g, rows = self.geometry, self._rows_of(phase)
        plain = weight_values(self.node, self.graph)[:, rows.first :: g.stride_height][:, ::-1]
        row = self._row
        shape = (g.stride_width, g.out_channels, rows.count, row.kernel_width, g.in_channels)
        spread = np.zeros(shape, plain.dtype)
        for place, taps in enumerate(self._columns):
            end = row.padding.left + taps.ahead + 1
            spread[place, :, :, end - taps.count : end] = plain[:, :, taps.first :: g.stride_width][:, :, ::-1]
        return spread.reshape(row.out_channels, -1)

    @cached_property
    def _channels(self) -> list[ChannelParameters]:
        """How a row's output channels are requantised, row by row of a stride."""
        multipliers = channel_multipliers(self.node, self.graph)
        every = multipliers * (self.geometry.out_channels // len(multipliers))
        return [
            channel_parameters(self.node, self.graph, self._weights(phase), every, self.geometry.stride_width)
            for phase in self._phases
        ]

    def _overlap(self) -> Overlap:
        g, row = self.geometry, self._row
        y = np.arange(g.out_height)
        reads = window_starts(row, y // g.stride_height, np.zeros(1, np.int64))
        return Overlap(at_most=write_behind_read(reads, (y + 1) * g.out_width * g.out_channels))
