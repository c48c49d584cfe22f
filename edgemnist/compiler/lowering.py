"""Graph -> Program: one kernel call per node, in order, before memory is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from edgemnist.compiler.banded import Bands
from edgemnist.compiler.choice import Costed, choose, ways_of
from edgemnist.compiler.costs import Costs, costs_of, portable_costs_on
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.narrowing import narrowed
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings, Step, Way
from edgemnist.compiler.ops.convolution import PACKED_KINDS
from edgemnist.compiler.ops.fields import CArray, array_problems, field_problems, in_memory
from edgemnist.compiler.ops.operands import weight_values
from edgemnist.compiler.refusals import HEADLINE, by_kind
from edgemnist.support.errors import UnsupportedModelError


@dataclass(frozen=True, eq=False)
class Program:
    """What is to be generated: the optimised graph and its kernel calls. ``ways``: in how many each could be done.

    ``bands``: how its first steps run by bands of rows, None where every tensor is whole.
    """

    graph: Graph
    steps: tuple[Step, ...]
    settings: LoweringSettings
    ways: tuple[int, ...] = ()
    bands: Bands | None = None

    @property
    def macs(self) -> int:
        """Multiply-accumulates per inference that are really executed (a fused pool skips what it throws away)."""
        return sum(step.macs for step in self.steps)

    @property
    def instructions_from(self) -> str:
        """Where the instructions come from by which the ways of layers were compared."""
        settings = self.settings
        return settings.counts.source if settings.counts else costs_of(settings.bodies).source

    @cached_property
    def shared(self) -> Mapping[tuple[int, str], tuple[int, str]]:
        """By step and suffix: where a constant is that some step before has too, to the byte; it is stored there."""
        found: dict[tuple[int, str], tuple[int, str]] = {}
        stored: dict[tuple[str, bool, bytes], tuple[int, str]] = {}
        for index, step in enumerate(self.steps):
            for array in step.arrays:
                owner = stored.setdefault((array.ctype, array.in_words, in_memory(array)), (index, array.suffix))
                if owner != (index, array.suffix):
                    found[index, array.suffix] = owner
        return found

    def stored_at(self, index: int, suffix: str) -> tuple[int, str]:
        """Return the step and the suffix under which a step's constant is stored."""
        return self.shared.get((index, suffix), (index, suffix))

    def arrays_of(self, index: int) -> tuple[CArray, ...]:
        """Return the constants of a step that no step before it has."""
        return tuple(array for array in self.steps[index].arrays if (index, array.suffix) not in self.shared)

    def constant_bytes_of(self, index: int) -> int:
        """Return their bytes in flash."""
        return sum(array.bytes for array in self.arrays_of(index))

    @property
    def constant_bytes(self) -> int:
        """Bytes of weights, biases, multipliers, shifts and tables in flash."""
        return sum(map(self.constant_bytes_of, range(len(self.steps))))


def lower(graph: Graph, settings: LoweringSettings) -> Program:
    """Lower every node of an optimised graph, with the target's bodies if they take all of its weights and are faster.

    :raises UnsupportedModelError: a layer is too large for its kernel; names every one.
    """
    if not all(_taken(node, graph, settings) for node in graph.nodes):
        settings = replace(settings, portable_bodies=True)
    program = _lowered(graph, settings)
    portable = portable_costs_on(settings.bodies)
    if portable is None or settings.round is not None:
        return program
    other = _lowered(graph, replace(settings, portable_bodies=True, counts=None))
    own = costs_of(settings.bodies)
    return other if _total(other, portable) < _total(program, own) else program


def _total(program: Program, costs: Costs) -> float:
    """Return an estimate of the instructions of those layers that were counted; others don't depend on bodies."""
    return sum(costs.instructions(step) or 0.0 for step in program.steps)


def _lowered(graph: Graph, settings: LoweringSettings) -> Program:
    layers = [_ways(node, graph, settings) for node in graph.nodes]
    steps = narrowed(graph, _steps(layers, settings))
    problems = [problem for step in steps for problem in _range_problems(step)]
    if problems:
        names = {tensor.name: graph.called(index) for index, tensor in graph.tensors.items()}
        raise UnsupportedModelError(HEADLINE, by_kind(problems, names))
    return Program(graph, steps, settings, tuple(len(layer) for layer in layers))


def _steps(layers: Sequence[Sequence[tuple[Way, Step]]], settings: LoweringSettings) -> tuple[Step, ...]:
    if settings.round is not None:
        return tuple(layer[min(settings.round, len(layer) - 1)][1] for layer in layers)
    costs = costs_of(settings.bodies)
    if settings.counts is None:
        return choose(
            [
                [Costed(step, way, costs.instructions(step), costs.doubt(step)) for way, step in layer]
                for layer in layers
            ]
        )
    counted = zip(layers, settings.counts.instructions, strict=True)
    return choose(
        [[Costed(step, way, n) for (way, step), n in zip(layer, each, strict=True)] for layer, each in counted]
    )


def _ways(node: Node, graph: Graph, settings: LoweringSettings) -> list[tuple[Way, Step]]:
    """Return the ways in which a layer may be computed, each once."""
    found: list[tuple[Way, Step]] = []
    for way in ways_of(node, graph, settings):
        step = OPERATORS[node.kind].lower(node, graph, replace(settings, way=way)).for_images(graph.images(node))
        if way.sparse == (step.sparsity is not None) and not any(_same(step, other) for _, other in found):
            found.append((way, step))
    sparse = [one for one in found if one[0].sparse]
    return sparse if settings.sparse == "always" and sparse else found


def _same(step: Step, other: Step) -> bool:
    return (step.function, step.parameters) == (other.function, other.parameters)


def ways_in(node: Node, graph: Graph, settings: LoweringSettings) -> list[Step]:
    """Return a node's step in each of the ways in which it may be computed."""
    return [step for _, step in _ways(node, graph, settings)]


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
