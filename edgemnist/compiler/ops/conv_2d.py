"""CONV_2D: any stride, dilation, padding and groups; a following MAX_POOL_2D may be fused into it."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import (
    LoweringSettings,
    Operator,
    Step,
    check_activation,
    quantisation_of,
    require_own_type,
)
from edgemnist.compiler.ops.convolution import (
    conv_geometry,
    outputs_of,
    windows_of,
)
from edgemnist.compiler.ops.forms import conv_2d_forms, lower_in_form
from edgemnist.compiler.ops.layer import convolution_of
from edgemnist.compiler.ops.layer_checks import check_image, check_weights, check_window
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    weights_tensor,
)


class Conv2D(Operator):
    """Two-dimensional convolution."""

    kinds = MappingProxyType({"CONV_2D": Schema("Conv2DOptions", 2, 3, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_own_type(node, graph, ends_of(node))
        problems += check_weights(node, graph, 4, channel_axis=0) + check_activation(node)
        problems += check_image(node, graph)
        if problems:
            return problems
        in_channels = input_tensor(node, graph).shape[-1]
        out_channels, kernel_height, kernel_width, group_channels = weights_tensor(node, graph).shape
        if in_channels % group_channels or out_channels % (in_channels // group_channels):
            problems.append(
                f"{node.label}: {in_channels} input and {out_channels} output channels don't divide into groups of "
                f"{group_channels} input channels; use a legal grouping"
            )
        return problems + check_window(node, graph, (kernel_height, kernel_width), out_channels)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [outputs_of(node, graph, conv_2d_sums(node, graph, inputs))[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return conv_geometry(node, graph).window_values

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        out_channels, _, _, group_channels = weights_tensor(node, graph).shape
        geometry = conv_geometry(node, graph)
        return geometry.window_values * out_channels * group_channels // geometry.in_channels

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_in_form(convolution_of(node, graph, settings), conv_2d_forms())


def conv_2d_sums(node: Node, graph: Graph, inputs: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the sums of products, (out height, out width, out channels), without the bias."""
    weights = inputs[1].astype(np.int64)
    geometry = conv_geometry(node, graph)
    zero_point = quantisation_of(input_tensor(node, graph)).zero_point
    windows = windows_of(inputs[0][0].astype(np.int64), geometry, zero_point) - zero_point
    group_channels, out_channels = weights.shape[3], weights.shape[0]
    groups = geometry.in_channels // group_channels
    grouped = windows.reshape(*windows.shape[:4], groups, group_channels)
    sums: NDArray[np.int64] = np.einsum(
        "yxabgc,gfabc->yxgf", grouped, weights.reshape(groups, out_channels // groups, *weights.shape[1:])
    )
    return sums.reshape(geometry.out_height, geometry.out_width, out_channels)
