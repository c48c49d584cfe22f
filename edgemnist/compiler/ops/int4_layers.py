"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on int8 with weights of 4 bits, which stay packed in flash.

They compute what the same layers compute of int8 weights, so that the checks and numpy references are theirs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import INT4, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Step, quantisation_of
from edgemnist.compiler.ops.conv_2d import Conv2D
from edgemnist.compiler.ops.convolution import (
    bias_values,
    channel_multipliers,
    conv_geometry,
    depthwise_geometry,
    output_of_layer,
)
from edgemnist.compiler.ops.depthwise_conv_2d import DepthwiseConv2D
from edgemnist.compiler.ops.fields import CArray, Field, int16, int32
from edgemnist.compiler.ops.fully_connected import FullyConnected
from edgemnist.compiler.ops.layer_checks import check_unfolded
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor, weight_values, weights_tensor
from edgemnist.compiler.ops.windows import window_field, windows_overlap


def packed(values: NDArray[Any]) -> NDArray[np.int8]:
    """Return rows of values -8..7, two in a byte with the first in its lower half; each row begins with a byte."""
    rows = values.reshape(len(values), -1).astype(np.int64) & 15
    even = np.pad(rows, ((0, 0), (0, rows.shape[1] % 2)))
    result: NDArray[np.int8] = (even[:, 0::2] | even[:, 1::2] << 4).astype(np.uint8).view(np.int8)
    return result


def _layer(node: Node, graph: Graph, rows: NDArray[Any], fields: tuple[Field, ...], **details: Any) -> Step:
    """Return the call of a layer's kernel; ``rows`` are the weights that begin with a byte."""
    multipliers = channel_multipliers(node, graph)
    channels = weights_tensor(node, graph).shape[3 if "DEPTHWISE" in node.kind else 0]
    every = multipliers * (channels // len(multipliers))
    zero_point = quantisation_of(input_tensor(node, graph)).zero_point
    pairs = np.stack([bias_values(node, graph, channels), [one.mantissa for one in every]], axis=1)
    return Step(
        node=node, header="em_int4_layers.h", function=f"em_{node.kind.lower()}",
        parameters=(*fields, *int16(in_zero_point=zero_point), output_of_layer(node, graph)),
        inputs=(activations_of(node),), outputs=node.outputs,
        arrays=(
            CArray("weights", "int8_t", packed(rows)), CArray("channels", "em_channel", pairs),
            CArray("shifts", "int8_t", np.array([one.exponent for one in every])),
        ),
        **details,
    )  # fmt: skip


class Int4Conv2D(Conv2D):
    """Two-dimensional convolution."""

    kinds = MappingProxyType({f"{INT4}{kind}": schema for kind, schema in Conv2D.kinds.items()})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return super().check(node, graph) or check_unfolded(node, graph, 0)

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g, depth = conv_geometry(node, graph), weights_tensor(node, graph).shape[3]
        return _layer(
            node, graph, weight_values(node, graph), (window_field(g, g.in_channels // depth),),
            struct_type="em_int4_window_params", overlaps={ends_of(node): windows_overlap(g, 1)},
            macs=g.out_height * g.out_width * g.out_channels * g.kernel_height * g.kernel_width * depth,
        )  # fmt: skip


class Int4DepthwiseConv2D(DepthwiseConv2D):
    """Convolution of every channel by itself."""

    kinds = MappingProxyType({f"{INT4}{kind}": schema for kind, schema in DepthwiseConv2D.kinds.items()})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return super().check(node, graph) or check_unfolded(node, graph, 3)

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g = depthwise_geometry(node, graph)
        return _layer(
            node, graph, weight_values(node, graph), (window_field(g, g.in_channels),),
            struct_type="em_int4_window_params", overlaps={ends_of(node): windows_overlap(g, 1)},
            macs=g.out_height * g.out_width * g.out_channels * g.kernel_height * g.kernel_width,
        )  # fmt: skip


def quantised_per_channel(node: Node, graph: Graph) -> bool:
    """Whether weights have more scales than one."""
    quantisation = weights_tensor(node, graph).quantisation
    return quantisation is not None and quantisation.per_channel


class Int4FullyConnected(FullyConnected):
    """Dense layer over the last axis."""

    kinds = MappingProxyType({f"{INT4}{kind}": schema for kind, schema in FullyConnected.kinds.items()})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        if len(node.inputs) > 1 and quantised_per_channel(node, graph):
            return [f"{node.label}: weights of int4 have a scale for each unit, TFLM takes one; convert per tensor"]
        return super().check(node, graph) or check_unfolded(node, graph, 0)

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        units, features = weights_tensor(node, graph).shape
        rows = input_tensor(node, graph).elements // features
        return _layer(
            node, graph, weight_values(node, graph), int32(rows=rows, features=features, out_features=units),
            struct_type="em_int4_dense_params", macs=rows * features * units,
        )  # fmt: skip
