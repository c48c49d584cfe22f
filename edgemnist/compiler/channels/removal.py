"""Graph -> Graph without the channels that are constant or that nobody reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.channels.demand import Flags, Kept, foldable, indices
from edgemnist.compiler.channels.lanes import PAIRS, Lanes
from edgemnist.compiler.channels.ranges import Ranges, inputs_of
from edgemnist.compiler.channels.weighted import DEPTHWISE, Weighted, is_weighted
from edgemnist.compiler.fixedpoint import IntArray
from edgemnist.compiler.graph import Graph, KeptChannels, LeftOut, Node
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import quantisation_of
from edgemnist.compiler.ops.operands import (
    activations_of,
    bias_of,
    input_tensor,
    output_of,
    output_tensor,
    weights_of,
)
from edgemnist.tflite.file import Quantisation, TensorInfo

MOST_CHANNELS = 2**18
"""Channels of all tensors together, up to which it is worked out which of them are needed."""

STEADY_SHIFT = 8
"""A channel that is constant and yet kept has no weights, and a bias of so many bits more than its value."""


def drop_channels(graph: Graph) -> Graph:
    """Leave out the channels that are always the same or that nobody reads; constants go into the readers' biases.

    It comes before all that fuses operators. Where the result would be one that can't be compiled, the graph stays as
    it is; so it does with more channels than :data:`MOST_CHANNELS`, or a tensor without axes.
    """
    computed = (*graph.given, *graph.storage, *(tensor for node in graph.nodes for tensor in node.outputs))
    shapes = [graph.tensors[tensor].shape for tensor in computed]
    if () in shapes or sum(shape[-1] for shape in shapes) > MOST_CHANNELS:
        return graph
    lanes = Lanes(graph)
    ranges = Ranges(graph, lanes)
    return _Removal(graph, ranges, Kept(graph, lanes, ranges)).result()


class _Removal:
    """What is known of a graph, and the tensors of the one that it becomes."""

    def __init__(self, graph: Graph, ranges: Ranges, kept: Kept) -> None:
        self._graph, self._ranges, self._kept = graph, ranges, kept
        self._tensors = dict(graph.tensors)
        self._fresh = max(graph.tensors) + 1

    def result(self) -> Graph:
        """Return the graph without the channels that are not kept."""
        graph = self._graph
        nodes = [self._node(node) for node in graph.nodes if self._kept.runs(node)]
        computed = {*graph.given, *(tensor for node in nodes for tensor in node.outputs)}
        storage = {alias: root for alias, root in graph.storage.items() if graph.root(alias) in computed}
        partial = {tensor: part for tensor in (*computed, *storage) if (part := self._partial(tensor)) is not None}
        for tensor, part in partial.items():
            shape = (*part.shape[:-1], len(part.channels))
            self._tensors[tensor] = replace(self._tensors[tensor], shape=shape)
        result = replace(
            graph, tensors=self._tensors, nodes=tuple(nodes), storage=storage, kept=partial,
            left_out=tuple(self._left_out()),
        )  # fmt: skip
        return graph if any(OPERATORS[node.kind].check(node, result) for node in nodes) else result

    def _partial(self, tensor: int) -> KeptChannels | None:
        flags = self._kept.of(tensor)
        if flags.all():
            return None
        low, high = self._ranges.of(tensor)
        constants = {int(place): int(low[place]) for place in indices(~flags & (low == high))}
        channels = tuple(int(place) for place in indices(flags))
        return KeptChannels(self._graph.tensors[tensor].shape, channels, constants)

    def _left_out(self) -> list[LeftOut]:
        found = []
        for node in self._graph.nodes:
            if is_weighted(node, self._graph):
                gone = ~self._kept.of(output_of(node))
                low, high = self._ranges.of(output_of(node))
                constant = int((gone & (low == high)).sum())
                if gone.any():
                    found.append(LeftOut(node.label, gone.size, constant, int(gone.sum()) - constant))
        return found

    def _node(self, node: Node) -> Node:
        if is_weighted(node, self._graph):
            return self._weighted(Weighted(node, self._graph))
        if node.kind in PAIRS:
            return self._with_constants(node, self._kept.of(output_of(node)))
        if node.kind == "CONCATENATION":
            return self._concatenation(node)
        return node

    def _with_constants(self, node: Node, kept: Flags) -> Node:
        """Return an operator of two tensors with the kept channels of a constant one."""
        inputs = tuple(self._sliced(index, kept) for index in node.inputs)
        return replace(node, inputs=inputs)

    def _sliced(self, tensor: int, kept: Flags) -> int:
        """Return a constant without some of its channels, if it has more than one."""
        data = self._graph.tensors[tensor].data
        if data is None or kept.all() or not data.ndim or data.shape[-1] == 1:
            return tensor
        return self._constant(self._graph.tensors[tensor], data[..., kept])

    def _concatenation(self, node: Node) -> Node:
        """Return the node without the parts of which nothing is left."""
        kept, rank, first, inputs = self._kept.of(output_of(node)), len(output_tensor(node, self._graph).shape), 0, []
        for index in node.inputs:
            size = self._graph.tensors[index].shape[-1]
            flags = kept[first : first + size]
            first += size if node.integer("axis") % rank == rank - 1 else 0
            if flags.any():
                inputs.append(self._sliced(index, flags))
        return replace(node, inputs=tuple(inputs))

    def _weighted(self, layer: Weighted) -> Node:
        """Return a layer with the weights between kept channels, and constants in its bias."""
        node, graph = layer.node, self._graph
        rows = self._kept.of(output_of(node), layer.outputs)
        columns = np.ones(1, bool) if node.kind == DEPTHWISE else self._kept.of(activations_of(node), layer.inputs)
        low, high = self._ranges.of(output_of(node), layer.outputs)
        constant = low == high
        if rows.all() and columns.all() and not constant.any():
            return node
        like = graph.tensors[weights_of(node)]
        weights = np.where(constant[:, None, None], np.int8(0), layer.weights)[rows][:, :, columns]
        scales, sums = self._steady(layer, low)
        bias = np.where(constant, sums, layer.bias + self._folded(layer, columns))[rows]
        quantisation = _of_channels(
            quantisation_of(like), rows, np.where(constant, scales, quantisation_of(like).scales)
        )
        changed = self._constant(like, _as_in_file(weights, like, node), quantisation)
        return replace(node, inputs=(activations_of(node), changed, self._bias(node, bias)))

    def _folded(self, layer: Weighted, columns: Flags) -> IntArray:
        """Return what the constants among the inputs that are not kept add to each sum.

        It fits: the reader has refused layers whose products, of any inputs, could take the bias out of 32 bits.
        """
        if columns.all():
            return np.zeros(layer.outputs, np.int64)
        values, _ = self._ranges.of(activations_of(layer.node), layer.inputs)
        gone = ~columns & foldable(layer, self._ranges)
        sums: IntArray = layer.weights.sum(axis=1, dtype=np.int64) @ np.where(gone, values - layer.zero_point, 0)
        return sums

    def _steady(self, layer: Weighted, values: IntArray) -> tuple[float, IntArray]:
        """Return a weight scale and each output's sum with it, for the outputs whose sums all give ``values``.

        With a scale of its own it is a factor that every kernel can take, whatever the file's is; else it is of the
        possible sums the one nearest to 0.
        """
        weights, output = (
            quantisation_of(self._graph.tensors[i]) for i in (weights_of(layer.node), output_of(layer.node))
        )
        if weights.per_channel:
            scale = output.scale / quantisation_of(input_tensor(layer.node, self._graph)).scale / (1 << STEADY_SHIFT)
            return scale, (values - output.zero_point) << STEADY_SHIFT
        low, high = layer.sums(*inputs_of(layer, self._ranges))
        return weights.scale, np.clip(0, low, high)

    def _bias(self, node: Node, values: IntArray) -> int:
        index = bias_of(node)
        if index is None and not values.any():
            return -1
        weights = self._graph.tensors[weights_of(node)]
        name = f"{weights.name} bias" if index is None else self._graph.tensors[index].name
        like = replace(weights, name=name, dtype="int32", quantisation=None)
        return self._constant(like, values.astype(np.int32))

    def _constant(self, like: TensorInfo, data: NDArray[Any], quantisation: Quantisation | None = None) -> int:
        """Add a constant and return its number."""
        index, self._fresh = self._fresh, self._fresh + 1
        self._tensors[index] = replace(
            like, index=index, shape=data.shape, shape_signature=(), data=data,
            quantisation=quantisation or like.quantisation,
        )  # fmt: skip
        return index


def _as_in_file(weights: NDArray[Any], like: TensorInfo, node: Node) -> NDArray[Any]:
    """Return weights of shape (outputs, taps, inputs) in the order of the axes that a layer's has in a file."""
    if node.kind == DEPTHWISE:
        return np.ascontiguousarray(weights[:, :, 0].T).reshape(*like.shape[:3], len(weights))
    return weights.reshape(len(weights), *like.shape[1:-1], weights.shape[2])


def _of_channels(quantisation: Quantisation, rows: Flags, scales: NDArray[np.float64]) -> Quantisation:
    """Return the ``scales`` of some of the output channels, where each has its own."""
    if not quantisation.per_channel:
        return quantisation
    kept = indices(rows).tolist()
    return replace(
        quantisation,
        scales=tuple(float(scales[channel]) for channel in kept),
        zero_points=tuple(quantisation.zero_points[channel] for channel in kept),
    )
