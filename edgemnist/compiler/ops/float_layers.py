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
from edgemnist.compiler.graph import FLOAT, Graph, Node
from edgemnist.compiler.ops.base import PYTHON_STEP, LoweringSettings, Operator, Step, check_activation
from edgemnist.compiler.ops.convolution import conv_geometry, depthwise_geometry, windows_of
from edgemnist.compiler.ops.fields import LARGEST_FLOAT, CArray, Field, int32
from edgemnist.compiler.ops.floats import Floats, check_constant, limit_fields, limited, require_float
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


def activation_of(node: Node) -> int:
    """Return the fused activation."""
    return node.integer("fused_activation_function")


def check_layer(node: Node, graph: Graph, rank: int, channel_axis: int) -> list[str]:
    """Return a problem where weights or bias are no constants of float32, or of the wrong shape."""
    if len(node.inputs) < 2 or weights_of(node) == -1:
        return [f"{node.label}: has no weights; {_CORRUPT}"]
    weights = weights_tensor(node, graph)
    problems = check_constant(node, graph, weights_of(node))
    if problems:
        return problems
    if len(weights.shape) != rank:
        return [f"{node.label}: weights {weights.name!r} have shape {list(weights.shape)}, needed are {rank} axes"]
    return check_bias(node, graph, weights.shape[channel_axis])


def check_bias(node: Node, graph: Graph, channels: int) -> list[str]:
    """Return a problem where a bias is no constant of float32, or not one for each channel."""
    bias = bias_of(node)
    if bias is None:
        return []
    if graph.tensors[bias].elements != channels:
        name, count = graph.tensors[bias].name, graph.tensors[bias].elements
        return [f"{node.label}: bias {name!r} has {count} elements for {channels} channels; {_CORRUPT}"]
    return check_constant(node, graph, bias)


def bias_values(node: Node, graph: Graph, channels: int) -> Floats:
    """Return the bias, zeros where there is none."""
    bias = bias_of(node)
    data = None if bias is None else graph.tensors[bias].data
    return np.zeros(channels, np.float32) if data is None else np.asarray(data, np.float32).reshape(-1)


def finished(sums: Floats, node: Node, graph: Graph) -> Floats:
    """Return what a layer makes of its sums, channels last: with the bias, within the activation's limits."""
    biased = sums if bias_of(node) is None else sums + bias_values(node, graph, sums.shape[-1])
    return limited(biased.astype(np.float32), activation_of(node))


def taps_of(image: Floats, g: Geometry) -> tuple[Floats, NDArray[np.bool_]]:
    """Return every window's pixels and which of them lie within the image."""
    inside = windows_of(np.ones((*image.shape[:2], 1), np.int64), g, 0)[..., 0] == 1
    pixels: Floats = windows_of(image.astype(np.float64), g, 0).astype(np.float32)
    return pixels, inside


def _taps_of(g: Geometry) -> int:
    """Return how many places a window has."""
    return g.kernel_height * g.kernel_width


def window_fields(g: Geometry, multiplier: int, activation: int) -> tuple[Field, ...]:
    """Return the fields of ``em_float_window_params``; ``multiplier``: outputs that read the same input channels."""
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


def layer_arrays(node: Node, graph: Graph, channels: int) -> tuple[CArray, CArray]:
    """Return weights and bias as the kernels read them."""
    weights = np.asarray(weights_tensor(node, graph).data, np.float32)
    return CArray("weights", "float", weights), CArray("bias", "float", bias_values(node, graph, channels))


class FloatConv2D(Operator):
    """Two-dimensional convolution, of several groups of channels too."""

    kinds = MappingProxyType({f"{FLOAT}CONV_2D": Schema("Conv2DOptions", 2, 3, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + check_layer(node, graph, 4, 0)
        problems += check_activation(node) + check_image(node, graph)
        if problems:
            return problems
        out_channels, height, width, in_channels = weights_tensor(node, graph).shape
        groups, rest = divmod(input_tensor(node, graph).shape[-1], in_channels)
        if groups < 1 or rest or out_channels % groups:
            return [
                f"{node.label}: weights {list(weights_tensor(node, graph).shape)} don't divide the "
                f"{input_tensor(node, graph).shape[-1]} channels of the input into groups; {_CORRUPT}"
            ]
        return check_window(node, graph, (height, width), out_channels)

    def reference(
        self, node: Node, graph: Graph, inputs: Sequence[NDArray[Any]], settings: LoweringSettings
    ) -> list[NDArray[Any]]:
        """See :meth:`Operator.reference`."""
        g, weights = conv_geometry(node, graph), np.asarray(inputs[1], np.float32)
        pixels, inside = taps_of(inputs[0][0], g)
        sums = np.zeros((g.out_height, g.out_width, g.out_channels), np.float32)
        for y, x in np.ndindex(g.kernel_height, g.kernel_width):
            for channel in range(weights.shape[3]):
                read = pixels[:, :, y, x, channel :: weights.shape[3]]
                each = np.repeat(read, g.out_channels // read.shape[-1], axis=-1)
                added = sums + each * weights[:, y, x, channel]
                sums = np.where(inside[:, :, y, x, None], added, sums)
        return [finished(sums, node, graph)[None]]

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
        channels = weights_tensor(node, graph).shape[3]
        taps, outputs = g.kernel_height * g.kernel_width * channels, g.out_channels // (g.in_channels // channels)
        return _layer(
            node, graph, "conv_2d", "window_params", window_fields(g, outputs, activation_of(node)),
            g.out_channels, g.out_height * g.out_width * g.out_channels * taps,
        )  # fmt: skip


class FloatDepthwiseConv2D(Operator):
    """Each channel by itself."""

    kinds = MappingProxyType({f"{FLOAT}DEPTHWISE_CONV_2D": Schema("DepthwiseConv2DOptions", 2, 3, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + check_layer(node, graph, 4, 3)
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
        pixels, inside = taps_of(inputs[0][0], g)
        repeated = np.repeat(pixels, g.out_channels // g.in_channels, axis=-1)
        sums = np.zeros((g.out_height, g.out_width, g.out_channels), np.float32)
        for y, x in np.ndindex(g.kernel_height, g.kernel_width):
            sums = np.where(inside[:, :, y, x, None], sums + repeated[:, :, y, x] * weights[y, x], sums)
        return [finished(sums, node, graph)[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return depthwise_geometry(node, graph).window_values

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return PYTHON_STEP * _taps_of(depthwise_geometry(node, graph))

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        g = depthwise_geometry(node, graph)
        fields = window_fields(g, g.out_channels // g.in_channels, activation_of(node))
        macs = g.out_height * g.out_width * g.out_channels * g.kernel_height * g.kernel_width
        return _layer(
            node, graph, "depthwise_conv_2d", "window_params", fields, g.out_channels, macs
        )  # fmt: skip


class FloatFullyConnected(Operator):
    """Dense layer over the last axis."""

    kinds = MappingProxyType({f"{FLOAT}FULLY_CONNECTED": Schema("FullyConnectedOptions", 2, 3, needed=True)})

    def check(self, node: Node, graph: Graph) -> list[str]:
        """See :meth:`Operator.check`."""
        problems = require_float(node, graph, ends_of(node)) + check_layer(node, graph, 2, 0)
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
        return [finished(sums, node, graph).reshape(output_tensor(node, graph).shape)]

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        out_features, features = weights_tensor(node, graph).shape
        return input_tensor(node, graph).elements * out_features + features * PYTHON_STEP

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        out_features, features = weights_tensor(node, graph).shape
        rows = input_tensor(node, graph).elements // features
        fields = (*int32(rows=rows, features=features, out_features=out_features), *limit_fields(activation_of(node)))
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
        pixels, inside = taps_of(inputs[0][0], g)
        largest = node.kind == f"{FLOAT}MAX_POOL_2D"
        values = np.full((g.out_height, g.out_width, g.in_channels), -LARGEST_FLOAT if largest else 0, np.float32)
        for y, x in np.ndindex(g.kernel_height, g.kernel_width):
            tap = pixels[:, :, y, x]
            new = np.where(values < tap, tap, values) if largest else values + tap
            values = np.where(inside[:, :, y, x, None], new, values)
        counts = inside.sum(axis=(2, 3))[..., None].astype(np.float32)
        return [limited(values if largest else values / counts, activation_of(node))[None]]

    def window_values(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.window_values`."""
        return pool_geometry(node, graph).window_values

    def products(self, node: Node, graph: Graph) -> int:
        """See :meth:`Operator.products`."""
        return PYTHON_STEP * _taps_of(pool_geometry(node, graph))

    def lower(self, node: Node, graph: Graph, settings: LoweringSettings) -> Step:
        """See :meth:`Operator.lower`."""
        name = "max" if node.kind == f"{FLOAT}MAX_POOL_2D" else "average"
        fields = window_fields(pool_geometry(node, graph), 1, activation_of(node))
        return Step(
            node, "em_float.h", f"em_float_{name}_pool_2d", "em_float_window_params", fields, node.inputs, node.outputs
        )  # fmt: skip


def _layer(
    node: Node, graph: Graph, function: str, struct: str, fields: tuple[Field, ...], channels: int, macs: int
) -> Step:
    return Step(
        node=node, header="em_float.h", function=f"em_float_{function}", struct_type=f"em_float_{struct}",
        parameters=fields, inputs=(activations_of(node),), outputs=node.outputs,
        arrays=layer_arrays(node, graph, channels), macs=macs,
    )  # fmt: skip
