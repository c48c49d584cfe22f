"""Graph -> Program: one kernel call per node, in order, before memory is laid out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings, Step
from edgemnist.compiler.ops.convolution import fits_pairs
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


LONG_FIELDS = frozenset({"pixels", "in_features"})
"""Parameters of the kernels below that are 32 bits wide; all others are 16."""

_NARROW = frozenset(
    {
        "em_conv_2d_params",
        "em_pointwise_params",
        "em_depthwise_conv_2d_params",
        "em_fully_connected_params",
        "em_pool_2d_params",
        "em_sparse_conv_2d_params",
        "em_sparse_pixels_params",
    }
)


def lower(graph: Graph, settings: LoweringSettings) -> Program:
    """Lower every node of an optimised graph, with the target's bodies where they can take all of its weights.

    :raises UnsupportedModelError: a layer is too large for its kernel; names every one.
    """
    if settings.bodies.packing == "pairs" and not all(_fits_pairs(node, graph) for node in graph.nodes):
        settings = replace(settings, portable_bodies=True)
    steps = _steps(graph, settings)
    problems = [problem for step in steps for problem in _too_large(step)]
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


def _fits_pairs(node: Node, graph: Graph) -> bool:
    if node.kind not in ("CONV_2D", "FULLY_CONNECTED"):
        return True
    weights = np.asarray(graph.tensors[node.inputs[1]].data)
    return fits_pairs(weights.reshape(len(weights), -1))


def _too_large(step: Step) -> list[str]:
    if step.struct_type not in _NARROW:
        return []
    long_fields = LONG_FIELDS | {"in_channels"} if step.struct_type == "em_sparse_pixels_params" else LONG_FIELDS
    layer = dict(step.parameters).get("layer", ())
    every = (*step.parameters, *(layer if isinstance(layer, tuple) else ()))
    fields = [(name, value) for name, value in every if isinstance(value, int) and name not in long_fields]
    return [
        f"{step.node.label}: {name} is {value}, kernels take up to 32767; make the layer smaller"
        for name, value in fields
        if not -32768 <= value <= 32767
    ]
