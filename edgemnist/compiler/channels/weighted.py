"""A CONV_2D, DEPTHWISE_CONV_2D or FULLY_CONNECTED as its channels are judged: its sums, and what they depend on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.fixedpoint import (
    INT32_MAX,
    IntArray,
    multiply_by_quantised_multipliers,
    multiply_single_rounding,
)
from edgemnist.compiler.graph import Graph, Node, Padding
from edgemnist.compiler.ops.base import activation_range, quantisation_of
from edgemnist.compiler.ops.convolution import (
    bias_values,
    channel_multipliers,
    conv_geometry,
    depthwise_geometry,
)
from edgemnist.compiler.ops.operands import input_tensor, output_tensor, weight_values

DENSE = ("CONV_2D", "FULLY_CONNECTED")
DEPTHWISE = "DEPTHWISE_CONV_2D"


def is_weighted(node: Node, graph: Graph) -> bool:
    """Whether a node is a layer whose channels are looked at one by one: a convolution in groups is not."""
    if node.kind == "CONV_2D":
        return weight_values(node, graph).shape[3] == input_tensor(node, graph).shape[-1]
    return node.kind in (DEPTHWISE, "FULLY_CONNECTED")


@dataclass(frozen=True, eq=False)
class Weighted:
    """Such a layer. Weights are seen as (outputs, taps, inputs), those of a depthwise one as (outputs, taps, 1)."""

    node: Node
    graph: Graph

    @cached_property
    def weights(self) -> NDArray[np.int8]:
        """The weights."""
        values: NDArray[np.int8] = weight_values(self.node, self.graph)
        if self.node.kind == DEPTHWISE:
            values = np.moveaxis(values, 3, 0).reshape(values.shape[3], -1, 1)
        return values.reshape(len(values), -1, values.shape[-1])

    @property
    def outputs(self) -> int:
        """Output channels."""
        return len(self.weights)

    @property
    def inputs(self) -> int:
        """Input channels of one sum, features of a dense layer; 1 of a depthwise one."""
        return int(self.weights.shape[2])

    @cached_property
    def padded(self) -> bool:
        """Whether some window hangs over the border, where the zero point stands for every channel."""
        if self.node.kind == "FULLY_CONNECTED":
            return False
        geometry = conv_geometry if self.node.kind == "CONV_2D" else depthwise_geometry
        return geometry(self.node, self.graph).padding != Padding()

    @cached_property
    def zero_point(self) -> int:
        """The input's zero point."""
        return quantisation_of(input_tensor(self.node, self.graph)).zero_point

    @cached_property
    def bias(self) -> IntArray:
        """The bias as the file has it, zeros without one."""
        return bias_values(self.node, self.graph, self.outputs)

    @cached_property
    def reads(self) -> NDArray[np.bool_]:
        """Which outputs (first axis) have a weight other than zero on which inputs."""
        reads: NDArray[np.bool_] = self.weights.any(axis=1)
        return reads

    def sums(self, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
        """Return the least and largest accumulators for inputs between ``low`` and ``high``: as many as are read."""
        if self.node.kind == DEPTHWISE:
            multiplier = self.outputs // low.size
            low, high = np.repeat(low, multiplier), np.repeat(high, multiplier)
        low, high = low - self.zero_point, high - self.zero_point
        if self.padded:
            low, high = np.minimum(low, 0), np.maximum(high, 0)
        positive, negative = (bound(self.weights, 0).sum(axis=1, dtype=np.int64) for bound in (np.maximum, np.minimum))
        if self.node.kind == DEPTHWISE:
            positive, negative = positive[:, 0], negative[:, 0]
            return self.bias + positive * low + negative * high, self.bias + positive * high + negative * low
        return self.bias + positive @ low + negative @ high, self.bias + positive @ high + negative @ low

    def results(self, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
        """Return the least and largest outputs for accumulators between ``low`` and ``high``, however they are rounded.

        Every step from an accumulator to an output keeps the order, unless a shift to the left leaves 32 bits.
        """
        output = output_tensor(self.node, self.graph)
        least, most = activation_range(self.node.integer("fused_activation_function"), output)
        multipliers = channel_multipliers(self.node, self.graph)
        every = multipliers * (self.outputs // len(multipliers))
        ends = np.stack([low, high])
        found = [multiply_by_quantised_multipliers(ends, every)]
        if self.node.kind == "FULLY_CONNECTED":
            once = [multiply_single_rounding(ends[:, channel], one) for channel, one in enumerate(every)]
            found.append(np.stack(once, axis=1))
        values = np.clip(np.stack(found) + quantisation_of(output).zero_point, least, most)
        shifts = np.array([max(multiplier.exponent, 0) for multiplier in every])
        wraps = np.abs(ends).max(axis=0) << shifts > INT32_MAX
        return np.where(wraps, least, values.min(axis=(0, 1))), np.where(wraps, most, values.max(axis=(0, 1)))
