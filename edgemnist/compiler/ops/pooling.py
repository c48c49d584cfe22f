"""MAX_POOL_2D and AVERAGE_POOL_2D."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import Graph, Node, held_in
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Overlap,
    Step,
    activation_range,
    check_activation,
    in_int16_too,
    require_own_type,
)
from edgemnist.compiler.ops.convolution import window_geometry, windows_of
from edgemnist.compiler.ops.fields import int16
from edgemnist.compiler.ops.layer_checks import check_image, check_window
from edgemnist.compiler.ops.operands import ends_of, input_tensor, output_tensor, same_quantisation
from edgemnist.compiler.ops.overlaps import traced, window_starts

LARGEST_WINDOW = 2**16 - 1
"""Elements; the sum of so many of int16 stays within 32 bits."""


class Pool2D(Operator):
    """Largest or mean value of each window, per channel; what hangs over the border does not count."""

    kinds = MappingProxyType(
        in_int16_too(dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D"), Schema("Pool2DOptions", needed=True)))
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_own_type(node, graph, ends_of(node))
        problems = problems or check_image(node, graph)
        if problems:
            return problems
        if not same_quantisation(graph, *ends_of(node)):
            problems.append(f"{node.label}: input and output quantisation differ; convert the model again")
        kernel = (node.integer("filter_height"), node.integer("filter_width"))
        problems += check_window(node, graph, kernel, input_tensor(node, graph).shape[-1])
        if kernel[0] * kernel[1] > LARGEST_WINDOW:
            problems.append(f"{node.label}: its window has over {LARGEST_WINDOW} elements; pool in two steps")
        return problems + check_activation(node)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        geometry = pool_geometry(node, graph)
        image = inputs[0][0].astype(np.int64)
        low, high = activation_range(node.integer("fused_activation_function"), output_tensor(node, graph))
        if _is_largest(node):
            values = windows_of(image, geometry, np.iinfo(inputs[0].dtype).min - 1).max(axis=(2, 3))
        else:
            counts = windows_of(np.ones_like(image), geometry, 0).sum(axis=(2, 3))
            sums = windows_of(image, geometry, 0).sum(axis=(2, 3))
            values = np.trunc((sums + np.where(sums > 0, counts // 2, -(counts // 2))) / counts).astype(np.int64)
        return [np.clip(values, low, high).astype(inputs[0].dtype)[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return pool_geometry(node, graph).window_values

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g = pool_geometry(node, graph)
        low, high = activation_range(node.integer("fused_activation_function"), output_tensor(node, graph))
        wide, size = held_in(node.kind) == "int16", input_tensor(node, graph).itemsize
        return Step(
            node=node, header="em_int16_pool_2d.h" if wide else "em_pool_2d.h", struct_type="em_pool_2d_params",
            function=f"em_{'int16_' if wide else ''}{node.operator.lower()}",
            parameters=int16(
                in_height=g.in_height, in_width=g.in_width, channels=g.in_channels,
                out_height=g.out_height, out_width=g.out_width,
                kernel_height=g.kernel_height, kernel_width=g.kernel_width,
                stride_height=g.stride_height, stride_width=g.stride_width,
                pad_top=g.padding.top, pad_left=g.padding.left, minimum=low, maximum=high,
            ),
            inputs=node.inputs, outputs=node.outputs,
            overlaps={ends_of(node): traced(g.out_height * g.out_width, lambda: _overlap(g).of_elements(size))},
        )  # fmt: skip


def _is_largest(node: Node) -> bool:
    return node.operator == "MAX_POOL_2D"


def pool_geometry(node: Node, graph: Graph) -> Geometry:
    """Return a pool's geometry."""
    channels = input_tensor(node, graph).shape[-1]
    height, width = node.integer("filter_height"), node.integer("filter_width")
    return window_geometry(node, graph, height, width, channels)


def _overlap(g: Geometry) -> Overlap:
    """Return how far ahead of its input the output has to start; channels of a pixel are read and written in turn."""
    # The kernel goes channel by channel: a pixel's first channel is written before its last is read.
    starts = window_starts(g, np.arange(g.out_height), np.arange(g.out_width))
    ends = np.arange(starts.size) * g.in_channels
    after = np.append(starts[1:], g.in_height * g.in_width * g.in_channels)
    following = np.minimum.accumulate(after[::-1])[::-1]
    pixel_ends = ends + g.in_channels
    # Within a pixel the write of channel c must not pass the read of channel c + 1.
    return Overlap(at_most=int(min((following - pixel_ends).min(), (starts - ends).min())))
