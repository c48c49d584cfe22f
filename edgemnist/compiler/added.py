"""Tensors that passes add to those of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from edgemnist.compiler.graph import Graph, Node
from edgemnist.tflite.file import TensorInfo


class GrowingTensors:
    """Tensors by index, and those that are added to them."""

    def __init__(self, tensors: Mapping[int, TensorInfo]) -> None:
        self.tensors = dict(tensors)
        self._fresh = max(tensors, default=-1) + 1

    def add(self, tensor: TensorInfo) -> int:
        """Add a tensor like another, under an index of its own, which is returned."""
        index, self._fresh = self._fresh, self._fresh + 1
        self.tensors[index] = replace(tensor, index=index)
        return index


class AddedTensors(GrowingTensors):
    """A graph's tensors, and those that a pass adds to them."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph.tensors)
        self.graph = graph
        self._shifted = set(graph.shifted)

    def computed(self, like: TensorInfo, *, shifted: bool) -> int:
        """Add a tensor that an operator writes; ``shifted``: as in ``Graph``, it comes from uint8."""
        index = self.add(like)
        if shifted:
            self._shifted.add(index)
        return index

    def with_nodes(self, nodes: Iterable[Node]) -> Graph:
        """Return the graph with all tensors and these nodes."""
        every = tuple(nodes)
        return replace(self.graph, tensors=self.tensors, nodes=every, shifted=frozenset(self._shifted))
