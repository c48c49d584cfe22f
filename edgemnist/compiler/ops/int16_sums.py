"""Sums of int16 activations times int8 weights: how large they get, and how they become outputs.

The oracle adds up in 64 bits and multiplies by 15 bits of the factor, rounded once, ties up (TFLite
``MultiplyByQuantizedMultiplier`` for int64). Where 32 bits suffice for all that a layer can
sum up, its kernel takes those.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.fixedpoint import INT32_MAX, ShortMultiplier, multiply_short, shortened
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import activation_range
from edgemnist.compiler.ops.convolution import bias_values, channel_multipliers
from edgemnist.compiler.ops.fields import CArray, Field, int16
from edgemnist.compiler.ops.operands import output_tensor, weights_tensor

LARGEST_ACTIVATION = 2**15
LARGEST_SUM = 2**47 - 1
"""What the oracle multiplies by 15 bits; beyond it is undefined."""

SMALLEST_EXPONENT, LARGEST_EXPONENT = -31, 7
"""Of a factor, for the same reason."""


def largest_sums(node: Node, graph: Graph, channel_axis: int) -> list[int]:
    """Return for each output channel the largest magnitude of its sum, on the way to the final one too."""
    weights = np.moveaxis(np.asarray(weights_tensor(node, graph).data, np.int64), channel_axis, 0)
    rows = np.abs(weights).reshape(len(weights), -1).sum(axis=1)
    biases = bias_values(node, graph, len(rows)).tolist()  # the smallest int64 has no magnitude that is one
    return [abs(bias) + LARGEST_ACTIVATION * row for bias, row in zip(biases, rows.tolist(), strict=True)]


def check_sums(node: Node, graph: Graph, channel_axis: int) -> list[str]:
    """Return a problem when a sum leaves what the oracle multiplies, or a factor or a result does."""
    sums = largest_sums(node, graph, channel_axis)
    if max(sums) > LARGEST_SUM:
        return [f"{node.label}: sums reach {max(sums)}, allowed are {LARGEST_SUM}; convert the model again"]
    multipliers = channel_multipliers(node, graph)
    outside = [m for m in multipliers if not SMALLEST_EXPONENT <= m.exponent <= LARGEST_EXPONENT]
    every = multipliers * (len(sums) // len(multipliers))
    shorts = [shortened(multiplier) for multiplier in every]
    if outside or any(
        largest * one.mantissa >> one.shift >= INT32_MAX for largest, one in zip(sums, shorts, strict=True)
    ):
        return [
            f"{node.label}: the scales of input, weights and output don't fit, its results leave 32 bits; "
            "convert the model again with representative data"
        ]
    return []


def int16_outputs(node: Node, graph: Graph, sums: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return the outputs for sums of products (..., channels): bias, requantisation, activation."""
    channels, multipliers = sums.shape[-1], channel_multipliers(node, graph)
    biased, every = sums + bias_values(node, graph, channels), multipliers * (channels // len(multipliers))
    columns = [multiply_short(biased[..., channel], shortened(multiplier)) for channel, multiplier in enumerate(every)]
    low, high = activation_range(node.integer("fused_activation_function"), output_tensor(node, graph))
    values: NDArray[np.int16] = np.clip(np.stack(columns, axis=-1), low, high).astype(np.int16)
    return values


@dataclass(frozen=True, eq=False)
class Int16Channels:
    """How each output channel is requantised; ``wide``: its sums need 64 bits."""

    bias: NDArray[np.int64]
    multipliers: Sequence[ShortMultiplier]
    wide: bool

    def arrays(self, weights: NDArray[Any]) -> tuple[CArray, ...]:
        """Return the constants of a kernel, its weights first."""
        return (
            CArray("weights", "int8_t", weights),
            CArray("bias", "int64_t" if self.wide else "int32_t", self.bias),
            CArray("multipliers", "int16_t", np.array([one.mantissa for one in self.multipliers])),
            CArray("shifts", "int8_t", np.array([one.shift for one in self.multipliers])),
        )

    def function(self, name: str) -> str:
        """Return the kernel's function."""
        return f"{name}_wide" if self.wide else name


def int16_channels(node: Node, graph: Graph, channel_axis: int) -> Int16Channels:
    """Return how a layer's channels are requantised."""
    sums, multipliers = largest_sums(node, graph, channel_axis), channel_multipliers(node, graph)
    every = multipliers * (len(sums) // len(multipliers))
    bias = bias_values(node, graph, len(sums))
    return Int16Channels(bias, [shortened(one) for one in every], max(sums) > INT32_MAX)


def limits_field(node: Node, graph: Graph) -> Field:
    """Return the C struct ``em_int16_limits`` of a node with a fused activation."""
    low, high = activation_range(node.integer("fused_activation_function"), output_tensor(node, graph))
    return Field("limits", "em_int16_limits", int16(minimum=low, maximum=high))
