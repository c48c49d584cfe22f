"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED on float32 with int8 weights: the input is quantised at run time.

TFLM has no such kernels: what is computed is what TensorFlow Lite's reference kernels compute. They quantise the whole
image, or each row of a dense layer, by its largest and smallest element; sums of products are exact integers.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.fixedpoint import INT32_MAX
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import HYBRID, Graph, Node
from edgemnist.compiler.ops.base import LoweringSettings, Operator, Step, check_activation, quantisation_of
from edgemnist.compiler.ops.convolution import conv_geometry, depthwise_geometry, windows_of
from edgemnist.compiler.ops.fields import CArray, Field, int32
from edgemnist.compiler.ops.float_layers import activation_of, bias_values, check_bias, window_fields
from edgemnist.compiler.ops.floats import Floats, limit_fields, limited, require_float
from edgemnist.compiler.ops.layer_checks import check_depth, check_image, check_window, dense_shape
from edgemnist.compiler.ops.operands import activations_of, ends_of, input_tensor, output_tensor, weights_tensor

_CORRUPT = "the file is corrupt, convert it again"

LARGEST_SUM = INT32_MAX // (255 * 128)
"""Products that a sum of 32 bits holds."""


def quantised(values: Floats, *, asymmetric: bool) -> tuple[NDArray[np.int64], np.float32, int]:
    """Return values as int8, their scale and their zero point (TFLite ``tensor_utils::BatchQuantizeFloats``)."""
    if not asymmetric:
        largest = np.float32(np.abs(values).max())
        if largest == 0:
            return np.zeros(values.shape, np.int64), np.float32(1), 0
        steps = _rounded(values * (np.float32(127) / largest))
        return np.clip(steps, -127, 127), largest / np.float32(127), 0
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    if low == high:
        return np.zeros(values.shape, np.int64), np.float32(1), 0
    scale = (high - low) / 255
    zero_point = _zero_point(low / scale, high / scale)
    steps = _rounded(np.float32(zero_point) + values * (np.float32(1) / np.float32(scale)))
    return np.clip(steps, -128, 127), np.float32(scale), zero_point


def _zero_point(low: float, high: float) -> int:
    """Return the zero point that errs less, from the lower or from the upper end, both in steps."""
    chosen = -128 - low if 128 + abs(low) < 127 + abs(high) else 127 - high
    return int(np.clip(np.sign(chosen) * np.floor(abs(chosen) + 0.5), -128, 127))


def _rounded(values: Floats) -> NDArray[np.int64]:
    """Return the nearest integers, halves away from zero."""
    whole = values.astype(np.float64)
    result: NDArray[np.int64] = (np.sign(whole) * np.floor(np.abs(whole) + 0.5)).astype(np.int64)
    return result


def _check_weights(node: Node, graph: Graph, rank: int, channel_axis: int) -> list[str]:
    if len(node.inputs) < 2 or node.inputs[1] == -1:
        return [f"{node.label}: has no weights; {_CORRUPT}"]
    weights = weights_tensor(node, graph)
    if weights.data is None or weights.dtype != "int8" or weights.is_sparse:
        return [f"{node.label}: weights {weights.name!r} must be a dense int8 constant; convert the model again"]
    if weights.quantisation is None or any(weights.quantisation.zero_points):
        return [f"{node.label}: weights {weights.name!r} need scales and zero point 0; convert the model again"]
    if len(weights.shape) != rank:
        return [f"{node.label}: weights {weights.name!r} have shape {list(weights.shape)}, needed are {rank} axes"]
    channels, scales = weights.shape[channel_axis], len(weights.quantisation.scales)
    if scales not in (1, channels) or (scales > 1 and weights.quantisation.axis != channel_axis):
        return [f"{node.label}: weights {weights.name!r} have {scales} scales for {channels} channels; {_CORRUPT}"]
    products = weights.elements // channels
    if products > LARGEST_SUM:
        return [f"{node.label}: sums {products} products, allowed are {LARGEST_SUM}; use a smaller layer"]
    return check_bias(node, graph, channels)


def _is_per_channel(node: Node, graph: Graph, channel_axis: int) -> bool:
    """Whether there is a scale for each channel: with one channel, its only one is that, too."""
    weights = weights_tensor(node, graph)
    return len(quantisation_of(weights).scales) == weights.shape[channel_axis]


def _scales(node: Node, graph: Graph, channels: int) -> Floats:
    scales = np.asarray(quantisation_of(weights_tensor(node, graph)).scales, np.float32)
    return np.broadcast_to(scales, (channels,))


def _arrays(node: Node, graph: Graph, channels: int) -> tuple[CArray, ...]:
    return (
        CArray("weights", "int8_t", np.asarray(weights_tensor(node, graph).data)),
        CArray("scales", "float", _scales(node, graph, channels)),
        CArray("bias", "float", bias_values(node, graph, channels)),
    )


def _image_fields(g: Geometry, node: Node, graph: Graph, multiplier: int, channel_axis: int) -> tuple[Field, ...]:
    window = Field("window", "em_float_window_params", window_fields(g, multiplier, activation_of(node)))
    return (window, *int32(per_channel=int(_is_per_channel(node, graph, channel_axis))))


def _of_image(node: Node, graph: Graph, g: Geometry, function: str, fields: tuple[Field, ...], macs: int) -> Step:
    return Step(
        node=node, header="em_hybrid.h", function=f"em_hybrid_{function}", struct_type="em_hybrid_window_params",
        parameters=fields, inputs=(activations_of(node),), outputs=node.outputs,
        arrays=_arrays(node, graph, g.out_channels), scratch=input_tensor(node, graph).elements, macs=macs,
    )  # fmt: skip


class HybridConv2D(Operator):
    """Two-dimensional convolution of one group of channels."""

    kinds = MappingProxyType({f"{HYBRID}CONV_2D": Schema("Conv2DOptions", 2, 3, needed=True)})
    without_tflm = tuple(kinds)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + _check_weights(node, graph, 4, 0)
        problems += check_activation(node) + check_image(node, graph)
        if problems:
            return problems
        out_channels, height, width, in_channels = weights_tensor(node, graph).shape
        if in_channels != input_tensor(node, graph).shape[-1]:
            return [f"{node.label}: groups of channels with weights of int8 are not supported; use separate layers"]
        return check_window(node, graph, (height, width), out_channels)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        g, per_channel = conv_geometry(node, graph), _is_per_channel(node, graph, 0)
        image, scale, zero_point = quantised(np.asarray(inputs[0][0], np.float32), asymmetric=per_channel)
        windows = windows_of(image - zero_point, g, 0)
        sums = np.einsum("hwabc,fabc->hwf", windows, inputs[1].astype(np.int64)).astype(np.float32)
        scales = _scales(node, graph, g.out_channels)
        scaled = (sums * scales) * scale if per_channel else sums * (scale * scales)
        return [limited(scaled + bias_values(node, graph, g.out_channels), activation_of(node))[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return conv_geometry(node, graph).window_values

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g = conv_geometry(node, graph)
        macs = g.out_height * g.out_width * weights_tensor(node, graph).elements
        return _of_image(node, graph, g, "conv_2d", _image_fields(g, node, graph, g.out_channels, 0), macs)


class HybridDepthwiseConv2D(Operator):
    """Each channel by itself; the weights have a scale for each."""

    kinds = MappingProxyType({f"{HYBRID}DEPTHWISE_CONV_2D": Schema("DepthwiseConv2DOptions", 2, 3, needed=True)})
    without_tflm = tuple(kinds)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + _check_weights(node, graph, 4, 3)
        problems += check_activation(node) + check_image(node, graph)
        if problems:
            return problems
        first, height, width, out_channels = weights_tensor(node, graph).shape
        if first != 1:
            return [f"{node.label}: weights have a first axis of {first}, needed is 1; {_CORRUPT}"]
        if not _is_per_channel(node, graph, 3):
            return [f"{node.label}: weights of int8 need a scale for each channel here; convert the model again"]
        return check_depth(node, graph) + check_window(node, graph, (height, width), out_channels)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        g = depthwise_geometry(node, graph)
        image, scale, zero_point = quantised(np.asarray(inputs[0][0], np.float32), asymmetric=True)
        windows = np.repeat(windows_of(image - zero_point, g, 0), g.out_channels // g.in_channels, axis=-1)
        sums = np.einsum("hwabc,abc->hwc", windows, inputs[1][0].astype(np.int64)).astype(np.float32)
        scaled = sums * (_scales(node, graph, g.out_channels) * scale)
        return [limited(scaled + bias_values(node, graph, g.out_channels), activation_of(node))[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return depthwise_geometry(node, graph).window_values

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g = depthwise_geometry(node, graph)
        fields = _image_fields(g, node, graph, g.out_channels // g.in_channels, 3)
        macs = g.out_height * g.out_width * weights_tensor(node, graph).elements
        return _of_image(node, graph, g, "depthwise_conv_2d", fields, macs)


class HybridFullyConnected(Operator):
    """Dense layer over the last axis, each row quantised by itself."""

    kinds = MappingProxyType({f"{HYBRID}FULLY_CONNECTED": Schema("FullyConnectedOptions", 2, 3, needed=True)})
    without_tflm = tuple(kinds)

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + _check_weights(node, graph, 2, 0)
        problems += check_activation(node)
        if node.integer("weights_format"):
            problems.append(f"{node.label}: shuffled weights are not supported; convert the model again")
        if problems:
            return problems
        if len(quantisation_of(weights_tensor(node, graph)).scales) > 1:
            return [f"{node.label}: int8 weights with a scale for each unit are not supported; convert per tensor"]
        return require_shape(node, output_tensor(node, graph), dense_shape(node, graph), "what the weights give")

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        weights = inputs[1].astype(np.int64)
        rows = np.asarray(inputs[0], np.float32).reshape(-1, weights.shape[1])
        bias, scales = bias_values(node, graph, len(weights)), _scales(node, graph, len(weights))
        found = []
        for row in rows:
            values, scale, zero_point = quantised(row, asymmetric=bool(node.integer("asymmetric_quantize_inputs")))
            found.append(bias + ((values - zero_point) @ weights.T).astype(np.float32) * (scale * scales))
        return [limited(np.stack(found), activation_of(node)).reshape(output_tensor(node, graph).shape)]

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        out_features, features = weights_tensor(node, graph).shape
        rows = input_tensor(node, graph).elements // features
        asymmetric = int(bool(node.integer("asymmetric_quantize_inputs")))
        return Step(
            node=node, header="em_hybrid.h", function="em_hybrid_fully_connected",
            struct_type="em_hybrid_dense_params",
            parameters=(
                *int32(rows=rows, features=features, out_features=out_features, asymmetric=asymmetric),
                *limit_fields(activation_of(node)),
            ),
            inputs=(activations_of(node),), outputs=node.outputs, arrays=_arrays(node, graph, out_features),
            scratch=features, macs=rows * out_features * features,
        )  # fmt: skip
