"""Graph -> Program: one kernel call per node, in order, before memory is laid out."""

from __future__ import annotations

from dataclasses import dataclass

from edgemnist.compiler.graph import Graph
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings, Step


@dataclass(frozen=True, eq=False)
class Program:
    """What is to be generated: the optimised graph and its kernel calls."""

    graph: Graph
    steps: tuple[Step, ...]
    settings: LoweringSettings

    @property
    def macs(self) -> int:
        """Multiply-accumulates per inference that are really executed (a fused pool skips what it throws away)."""
        return sum(step.macs for step in self.steps)

    @property
    def constant_bytes(self) -> int:
        """Bytes of weights, biases, multipliers, shifts and tables in flash."""
        return sum(step.constant_bytes for step in self.steps)


def lower(graph: Graph, settings: LoweringSettings) -> Program:
    """Lower every node of an optimised graph."""
    return Program(graph, tuple(OPERATORS[node.kind].lower(node, graph, settings) for node in graph.nodes), settings)
