"""CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED and the pools on float32, summed in the order of TFLite's references.

Every product and every sum is rounded by itself: numpy's float32 and the kernels' C do that alike, so that both equal
TFLM to the last bit. A bias that is absent is added as zeros, which changes no sum but -0.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import Schema, require_shape
from edgemnist.compiler.geometry import Geometry
from edgemnist.compiler.graph import (
    ACTIVATION_RELU,
    ACTIVATION_RELU6,
    ACTIVATION_RELU_N1_TO_1,
    FLOAT,
    Graph,
    Node,
)
from edgemnist.compiler.ops.base import PYTHON_STEP, LoweringSettings, Operator, Step, check_activation
from edgemnist.compiler.ops.convolution import conv_geometry, depthwise_geometry, windows_of
from edgemnist.compiler.ops.fields import LARGEST_FLOAT, CArray, Field, int32
from edgemnist.compiler.ops.layer_checks import check_depth, check_image, check_window, dense_shape
from edgemnist.compiler.ops.operands import (
    activations_of,
    bias_of,
    ends_of,
    input_tensor,
    output_tensor,
    weights_of,
    weights_tensor,
)
from edgemnist.compiler.ops.pooling import pool_geometry

_CORRUPT = "the file is corrupt, convert it again"

Floats = NDArray[np.float32]


def require_float(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem for each named tensor that is not float32."""
    return [
        f"{node.label}: tensor {graph.tensors[index].name!r} is {graph.tensors[index].dtype}, needed is float32; "
        "convert the model with `edgemnist convert --float32`"
        for index in indices
        if graph.tensors[index].dtype != "float32"
    ]


def float_step(node: Node, function: str, struct_type: str, parameters: tuple[Field, ...], **others: Any) -> Step:
    """Return a call of one of the kernels on float32; ``others`` are fields of :class:`Step`, by default the inputs."""
    known: dict[str, Any] = {"inputs": node.inputs, "outputs": node.outputs, **others}
    return Step(node, "em_float.h", f"em_float_{function}", f"em_float_{struct_type}", parameters, **known)


def limits_of(activation: int) -> tuple[float, float]:
    """Return the limits of a fused activation (TFLite ``CalculateActivationRange``)."""
    return {
        ACTIVATION_RELU: (0.0, LARGEST_FLOAT),
        ACTIVATION_RELU6: (0.0, 6.0),
        ACTIVATION_RELU_N1_TO_1: (-1.0, 1.0),
    }.get(activation, (-LARGEST_FLOAT, LARGEST_FLOAT))


def limit_fields(activation: int) -> tuple[Field, ...]:
    """Return the limits as the kernels have them."""
    low, high = limits_of(activation)
    return Field("minimum", "float", low), Field("maximum", "float", high)


def limited(values: Floats, activation: int) -> Floats:
    """Return values within the limits, as the kernels limit them: what is no number stays so."""
    low, high = (np.float32(one) for one in limits_of(activation))
    raised = np.where(values < low, low, values)
    result: Floats = np.where(high < raised, high, raised).astype(np.float32)
    return result


def _activation(node: Node) -> int:
    return node.integer("fused_activation_function")


def _check_weights(node: Node, graph: Graph, rank: int, channel_axis: int) -> list[str]:
    if len(node.inputs) < 2 or weights_of(node) == -1:
        return [f"{node.label}: has no weights; {_CORRUPT}"]
    weights = weights_tensor(node, graph)
    problems = check_constant(node, graph, weights_of(node))
    if problems:
        return problems
    if len(weights.shape) != rank:
        return [f"{node.label}: weights {weights.name!r} have shape {list(weights.shape)}, needed are {rank} axes"]
    bias, channels = bias_of(node), weights.shape[channel_axis]
    if bias is None:
        return []
    if graph.tensors[bias].elements != channels:
        name, count = graph.tensors[bias].name, graph.tensors[bias].elements
        return [f"{node.label}: bias {name!r} has {count} elements for {channels} channels; {_CORRUPT}"]
    return check_constant(node, graph, bias)


def check_constant(node: Node, graph: Graph, index: int) -> list[str]:
    """Return a problem where a tensor is no constant of finite float32."""
    tensor = graph.tensors[index]
    if tensor.data is None or tensor.dtype != "float32" or tensor.is_sparse:
        got = f"{tensor.dtype}{' sparse' if tensor.is_sparse else ''}"
        return [f"{node.label}: {tensor.name!r} must be a dense float32 constant, got {got}; convert the model again"]
    if not np.isfinite(tensor.data).all():
        return [f"{node.label}: {tensor.name!r} holds infinity or what is no number; train the model again"]
    return []


def _bias_values(node: Node, graph: Graph, channels: int) -> Floats:
    bias = bias_of(node)
    data = None if bias is None else graph.tensors[bias].data
    return np.zeros(channels, np.float32) if data is None else np.asarray(data, np.float32).reshape(-1)


def _finish(sums: Floats, node: Node, graph: Graph) -> Floats:
    biased = sums if bias_of(node) is None else sums + _bias_values(node, graph, sums.shape[-1])
    return limited(biased.astype(np.float32), _activation(node))


def _taps(image: Floats, g: Geometry) -> tuple[Floats, NDArray[np.bool_]]:
    """Return every window's pixels and which of them lie within the image."""
    inside = windows_of(np.ones((*image.shape[:2], 1), np.int64), g, 0)[..., 0] == 1
    pixels: Floats = windows_of(image.astype(np.float64), g, 0).astype(np.float32)
    return pixels, inside


def _taps_of(g: Geometry) -> int:
    """Return how many places a window has."""
    return g.kernel_height * g.kernel_width


def _window_fields(g: Geometry, multiplier: int, activation: int) -> tuple[Field, ...]:
    return (
        *int32(
            in_height=g.in_height, in_width=g.in_width, in_channels=g.in_channels, out_height=g.out_height,
            out_width=g.out_width, out_channels=g.out_channels, kernel_height=g.kernel_height,
            kernel_width=g.kernel_width, stride_height=g.stride_height, stride_width=g.stride_width,
            dilation_height=g.dilation_height, dilation_width=g.dilation_width, pad_top=g.padding.top,
            pad_left=g.padding.left, multiplier=multiplier,
        ),
        *limit_fields(activation),
    )  # fmt: skip


def _arrays(node: Node, graph: Graph, channels: int) -> tuple[CArray, CArray]:
    weights = np.asarray(weights_tensor(node, graph).data, np.float32)
    return CArray("weights", "float", weights), CArray("bias", "float", _bias_values(node, graph, channels))


class FloatConv2D(Operator):
    """Two-dimensional convolution of one group."""

    kinds = MappingProxyType({f"{FLOAT}CONV_2D": Schema("Conv2DOptions", 2, 3, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + _check_weights(node, graph, 4, 0)
        problems += check_activation(node) + check_image(node, graph)
        if problems:
            return problems
        out_channels, height, width, in_channels = weights_tensor(node, graph).shape
        if in_channels != input_tensor(node, graph).shape[-1]:
            return [f"{node.label}: groups of channels are not supported in float32; use separate layers"]
        return check_window(node, graph, (height, width), out_channels)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        g, weights = conv_geometry(node, graph), np.asarray(inputs[1], np.float32)
        pixels, inside = _taps(inputs[0][0], g)
        sums = np.zeros((g.out_height, g.out_width, g.out_channels), np.float32)
        for y, x in np.ndindex(g.kernel_height, g.kernel_width):
            for channel in range(g.in_channels):
                added = sums + pixels[:, :, y, x, channel, None] * weights[:, y, x, channel]
                sums = np.where(inside[:, :, y, x, None], added, sums)
        return [_finish(sums, node, graph)[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return conv_geometry(node, graph).window_values

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        g = conv_geometry(node, graph)
        taps = g.kernel_height * g.kernel_width * g.in_channels
        return taps * (g.out_height * g.out_width * g.out_channels + PYTHON_STEP)

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g = conv_geometry(node, graph)
        taps = g.kernel_height * g.kernel_width * g.in_channels
        return _layer(
            node, graph, "conv_2d", "window_params", _window_fields(g, 1, _activation(node)),
            g.out_channels, g.out_height * g.out_width * g.out_channels * taps,
        )  # fmt: skip


class FloatDepthwiseConv2D(Operator):
    """Each channel by itself."""

    kinds = MappingProxyType({f"{FLOAT}DEPTHWISE_CONV_2D": Schema("DepthwiseConv2DOptions", 2, 3, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + _check_weights(node, graph, 4, 3)
        problems += check_activation(node) + check_image(node, graph)
        if problems:
            return problems
        _, height, width, out_channels = weights_tensor(node, graph).shape
        return check_depth(node, graph) + check_window(node, graph, (height, width), out_channels)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        g, weights = depthwise_geometry(node, graph), np.asarray(inputs[1], np.float32)[0]
        pixels, inside = _taps(inputs[0][0], g)
        repeated = np.repeat(pixels, g.out_channels // g.in_channels, axis=-1)
        sums = np.zeros((g.out_height, g.out_width, g.out_channels), np.float32)
        for y, x in np.ndindex(g.kernel_height, g.kernel_width):
            sums = np.where(inside[:, :, y, x, None], sums + repeated[:, :, y, x] * weights[y, x], sums)
        return [_finish(sums, node, graph)[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return depthwise_geometry(node, graph).window_values

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return PYTHON_STEP * _taps_of(depthwise_geometry(node, graph))

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g = depthwise_geometry(node, graph)
        fields = _window_fields(g, g.out_channels // g.in_channels, _activation(node))
        macs = g.out_height * g.out_width * g.out_channels * g.kernel_height * g.kernel_width
        return _layer(
            node, graph, "depthwise_conv_2d", "window_params", fields, g.out_channels, macs
        )  # fmt: skip


class FloatFullyConnected(Operator):
    """Dense layer over the last axis."""

    kinds = MappingProxyType({f"{FLOAT}FULLY_CONNECTED": Schema("FullyConnectedOptions", 2, 3, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + _check_weights(node, graph, 2, 0)
        problems += check_activation(node)
        if node.integer("weights_format"):
            problems.append(f"{node.label}: shuffled weights are not supported; convert the model again")
        if problems:
            return problems
        return require_shape(node, output_tensor(node, graph), dense_shape(node, graph), "what the weights give")

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        weights = np.asarray(inputs[1], np.float32)
        rows = np.asarray(inputs[0], np.float32).reshape(-1, weights.shape[1])
        sums = np.zeros((len(rows), len(weights)), np.float32)
        for feature in range(weights.shape[1]):
            sums = sums + rows[:, feature, None] * weights[:, feature]
        return [_finish(sums, node, graph).reshape(output_tensor(node, graph).shape)]

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        out_features, features = weights_tensor(node, graph).shape
        return input_tensor(node, graph).elements * out_features + features * PYTHON_STEP

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        out_features, features = weights_tensor(node, graph).shape
        rows = input_tensor(node, graph).elements // features
        fields = (*int32(rows=rows, features=features, out_features=out_features), *limit_fields(_activation(node)))
        return _layer(
            node, graph, "fully_connected", "dense_params", fields, out_features,
            rows * out_features * features,
        )  # fmt: skip


class FloatPool2D(Operator):
    """Largest or mean value of each window, per channel; what hangs over the border does not count."""

    kinds = MappingProxyType(
        dict.fromkeys((f"{FLOAT}MAX_POOL_2D", f"{FLOAT}AVERAGE_POOL_2D"), Schema("Pool2DOptions", needed=True))
    )

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) or check_image(node, graph)
        if problems:
            return problems
        kernel = (node.integer("filter_height"), node.integer("filter_width"))
        return check_window(node, graph, kernel, input_tensor(node, graph).shape[-1]) + check_activation(node)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        g = pool_geometry(node, graph)
        pixels, inside = _taps(inputs[0][0], g)
        largest = node.kind == f"{FLOAT}MAX_POOL_2D"
        values = np.full((g.out_height, g.out_width, g.in_channels), -LARGEST_FLOAT if largest else 0, np.float32)
        for y, x in np.ndindex(g.kernel_height, g.kernel_width):
            tap = pixels[:, :, y, x]
            new = np.where(values < tap, tap, values) if largest else values + tap
            values = np.where(inside[:, :, y, x, None], new, values)
        counts = inside.sum(axis=(2, 3))[..., None].astype(np.float32)
        return [limited(values if largest else values / counts, _activation(node))[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return pool_geometry(node, graph).window_values

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return PYTHON_STEP * _taps_of(pool_geometry(node, graph))

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        name = "max" if node.kind == f"{FLOAT}MAX_POOL_2D" else "average"
        fields = _window_fields(pool_geometry(node, graph), 1, _activation(node))
        return float_step(node, f"{name}_pool_2d", "window_params", fields)


def _layer(
    node: Node, graph: Graph, function: str, struct: str, fields: tuple[Field, ...], channels: int, macs: int
) -> Step:
    arrays = _arrays(node, graph, channels)
    return float_step(node, function, struct, fields, inputs=(activations_of(node),), arrays=arrays, macs=macs)
