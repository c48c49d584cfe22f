"""CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV and FULLY_CONNECTED on int16 activations with int8 weights."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

from numpy.typing import NDArray

from edgemnist.compiler.graph import INT16, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Step
from edgemnist.compiler.ops.conv_2d import Conv2D, conv_2d_sums
from edgemnist.compiler.ops.convolution import conv_geometry, depthwise_geometry
from edgemnist.compiler.ops.depthwise_conv_2d import DepthwiseConv2D, depthwise_sums
from edgemnist.compiler.ops.fields import Field, int32
from edgemnist.compiler.ops.fully_connected import FullyConnected, dense_sums
from edgemnist.compiler.ops.int16_sums import int16_channels, int16_outputs, limits_field
from edgemnist.compiler.ops.operands import (
    activations_of,
    ends_of,
    input_tensor,
    output_tensor,
    weight_values,
    weights_tensor,
)
from edgemnist.compiler.ops.overlaps import traced
from edgemnist.compiler.ops.transpose_conv import (
    TransposeConv,
    as_convolution,
    transposed_geometry,
    transposed_overlap,
    transposed_sums,
)
from edgemnist.compiler.ops.windows import window_field, windows_overlap

_BYTES = 2
"""Of an element."""

_WINDOW = "em_int16_window_params"


def _layer(
    layer: Node, graph: Graph, channel_axis: int, function: str, parameters: tuple[Field, ...], **others: Any
) -> Step:
    """Return the call of a layer's kernel, by default on a window; ``others`` are fields of :class:`Step`."""
    channels = int16_channels(layer, graph, channel_axis)
    known: dict[str, Any] = {"node": layer, "outputs": layer.outputs, "struct_type": _WINDOW, **others}
    return Step(
        function=channels.function(function), parameters=(*parameters, limits_field(layer, graph)),
        inputs=(activations_of(layer),), arrays=channels.arrays(weight_values(layer, graph)), **known,
    )  # fmt: skip


class Int16Conv2D(Conv2D):
    """Two-dimensional convolution."""

    kinds = MappingProxyType({f"{INT16}{kind}": schema for kind, schema in Conv2D.kinds.items()})

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [int16_outputs(node, graph, conv_2d_sums(node, graph, inputs))[None]]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g, depth = conv_geometry(node, graph), weights_tensor(node, graph).shape[3]
        return _layer(
            node, graph, 0, "em_int16_conv_2d", (window_field(g, g.in_channels // depth),),
            header="em_int16_conv_2d.h", overlaps={ends_of(node): windows_overlap(g, _BYTES)},
            macs=g.out_height * g.out_width * g.out_channels * g.kernel_height * g.kernel_width * depth,
        )  # fmt: skip


class Int16DepthwiseConv2D(DepthwiseConv2D):
    """Convolution of every channel by itself."""

    kinds = MappingProxyType({f"{INT16}{kind}": schema for kind, schema in DepthwiseConv2D.kinds.items()})

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [int16_outputs(node, graph, depthwise_sums(node, graph, inputs))[None]]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g = depthwise_geometry(node, graph)
        return _layer(
            node, graph, 3, "em_int16_depthwise_conv_2d", (window_field(g, g.in_channels),),
            header="em_int16_conv_2d.h", overlaps={ends_of(node): windows_overlap(g, _BYTES)},
            macs=g.out_height * g.out_width * g.out_channels * g.kernel_height * g.kernel_width,
        )  # fmt: skip


class Int16TransposeConv(TransposeConv):
    """Every pixel times the kernel, added up a stride apart."""

    kinds = MappingProxyType({f"{INT16}{kind}": schema for kind, schema in TransposeConv.kinds.items()})

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return [int16_outputs(as_convolution(node), graph, transposed_sums(node, graph, inputs))[None]]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        layer, g = as_convolution(node), transposed_geometry(node, graph)
        overlap = traced(output_tensor(node, graph).elements, lambda: transposed_overlap(g).of_elements(_BYTES))
        return _layer(
            layer, graph, 0, "em_int16_transpose_conv", (window_field(g, 1),), node=node,
            header="em_int16_conv_2d.h", overlaps={ends_of(layer): overlap},
            macs=g.pixels * g.in_channels * g.kernel_height * g.kernel_width * g.out_channels,
        )  # fmt: skip


class Int16FullyConnected(FullyConnected):
    """Dense layer over the last axis."""

    kinds = MappingProxyType({f"{INT16}{kind}": schema for kind, schema in FullyConnected.kinds.items()})

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        values = int16_outputs(node, graph, dense_sums(node, graph, inputs))
        return [values.reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        units, features = weights_tensor(node, graph).shape
        rows = input_tensor(node, graph).elements // features
        return _layer(
            node, graph, 0, "em_int16_fully_connected",
            int32(rows=rows, features=features, out_features=units), header="em_int16_fully_connected.h",
            struct_type="em_int16_dense_params", macs=rows * features * units,
        )  # fmt: skip
