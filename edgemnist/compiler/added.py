"""Tensors that passes add to those of a file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from edgemnist.compiler.graph import Graph, Node
from edgemnist.tflite.file import TensorInfo


class AddedTensors:
    """A graph's tensors, and those that a pass adds to them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._tensors = dict(graph.tensors)
        self._shifted = set(graph.shifted)
        self._fresh = max(graph.tensors) + 1

    def add(self, tensor: TensorInfo) -> int:
        """Add a tensor like another, under an index of its own, which is returned."""
        index, self._fresh = self._fresh, self._fresh + 1
        self._tensors[index] = replace(tensor, index=index)
        return index

    def computed(self, like: TensorInfo, *, shifted: bool) -> int:
        """Add a tensor that an operator writes; ``shifted``: as in ``Graph``, it comes from uint8."""
        index = self.add(like)
        if shifted:
            self._shifted.add(index)
        return index

    def with_nodes(self, nodes: Iterable[Node]) -> Graph:
        """Return the graph with all tensors and these nodes."""
        every = tuple(nodes)
        return replace(self.graph, tensors=self._tensors, nodes=every, shifted=frozenset(self._shifted))
