"""Forward: the least and largest value of each channel, whatever the input is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np

from edgemnist.compiler.channels.lanes import ELEMENTS, PAIRS, POOLS, Lanes
from edgemnist.compiler.channels.weighted import Weighted, is_weighted
from edgemnist.compiler.fixedpoint import INT32_MAX, IntArray, multiply_by_quantised_multiplier
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops import OPERATORS, arithmetic, mean, pad, parts, reduction
from edgemnist.compiler.ops.base import LoweringSettings, activation_range, quantisation_of
from edgemnist.compiler.ops.operands import activations_of, ends_of, output_of, output_tensor

LEAST, MOST = -128, 127

Range = tuple[IntArray, IntArray]
"""The least and the largest value of each channel."""


class Ranges:
    """What each lane's values lie between; filled node by node."""

    def __init__(self, graph: Graph, lanes: Lanes) -> None:
        self.graph, self._lanes = graph, lanes
        self._low = np.full(lanes.count, LEAST, np.int64)
        self._high = np.full(lanes.count, MOST, np.int64)
        for node in graph.nodes:
            for tensor, (low, high) in zip(node.outputs, _outputs(node, self), strict=True):
                self._narrow(tensor, low, high)

    def of(self, tensor: int, size: int = 0) -> Range:
        """Return the range of each place along a tensor's last axis, or along rows of ``size``; of constants too."""
        data = self.graph.tensors[tensor].data
        if data is not None:
            rows = data.astype(np.int64).reshape(-1, data.shape[-1] if data.ndim else 1)
            return rows.min(axis=0), rows.max(axis=0)
        lanes = self._lanes.of(tensor, size)
        return self._low[lanes], self._high[lanes]

    def _narrow(self, tensor: int, low: IntArray, high: IntArray) -> None:
        """Take the union of what is known of the places that a lane has."""
        lanes = self._lanes.of(tensor, low.size)
        self._low[lanes], self._high[lanes] = MOST, LEAST
        np.minimum.at(self._low, lanes, low)
        np.maximum.at(self._high, lanes, high)


def _outputs(node: Node, known: Ranges) -> list[Range]:
    """Return the ranges of a node's outputs; those of an operator that is not known of are whatever int8 holds."""
    graph = known.graph
    if is_weighted(node, graph):
        return [_weighted(node, known)]
    rule = _RULES.get(node.kind)
    int8 = all(graph.tensors[index].dtype == "int8" for index in (*graph.activations(node.inputs), *node.outputs))
    return rule(node, known) if rule is not None and int8 else [_any(graph, index) for index in node.outputs]


def _any(graph: Graph, tensor: int) -> Range:
    size = graph.tensors[tensor].shape[-1]
    return np.full(size, LEAST), np.full(size, MOST)


def inputs_of(layer: Weighted, known: Ranges) -> Range:
    """Return the ranges of a layer's inputs: of a dense layer's features, else of the image's channels."""
    return known.of(activations_of(layer.node), layer.inputs if layer.node.kind == "FULLY_CONNECTED" else 0)


def _weighted(node: Node, known: Ranges) -> Range:
    layer = Weighted(node, known.graph)
    return layer.results(*layer.sums(*inputs_of(layer, known)))


def _element(node: Node, known: Ranges) -> list[Range]:
    values = np.arange(LEAST, MOST + 1).astype(np.int8)
    table = OPERATORS[node.kind].reference(node, known.graph, [values], LoweringSettings())[0].astype(np.int64)
    low, high = known.of(activations_of(node))
    spans = [table[first - LEAST : last - LEAST + 1] for first, last in zip(low, high, strict=True)]
    return [(np.array([span.min() for span in spans]), np.array([span.max() for span in spans]))]


def _pair(node: Node, known: Ranges) -> list[Range]:
    """ADD and SUB keep or turn the order of each operand, MUL's extremes lie at the operands' too."""
    graph = known.graph
    channels = output_tensor(node, graph).shape[-1]
    left_shift = max(arithmetic.product_multiplier(node, graph).exponent, 0) if node.kind == "MUL" else 0
    if arithmetic.LARGEST_PRODUCT << left_shift > INT32_MAX:
        return [_any(graph, output_of(node))]
    corners = [
        OPERATORS[node.kind].reference(node, graph, [a.astype(np.int8), b.astype(np.int8)], LoweringSettings())[0]
        for a, b in product(*(known.of(index) for index in node.inputs))
    ]
    found = np.stack([np.broadcast_to(corner, channels) for corner in corners]).astype(np.int64)
    return [(found.min(axis=0), found.max(axis=0))]


def _pool(node: Node, known: Ranges) -> list[Range]:
    low, high = known.of(activations_of(node))
    limits = activation_range(node.integer("fused_activation_function"), output_tensor(node, known.graph))
    return [(np.clip(low, *limits), np.clip(high, *limits))]


def _pad(node: Node, known: Ranges) -> list[Range]:
    low, high = known.of(activations_of(node))
    axes, value = pad.axes_of(node, known.graph), pad.padding_value(node, known.graph)
    if any(axis.before or axis.after for axis in axes):
        low, high = np.minimum(low, value), np.maximum(high, value)
    around = [np.full(count, value) for count in (axes[-1].before, axes[-1].after)]
    return [(np.concatenate([around[0], low, around[1]]), np.concatenate([around[0], high, around[1]]))]


def _mean(node: Node, known: Ranges) -> list[Range]:
    graph = known.graph
    count, factor = mean.reduced_count(node, graph), mean.mean_multiplier(node, graph)
    whole = len(graph.tensors[activations_of(node)].shape) - 1 not in reduction.axes_of(node, graph)
    if not whole or (255 * count) << max(factor.exponent, 0) > INT32_MAX:
        return [_any(graph, output_of(node))]
    source, target = (quantisation_of(graph.tensors[index]).zero_point for index in ends_of(node))
    low, high = (
        np.clip(multiply_by_quantised_multiplier((end - source) * count, factor) + target, LEAST, MOST)
        for end in known.of(activations_of(node))
    )
    return [(low, high)]


def _concatenation(node: Node, known: Ranges) -> list[Range]:
    lows, highs = zip(*(known.of(index) for index in node.inputs), strict=True)
    rank = len(output_tensor(node, known.graph).shape)
    if node.integer("axis") % rank == rank - 1:
        return [(np.concatenate(lows), np.concatenate(highs))]
    return [(np.min(lows, axis=0), np.max(highs, axis=0))]


def _split(node: Node, known: Ranges) -> list[Range]:
    low, high = known.of(parts.whole_of(node))
    rank = len(known.graph.tensors[parts.whole_of(node)].shape)
    if parts.split_axis(node, known.graph) % rank != rank - 1:
        return [(low, high)] * len(node.outputs)
    return list(zip(*(np.split(end, len(node.outputs)) for end in (low, high)), strict=True))


def _same(node: Node, known: Ranges) -> list[Range]:
    return [known.of(activations_of(node))]


_RULES: Mapping[str, Callable[[Node, Ranges], list[Range]]] = {
    **dict.fromkeys(ELEMENTS, _element), **dict.fromkeys(PAIRS, _pair), **dict.fromkeys(POOLS, _pool),
    "PAD": _pad, "PADV2": _pad, "MEAN": _mean, "CONCATENATION": _concatenation, "SPLIT": _split,
    "RESIZE_NEAREST_NEIGHBOR": _same,
}  # fmt: skip
