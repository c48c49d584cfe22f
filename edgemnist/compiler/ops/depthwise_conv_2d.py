"""DEPTHWISE_CONV_2D: any multiplier, stride, dilation and padding; in place when the multiplier is 1."""

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
    depthwise_geometry,
    outputs_of,
    windows_of,
)
from edgemnist.compiler.ops.forms import depthwise_forms, lower_in_form
from edgemnist.compiler.ops.layer import depthwise_of
from edgemnist.compiler.ops.layer_checks import check_depth, check_image, check_weights, check_window
from edgemnist.compiler.ops.operands import (
    ends_of,
    input_tensor,
    weights_tensor,
)


class DepthwiseConv2D(Operator):
    """Convolution of every channel by itself."""

    kinds = MappingProxyType({"DEPTHWISE_CONV_2D": Schema("DepthwiseConv2DOptions", 2, 3, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_own_type(node, graph, ends_of(node))
        problems += check_weights(node, graph, 4, channel_axis=3) + check_activation(node)
        problems += check_image(node, graph)
        if problems:
            return problems
        _, kernel_height, kernel_width, out_channels = weights_tensor(node, graph).shape
        return check_depth(node, graph) + check_window(node, graph, (kernel_height, kernel_width), out_channels)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [outputs_of(node, graph, depthwise_sums(node, graph, inputs))[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`; a channel's are there once for each output that is made of it."""
        geometry = depthwise_geometry(node, graph)
        return geometry.window_values * geometry.out_channels // geometry.in_channels

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        return lower_in_form(depthwise_of(node, graph, settings), depthwise_forms())


def depthwise_sums(node: Node, graph: Graph, inputs: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """Return the sums of products, (out height, out width, out channels), without the bias."""
    geometry = depthwise_geometry(node, graph)
    zero_point = quantisation_of(input_tensor(node, graph)).zero_point
    windows = windows_of(inputs[0][0].astype(np.int64), geometry, zero_point) - zero_point
    repeated = np.repeat(windows, geometry.out_channels // geometry.in_channels, axis=-1)
    sums: NDArray[np.int64] = np.einsum("yxabc,abc->yxc", repeated, inputs[1][0].astype(np.int64))
    return sums
