"""One worklist over a graph: rules replace a node by one that does the work of its producers too."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence

from edgemnist.compiler.graph import Graph, Node


class Links:
    """Who reads and writes what while a graph is rewritten.

    A node is known by its place, its position in the graph before: a replacement keeps the place, so places stay in
    execution order. ``graph`` holds what rewriting does not change: tensors, storage, input and output.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._nodes: list[Node | None] = list(graph.nodes)
        self._readers: defaultdict[int, set[int]] = defaultdict(set)
        self._writer: dict[int, int] = {}
        self._shared = {*graph.wanted, *graph.storage, *graph.storage.values()}
        for place, node in enumerate(graph.nodes):
            self._connect(place, node)

    def node(self, place: int) -> Node | None:
        """Return the node at a place, None where it has become part of another."""
        return self._nodes[place]

    def nodes(self) -> Iterator[Node]:
        """Yield the nodes that are left, in execution order."""
        return (node for node in self._nodes if node is not None)

    def place_of_writer(self, tensor: int) -> int:
        """Return where ``tensor`` is written, -1 where no node does."""
        return self._writer.get(tensor, -1)

    def sole_producer(self, tensor: int) -> Node | None:
        """Return the node that writes ``tensor``, if one node reads it and nothing else (output, alias) needs it."""
        if tensor in self._shared or len(self._readers[tensor]) != 1:
            return None
        place = self.place_of_writer(tensor)
        return None if place == -1 else self._nodes[place]

    def replace(self, place: int, merged: Node) -> list[int]:
        """Put ``merged`` at a place, drop the producers that it makes superfluous, and return where to look again.

        :raises ValueError: it makes none superfluous, so that rewriting would not come to an end.
        """
        node = self._nodes[place]
        if node is None:
            raise ValueError(f"{merged.label} replaces a node that is gone")
        unread = set(node.inputs).difference(merged.inputs)
        self._disconnect(place, node)
        self._connect(place, merged)
        producers = {self._writer[tensor] for tensor in unread if tensor in self._writer and not self._readers[tensor]}
        if not producers:
            raise ValueError(f"{merged.label} does the work of no other node")
        for producer in producers:
            gone = self._nodes[producer]
            if gone is not None:
                self._disconnect(producer, gone)
        return [place, *sorted(reader for tensor in merged.outputs for reader in self._readers[tensor])]

    def _connect(self, place: int, node: Node) -> None:
        self._nodes[place] = node
        for tensor in node.inputs:
            self._readers[tensor].add(place)
        for tensor in node.outputs:
            self._writer[tensor] = place

    def _disconnect(self, place: int, node: Node) -> None:
        self._nodes[place] = None
        for tensor in node.inputs:
            self._readers[tensor].discard(place)
        for tensor in node.outputs:
            del self._writer[tensor]


Rule = Callable[[Links, Node], Node | None]
"""Maps a node to what replaces it: a node with the same outputs that does a :meth:`Links.sole_producer`'s work too."""


def rewrite(graph: Graph, rules: Sequence[Rule]) -> Graph:
    """Apply rules until none fits any more; the first that fits a node is taken.

    Each replacement takes a node away, and only its own place and its readers are looked at again: the time grows with
    the number of nodes.
    """
    links = Links(graph)
    pending = deque(range(len(graph.nodes)))
    while pending:
        place = pending.popleft()
        node = links.node(place)
        if node is None:
            continue
        merged = next((found for rule in rules if (found := rule(links, node)) is not None), None)
        if merged is not None:
            pending.extend(links.replace(place, merged))
    return graph.with_nodes(links.nodes())
