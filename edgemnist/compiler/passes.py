"""Graph -> Graph: fusions and clean-ups, each by name so that each can be switched off and tested against the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from edgemnist.compiler.graph import ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_RELU6, Graph, Node, Padding
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.base import LoweringSettings, quantisation_of
from edgemnist.compiler.ops.conv_2d import MAX_POOL_PAIRS, conv_geometry
from edgemnist.compiler.ops.reshape import ALIAS_KINDS
from edgemnist.support.errors import InputError

Pass = Callable[[Graph], Graph]

ACTIVATED_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_ACTIVATIONS = {"RELU": ACTIVATION_RELU, "RELU6": ACTIVATION_RELU6}


def share_storage(graph: Graph) -> Graph:
    """Drop reshapes: their output lives in their input's memory. Always on; nothing else removes them."""
    storage = dict(graph.storage)
    kept = []
    for node in graph.nodes:
        if node.kind in ALIAS_KINDS:
            storage[node.outputs[0]] = node.inputs[0]
        else:
            kept.append(node)
    return replace(graph, nodes=tuple(kept), storage=storage)


def _only_consumer(graph: Graph, tensor: int) -> Node | None:
    """Return the one node that reads ``tensor``, unless something else (the model's output, an alias) needs it too."""
    consumers = graph.consumers(tensor)
    aliased = tensor in graph.storage or tensor in graph.storage.values()
    return consumers[0] if len(consumers) == 1 and tensor != graph.output and not aliased else None


def _merge(graph: Graph, first: Node, second: Node, merged: Node) -> Graph:
    """Replace two nodes by one, standing where the second stood."""
    nodes = [merged if node is second else node for node in graph.nodes if node is not first]
    return graph.with_nodes(nodes)


def fuse_pad(graph: Graph) -> Graph:
    """PAD (zero point, height and width only) before a VALID convolution becomes that convolution's padding."""
    for node in graph.nodes:
        consumer = _only_consumer(graph, node.outputs[0]) if node.kind == "PAD" else None
        if consumer is None or consumer.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            continue
        if consumer.inputs[0] != node.outputs[0] or consumer.integer("padding") != 1 or consumer.padding is not None:
            continue
        amounts = np.asarray(graph.tensors[node.inputs[1]].data).reshape(-1, 2)
        if amounts.shape != (4, 2) or amounts[[0, 3]].any() or (amounts < 0).any():
            continue
        padding = Padding(int(amounts[1, 0]), int(amounts[2, 0]), int(amounts[1, 1]), int(amounts[2, 1]))
        merged = replace(
            consumer, inputs=(node.inputs[0], *consumer.inputs[1:]), padding=padding,
            sources=(*node.sources, *consumer.sources),
        )  # fmt: skip
        return fuse_pad(_merge(graph, node, consumer, merged))
    return graph


def fuse_max_pool(graph: Graph) -> Graph:
    """CONV_2D and a non-overlapping MAX_POOL_2D behind it: the maximum is taken before the requantisation."""
    for node in graph.nodes:
        pool = _only_consumer(graph, node.outputs[0]) if node.kind == "CONV_2D" and not node.fused else None
        if pool is None or not _pool_can_fuse(graph, node, pool):
            continue
        merged = replace(node, outputs=pool.outputs, fused=(pool,), sources=(*node.sources, *pool.sources))
        return fuse_max_pool(_merge(graph, node, pool, merged))
    return graph


def _pool_can_fuse(graph: Graph, conv: Node, pool: Node) -> bool:
    if pool.kind != "MAX_POOL_2D" or pool.integer("fused_activation_function") != ACTIVATION_NONE:
        return False
    geometry = conv_geometry(conv, graph)
    height, width = pool.integer("filter_height"), pool.integer("filter_width")
    _, out_height, out_width, _ = graph.tensors[pool.outputs[0]].shape
    before, after = (quantisation_of(graph.tensors[index]) for index in (conv.outputs[0], pool.outputs[0]))
    return (
        (pool.integer("stride_h"), pool.integer("stride_w")) == (height, width)
        and out_height * height <= geometry.out_height
        and out_width * width <= geometry.out_width
        and width > 1
        and height * ((width + 1) // 2) <= MAX_POOL_PAIRS
        and graph.tensors[conv.inputs[1]].shape[3] == geometry.in_channels
        and (before.scale, before.zero_point) == (after.scale, after.zero_point)
    )


def fuse_activation(graph: Graph) -> Graph:
    """RELU or RELU6 behind an operator without an activation, in the same quantisation, becomes its clamp."""
    for node in graph.nodes:
        follower = _only_consumer(graph, node.outputs[0]) if node.kind in ACTIVATED_KINDS and not node.fused else None
        if follower is None or follower.kind not in _ACTIVATIONS or node.integer("fused_activation_function"):
            continue
        if _scale_and_zero_point(graph, node.outputs[0]) != _scale_and_zero_point(graph, follower.outputs[0]):
            continue
        options = {**node.options, "fused_activation_function": _ACTIVATIONS[follower.kind]}
        sources = (*node.sources, *follower.sources)
        merged = replace(node, outputs=follower.outputs, options=MappingProxyType(options), sources=sources)
        return fuse_activation(_merge(graph, node, follower, merged))
    return graph


def _scale_and_zero_point(graph: Graph, tensor: int) -> tuple[float, int]:
    quantisation = quantisation_of(graph.tensors[tensor])
    return quantisation.scale, quantisation.zero_point


def fuse_residual_add(graph: Graph) -> Graph:
    """CONV_2D and the ADD of a residual of the same shape behind it: the sum is written over the residual."""
    for node in reversed(graph.nodes):
        add = _only_consumer(graph, node.outputs[0]) if node.kind == "CONV_2D" and not node.fused else None
        if add is None or add.kind != "ADD" or not _add_can_fuse(graph, node, add):
            continue
        residual = next(index for index in add.inputs if index != node.outputs[0])
        inputs = (*node.inputs, -1)[:3]
        merged = replace(
            node, inputs=(*inputs, residual), outputs=add.outputs, fused=(add,), sources=(*node.sources, *add.sources)
        )
        return fuse_residual_add(_merge(graph, node, add, merged))
    return graph


def _add_can_fuse(graph: Graph, conv: Node, add: Node) -> bool:
    output = conv.outputs[0]
    others = [index for index in add.inputs if index != output]
    if len(others) != 1 or graph.is_constant(others[0]):
        return False
    if graph.tensors[others[0]].shape != graph.tensors[output].shape:
        return False
    if graph.tensors[conv.inputs[1]].shape[3] != conv_geometry(conv, graph).in_channels:
        return False
    # The fused kernel has only the usual requantisation; what needs the general one stays apart.
    calls = [OPERATORS[node.kind].lower(node, graph, LoweringSettings(sparse="never")).function for node in (conv, add)]
    return calls[0] in ("em_conv_2d", "em_pointwise") and calls[1] == "em_add"


FUSIONS: Mapping[str, Pass] = MappingProxyType(
    {"pad": fuse_pad, "activation": fuse_activation, "max-pool": fuse_max_pool, "residual-add": fuse_residual_add}
)
"""Every fusion by name, in the order in which they run."""


def optimise(graph: Graph, fusions: Sequence[str] = tuple(FUSIONS)) -> Graph:
    """Share storage and run the named fusions.

    :raises InputError: a name is not in ``FUSIONS``.
    """
    unknown = [name for name in fusions if name not in FUSIONS]
    if unknown:
        raise InputError(f"unknown fusion {unknown[0]!r}; known are {', '.join(FUSIONS)}")
    result = share_storage(graph)
    for name, run in FUSIONS.items():
        if name in fusions:
            result = run(result)
    return result
