"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of uint8, whose weights have a zero point that is not in the middle.

Less their zero point weights are 9 bits wide, and few of a trained net's don't fit 8: ``without_uint8`` leaves
the channels that have such to these operators and makes int8 layers of all others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import UINT8, Graph, Node, Padding
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Overlap, Step, quantisation_of
from edgemnist.compiler.ops.conv_2d import Conv2D
from edgemnist.compiler.ops.convolution import (
    channel_multipliers,
    channel_parameters,
    conv_geometry,
    depthwise_geometry,
    output_of_layer,
)
from edgemnist.compiler.ops.depthwise_conv_2d import DepthwiseConv2D
from edgemnist.compiler.ops.fields import CArray, int16, int32
from edgemnist.compiler.ops.fully_connected import FullyConnected
from edgemnist.compiler.ops.layer_checks import check_bias_scale
from edgemnist.compiler.ops.operands import (
    activations_of,
    centred_weights,
    input_tensor,
    integers,
    output_of,
    output_tensor,
    weight_values,
    weights_tensor,
)
from edgemnist.compiler.ops.requantisation import kernel_name

PLACES = 3
"""The input that says which of the output channels are computed, all without it: ``without_uint8`` adds it."""

LAYERS: Mapping[str, int] = MappingProxyType(
    {f"{UINT8}CONV_2D": 0, f"{UINT8}DEPTHWISE_CONV_2D": 3, f"{UINT8}FULLY_CONNECTED": 0}
)
"""The layers, each with the axis of the output channels in its weights."""

PLACE_CHANNELS = f"{UINT8}PLACE_CHANNELS"
"""The kind of :class:`PlaceChannels`, which no file has."""


def computed_channels(node: Node, graph: Graph) -> tuple[int, ...]:
    """Return which of a layer's output channels a node computes, ascending."""
    if len(node.inputs) > PLACES:
        return integers(graph, node.inputs[PLACES])
    return tuple(range(output_tensor(node, graph).shape[-1]))


class UInt8Layer(Operator):
    """A layer of int8 over weights less their zero point, of which only some channels may be computed."""

    int8: Operator

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return [] if len(node.inputs) > PLACES else self.int8.check(node, graph) or check_bias_scale(node, graph)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        return _chosen(node, graph, self.int8.reference(node, graph, _centred(node, graph, inputs), settings))

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return self.int8.window_values(node, graph)

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return self.int8.products(node, graph)


class UInt8Conv2D(UInt8Layer):
    """Two-dimensional convolution with a zero point of the weights."""

    kinds = MappingProxyType({f"{UINT8}CONV_2D": Schema("Conv2DOptions", 2, 3, needed=True)})
    int8 = Conv2D()

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        outputs, *_, group_channels = weights_tensor(node, graph).shape
        geometry = conv_geometry(node, graph)
        each = outputs // (geometry.in_channels // group_channels)
        return _lower(node, graph, geometry, weight_values(node, graph), each)


class UInt8DepthwiseConv2D(UInt8Layer):
    """Convolution of every channel by itself with a zero point of the weights."""

    kinds = MappingProxyType({f"{UINT8}DEPTHWISE_CONV_2D": Schema("DepthwiseConv2DOptions", 2, 3, needed=True)})
    int8 = DepthwiseConv2D()

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        geometry = depthwise_geometry(node, graph)
        weights = np.moveaxis(weight_values(node, graph)[0], -1, 0)[..., None]
        return _lower(node, graph, geometry, weights, geometry.out_channels // geometry.in_channels)


class UInt8FullyConnected(UInt8Layer):
    """Dense layer over the last axis with a zero point of the weights."""

    kinds = MappingProxyType({f"{UINT8}FULLY_CONNECTED": Schema("FullyConnectedOptions", 2, 3, needed=True)})
    int8 = FullyConnected()

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        units, features = weights_tensor(node, graph).shape
        rows = input_tensor(node, graph).elements // features
        geometry = Geometry(rows, 1, features, rows, 1, units, 1, 1, 1, 1, 1, 1, Padding())
        return _lower(node, graph, geometry, weight_values(node, graph).reshape(units, 1, 1, features), units)


class PlaceChannels(Operator):
    """Some channels, the second input, in place of the first input's; the third says which."""

    kinds = MappingProxyType({PLACE_CHANNELS: Schema("", 3, 3)})
    of_files = False

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        return []

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        whole = np.array(inputs[0])
        whole[..., list(integers(graph, node.inputs[2]))] = inputs[1]
        return [whole]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        places, tensor = integers(graph, node.inputs[2]), output_tensor(node, graph)
        whole, some = node.inputs[:2]
        return Step(
            node=node, header="em_uint8.h", function="em_place_channels", struct_type="em_place_channels_params",
            parameters=int32(
                pixels=tensor.elements // tensor.shape[-1], channels=tensor.shape[-1], count=len(places)
            ),
            inputs=(whole, some), outputs=node.outputs, arrays=(CArray("places", "int16_t", np.array(places)),),
            overlaps={(whole, output_of(node)): Overlap(exactly=0)},
        )  # fmt: skip


def _centred(node: Node, graph: Graph, inputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    return [inputs[0], centred_weights(node, graph), *inputs[2:]]


def _chosen(node: Node, graph: Graph, outputs: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    return [output[..., list(computed_channels(node, graph))] for output in outputs]


def _lower(node: Node, graph: Graph, g: Geometry, weights: NDArray[Any], group_outputs: int) -> Step:
    """Return the kernel call; ``weights``: (outputs, height, width, channels of a group), with their zero point."""
    chosen = list(computed_channels(node, graph))
    centred = weights.astype(np.int64) - quantisation_of(weights_tensor(node, graph)).zero_point
    channels = channel_parameters(node, graph, centred.reshape(len(centred), -1), channel_multipliers(node, graph))
    parameters = replace(
        channels, bias=channels.bias[chosen], mantissas=channels.mantissas[chosen], shifts=channels.shifts[chosen],
    )  # fmt: skip
    firsts = np.array(chosen) // group_outputs * weights.shape[-1]
    return Step(
        node=node, header="em_uint8.h", function=kernel_name("em_uint8_layer", fast=channels.fast),
        struct_type="em_uint8_layer_params",
        parameters=(
            *int32(
                in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels, out_height=g.out_height,
                out_width=g.out_width, count=len(chosen), kernel_height=g.kernel_height, kernel_width=g.kernel_width,
                stride_height=g.stride_height, stride_width=g.stride_width, dilation_height=g.dilation_height,
                dilation_width=g.dilation_width, pad_top=g.padding.top, pad_left=g.padding.left,
                group_channels=weights.shape[-1],
            ),
            *int16(
                in_zero_point=quantisation_of(input_tensor(node, graph)).zero_point,
                weights_zero_point=quantisation_of(weights_tensor(node, graph)).zero_point,
            ),
            output_of_layer(node, graph),
        ),
        inputs=(activations_of(node),), outputs=node.outputs,
        arrays=(
            CArray("weights", "int8_t", weights[chosen]), CArray("firsts", "int16_t", firsts), *parameters.arrays()
        ),
        macs=g.out_height * g.out_width * centred[chosen].size,
    )  # fmt: skip
