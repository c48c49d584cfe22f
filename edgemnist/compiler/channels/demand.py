"""Backward: which channels something depends on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.channels.lanes import Indices, Lanes, links_of
from edgemnist.compiler.channels.ranges import Ranges
from edgemnist.compiler.channels.weighted import DENSE, Weighted, is_weighted
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.operands import activations_of, output_of

Flags = NDArray[np.bool_]


class Kept:
    """The channels of a graph that are left; all that the output depends on, and where nothing is, one.

    A channel that is always the same does not depend on anything, and what reads it with weights has it in its bias.
    """

    def __init__(self, graph: Graph, lanes: Lanes, ranges: Ranges) -> None:
        self._graph, self._lanes, self._ranges = graph, lanes, ranges
        self._groups = np.zeros(lanes.count, bool)
        for tensor in self._fixed():
            self._groups[lanes.groups(tensor)] = True
        self._layers = {place: Weighted(n, graph) for place, n in enumerate(graph.nodes) if is_weighted(n, graph)}
        self._needed = [_unlinked(node, graph) for node in graph.nodes]
        before = -1
        # Each round goes against the order of execution; branches tie channels in the other direction.
        while before != (before := np.count_nonzero(self._groups)):
            for place in reversed(range(len(graph.nodes))):
                self._visit(place, graph.nodes[place])

    def of(self, tensor: int, size: int = 0) -> Flags:
        """Return which places along a tensor's last axis are kept, or along rows of ``size`` elements."""
        flags: Flags = self._groups[self._lanes.groups(tensor, size)]
        return flags

    def runs(self, node: Node) -> bool:
        """Return whether anything of a node's outputs is left."""
        return any(self.of(tensor).any() for tensor in node.outputs)

    def _fixed(self) -> set[int]:
        """Return the tensors that are the caller's, or are not int8."""
        graph = self._graph
        computed = {*graph.given, *graph.wanted, *(index for node in graph.nodes for index in node.outputs)}
        return {
            index
            for index in computed
            if index in (*graph.given, *graph.wanted) or graph.tensors[index].dtype != "int8"
        }

    def _visit(self, place: int, node: Node) -> None:
        if not self.runs(node):
            return
        layer = self._layers.get(place)
        if layer is None:
            for tensor in self._needed[place]:
                self._groups[self._lanes.groups(tensor)] = True
        elif node.kind in DENSE:
            self._visit_dense(layer)

    def _visit_dense(self, layer: Weighted) -> None:
        """Keep what the kept outputs that vary read, unless it is a constant that the bias can take."""
        node, inputs = layer.node, layer.inputs
        low, high = self._ranges.of(output_of(node), layer.outputs)
        rows = self.of(output_of(node), layer.outputs) & (low < high)
        read = layer.reads[rows].any(axis=0) & ~foldable(layer, self._ranges)
        groups = self._lanes.groups(activations_of(node), inputs)
        self._groups[groups[read]] = True
        if not self._groups[groups].any():
            self._groups[groups[0]] = True


def _unlinked(node: Node, graph: Graph) -> list[int]:
    """Return the inputs that a node which is no layer with weights needs as a whole."""
    linked = {index for link in links_of(node, graph) or () for index in (link.first, link.second)}
    return [tensor for tensor in graph.activations(node.inputs) if tensor not in linked]


def foldable(layer: Weighted, ranges: Ranges) -> Flags:
    """Return which inputs of a layer are constants that the bias can take.

    At the border the zero point stands for every channel, so that a padded layer's bias can take no other constant.
    """
    low, high = ranges.of(activations_of(layer.node), layer.inputs)
    result: Flags = (low == high) & ((low == layer.zero_point) | (not layer.padded))
    return result


def indices(flags: Flags) -> Indices:
    """Return the places where flags are set."""
    return np.flatnonzero(flags).astype(np.int64)
