"""TRANSPOSE_CONV on float32, summed in the order of TFLite's reference: the input's pixels one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import FLOAT, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, check_activation
from edgemnist.compiler.ops.float_layers import activation_of, check_layer, finished, layer_arrays, window_fields
from edgemnist.compiler.ops.floats import Floats, require_float
from edgemnist.compiler.ops.layer_checks import check_image
from edgemnist.compiler.ops.operands import activations_of, ends_of, output_tensor
from edgemnist.compiler.ops.overlaps import traced
from edgemnist.compiler.ops.transpose_conv import (
    as_convolution,
    operand_problems,
    size_problems,
    transposed_geometry,
    transposed_overlap,
)


class FloatTransposeConv(Operator):
    """Every pixel times the kernel, added up a stride apart."""

    kinds = MappingProxyType({f"{FLOAT}TRANSPOSE_CONV": Schema("TransposeConvOptions", 3, 4, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = operand_problems(node, graph)
        if problems:
            return problems
        layer = as_convolution(node)
        problems = require_float(layer, graph, ends_of(layer)) + check_image(layer, graph)
        problems = problems or check_layer(layer, graph, 4, 0) + check_activation(layer)
        return problems or size_problems(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        g = transposed_geometry(node, graph)
        image, weights = np.asarray(inputs[2][0], np.float32), np.asarray(inputs[1], np.float32)
        height, width = (
            (size - 1) * stride + kernel
            for size, stride, kernel in (
                (g.in_height, g.stride_height, g.kernel_height),
                (g.in_width, g.stride_width, g.kernel_width),
            )
        )
        sums = np.zeros((height, width, g.out_channels), np.float32)
        for y, x, channel in np.ndindex(image.shape):
            top, left = y * g.stride_height, x * g.stride_width
            window = sums[top : top + g.kernel_height, left : left + g.kernel_width]
            window += image[y, x, channel] * weights[..., channel].transpose(1, 2, 0)
        return [finished(_cut(sums, g), as_convolution(node), graph)[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        g = transposed_geometry(node, graph)
        return g.in_height * g.in_width * g.kernel_height * g.kernel_width * g.in_channels * g.out_channels

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        layer, g = as_convolution(node), transposed_geometry(node, graph)
        return Step(
            node=node, header="em_float_transpose_conv.h", function="em_float_transpose_conv",
            struct_type="em_float_window_params", parameters=window_fields(g, g.out_channels, activation_of(node)),
            inputs=(activations_of(layer),), outputs=node.outputs, arrays=layer_arrays(layer, graph, g.out_channels),
            overlaps={ends_of(layer): traced(output_tensor(node, graph).elements, lambda: transposed_overlap(g, 4))},
            macs=g.pixels * g.in_channels * g.kernel_height * g.kernel_width * g.out_channels,
        )  # fmt: skip


def _cut(sums: Floats, g: Geometry) -> Floats:
    """Return the output's part of all sums; beyond them are zeros."""
    whole = np.zeros((g.out_height + g.padding.top, g.out_width + g.padding.left, g.out_channels), np.float32)
    height, width = (min(one, other) for one, other in zip(whole.shape[:2], sums.shape[:2], strict=True))
    whole[:height, :width] = sums[:height, :width]
    return whole[g.padding.top :, g.padding.left :]
