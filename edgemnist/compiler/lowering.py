"""Graph -> Program: one kernel call per node, in order, before memory is laid out."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings, Step
from edgemnist.compiler.ops.convolution import PACKED_KINDS
from edgemnist.compiler.ops.fields import array_problems, field_problems
from edgemnist.compiler.ops.operands import weight_values
from edgemnist.compiler.sparsity import choose_steps, worth_trying
from edgemnist.support.errors import UnsupportedModelError


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
    """Lower every node of an optimised graph, with the target's bodies where they can take all of its weights.

    :raises UnsupportedModelError: a layer is too large for its kernel; names every one.
    """
    if not all(_taken(node, graph, settings) for node in graph.nodes):
        settings = replace(settings, portable_bodies=True)
    steps = _steps(graph, settings)
    problems = [problem for step in steps for problem in _range_problems(step)]
    if problems:
        raise UnsupportedModelError("the model can't be compiled:", problems)
    return Program(graph, steps, settings)


def _steps(graph: Graph, settings: LoweringSettings) -> tuple[Step, ...]:
    if settings.sparse != "auto":
        return tuple(OPERATORS[node.kind].lower(node, graph, settings) for node in graph.nodes)
    without, where_it_can = replace(settings, sparse="never"), replace(settings, sparse="always")
    dense = tuple(OPERATORS[node.kind].lower(node, graph, without) for node in graph.nodes)
    sparse = tuple(
        OPERATORS[node.kind].lower(node, graph, where_it_can) if worth_trying(node, graph) else step
        for node, step in zip(graph.nodes, dense, strict=True)
    )
    return choose_steps(dense, sparse, settings.bodies)


def _taken(node: Node, graph: Graph, settings: LoweringSettings) -> bool:
    if node.kind in PACKED_KINDS:
        weights = weight_values(node, graph)
        return settings.bodies.dense.takes(weights.reshape(len(weights), -1))
    if node.kind == "DEPTHWISE_CONV_2D":
        weights = weight_values(node, graph)
        return settings.bodies.depthwise.takes(weights.reshape(-1, weights.shape[-1]).T)
    return True


def _range_problems(step: Step) -> list[str]:
    label = step.node.label
    return field_problems(label, step.parameters) + array_problems(label, step.arrays)
