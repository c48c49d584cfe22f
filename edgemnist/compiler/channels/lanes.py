"""Which channels of which tensors have to be kept or left out together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.channels.weighted import DEPTHWISE, is_weighted
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops import pad, parts, reduction
from edgemnist.compiler.ops.operands import activations_of, ends_of, output_of, weights_tensor

Indices = NDArray[np.int64]

ELEMENTS = (
    "LOGISTIC", "TANH", "RELU", "RELU6", "LEAKY_RELU", "HARD_SWISH", "QUANTIZE", "ABS", "ELU", "GELU", "RSQRT",
)  # fmt: skip
"""Functions of one element."""

POOLS = ("MAX_POOL_2D", "AVERAGE_POOL_2D")
PAIRS = ("ADD", "SUB", "MUL")


@dataclass(frozen=True, eq=False)
class Link:
    """Channels of two tensors, one by one: where the one is computed, the other is too."""

    first: int
    first_channels: Indices
    second: int
    second_channels: Indices


def links_of(node: Node, graph: Graph) -> list[Link] | None:
    """Return what ties a node's output channels to its inputs'; None where all depend on all, or on weights."""
    if node.kind in (*ELEMENTS, *POOLS, "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR"):
        return [_whole(graph, *ends_of(node))]
    if node.kind in PAIRS:
        channels = graph.tensors[output_of(node)].shape[-1]
        return [
            _whole(graph, index, output_of(node))
            for index in graph.activations(node.inputs)
            if graph.tensors[index].shape[-1] == channels
        ]
    if node.kind == DEPTHWISE:
        return [_depthwise(node, graph)]
    if node.kind in ("PAD", "PADV2"):
        last = pad.axes_of(node, graph)[-1]
        return [_whole(graph, *ends_of(node))] if last.before == last.after == 0 else None
    if node.kind == "MEAN":
        rank = len(graph.tensors[activations_of(node)].shape)
        return [_whole(graph, *ends_of(node))] if rank - 1 not in reduction.axes_of(node, graph) else None
    if node.kind == "CONCATENATION":
        return _parts(graph, output_of(node), node.inputs, node.integer("axis"))
    if node.kind == "SPLIT":
        cut = _parts(graph, parts.whole_of(node), node.outputs, parts.split_axis(node, graph))
        return [*cut, *(_whole(graph, node.outputs[0], other) for other in node.outputs[1:])]
    return None


def _whole(graph: Graph, first: int, second: int) -> Link:
    channels = np.arange(graph.tensors[second].shape[-1])
    return Link(first, channels, second, channels)


def _depthwise(node: Node, graph: Graph) -> Link:
    source, target = ends_of(node)
    channels = np.arange(graph.tensors[target].shape[-1])
    return Link(source, channels // (channels.size // graph.tensors[source].shape[-1]), target, channels)


def _parts(graph: Graph, whole: int, pieces: Iterable[int], axis: int) -> list[Link]:
    """Return the links of a tensor with its parts along ``axis``; a constant part has none."""
    along_channels = axis % len(graph.tensors[whole].shape) == len(graph.tensors[whole].shape) - 1
    links, first = [], 0
    for piece in pieces:
        channels = np.arange(graph.tensors[piece].shape[-1])
        if not graph.is_constant(piece):
            links.append(Link(whole, channels + first, piece, channels))
        first += channels.size if along_channels else 0
    return links


class Lanes:
    """Every channel that is computed, as a number; a tensor and its reshapes have theirs in common.

    Where their last axes differ, a lane is every so many elements of the memory, as many as divide all of these axes:
    behind a flattened image a lane is one channel at all pixels.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._places: dict[tuple[int, int], Indices] = {}
        self._first: dict[int, int] = {}
        self._period: dict[int, int] = {}
        computed = {*graph.given, *(index for node in graph.nodes for index in node.outputs)}
        for tensor in (*computed, *graph.storage):
            self._divide(tensor, graph.tensors[tensor].shape[-1])
        for node in graph.nodes:
            if node.kind == "FULLY_CONNECTED":
                for tensor, size in zip(ends_of(node), weights_tensor(node, graph).shape[::-1], strict=True):
                    self._divide(tensor, size)
        self.count = 0
        for root, period in self._period.items():
            self._first[root] = self.count
            self.count += period
        self._leader = list(range(self.count))
        for node in graph.nodes:
            self._tie(node)
        self._groups = np.array([self._find(lane) for lane in range(self.count)], np.int64)

    def of(self, tensor: int, size: int = 0) -> Indices:
        """Return the lane of each place along a tensor's last axis, or along rows of ``size`` elements."""
        found = self._places.get((tensor, size))
        if found is None:
            root = self._graph.root(tensor)
            channels = np.arange(size or self._graph.tensors[tensor].shape[-1])
            found = self._places[tensor, size] = self._first[root] + channels % self._period[root]
        return found

    def groups(self, tensor: int, size: int = 0) -> Indices:
        """Return the group of each: lanes of one group are kept or left out together."""
        groups: Indices = self._groups[self.of(tensor, size)]
        return groups

    def _divide(self, tensor: int, size: int) -> None:
        root = self._graph.root(tensor)
        # float32 and uint8 stand at the ends of a network only; their channels are one.
        size = size if self._graph.tensors[root].dtype == "int8" else 1
        self._period[root] = gcd(self._period.get(root, 0), size)

    def _tie(self, node: Node) -> None:
        links = links_of(node, self._graph)
        for link in links or ():
            pairs = zip(
                self.of(link.first)[link.first_channels].tolist(),
                self.of(link.second)[link.second_channels].tolist(),
                strict=True,
            )
            for first, second in set(pairs):
                self._join(first, second)
        if links is None and not is_weighted(node, self._graph):
            first, *others = self.of(output_of(node)).tolist()
            for lane in others:
                self._join(first, lane)

    def _join(self, first: int, second: int) -> None:
        self._leader[self._find(first)] = self._find(second)

    def _find(self, lane: int) -> int:
        while self._leader[lane] != lane:
            self._leader[lane] = self._leader[self._leader[lane]]
            lane = self._leader[lane]
        return lane
