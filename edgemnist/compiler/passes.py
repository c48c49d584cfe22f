"""Graph -> Graph: fusions and clean-ups, each by name so that each can be switched off and tested against the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from edgemnist.compiler.channels.removal import drop_channels
from edgemnist.compiler.graph import ACTIVATION_NONE, ACTIVATION_RELU, ACTIVATION_RELU6, Graph, Node, Padding, validate
from edgemnist.compiler.ops.arithmetic import sum_is_fast
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.ops.convolution import conv_geometry
from edgemnist.compiler.ops.forms import MAX_POOL_PAIRS
from edgemnist.compiler.ops.layer import convolution_of
from edgemnist.compiler.ops.operands import (
    activations_of,
    output_of,
    output_tensor,
    same_quantisation,
    weights_tensor,
    with_residual,
)
from edgemnist.compiler.ops.pad import paddings_of
from edgemnist.compiler.ops.reshape import ALIAS_KINDS
from edgemnist.compiler.rewriting import Links, Rule, rewrite
from edgemnist.compiler.split_up import split_up
from edgemnist.compiler.without_uint8 import without_uint8
from edgemnist.support.choices import unknown

ACTIVATED_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_ACTIVATIONS = {"RELU": ACTIVATION_RELU, "RELU6": ACTIVATION_RELU6}


def share_storage(graph: Graph) -> Graph:
    """Drop reshapes: their output lives in their input's memory. Always on; nothing else removes them."""
    storage = dict(graph.storage)
    kept = []
    for node in graph.nodes:
        if node.kind in ALIAS_KINDS:
            storage[output_of(node)] = storage.get(activations_of(node), activations_of(node))
        else:
            kept.append(node)
    return replace(graph, nodes=tuple(kept), storage=storage)


def fuse_pad(links: Links, node: Node) -> Node | None:
    """PAD (zero point, height and width only) before a VALID convolution becomes that convolution's padding."""
    if node.kind not in ("CONV_2D", "DEPTHWISE_CONV_2D") or node.integer("padding") != 1 or node.padding is not None:
        return None
    pad = links.sole_producer(activations_of(node))
    if pad is None or pad.kind != "PAD":
        return None
    amounts = np.asarray(links.graph.tensors[paddings_of(pad)].data).reshape(-1, 2)
    if amounts.shape != (4, 2) or amounts[[0, 3]].any() or (amounts < 0).any():
        return None
    padding = Padding(int(amounts[1, 0]), int(amounts[2, 0]), int(amounts[1, 1]), int(amounts[2, 1]))
    return replace(
        node, inputs=(activations_of(pad), *node.inputs[1:]), padding=padding, sources=(*pad.sources, *node.sources)
    )  # fmt: skip


def fuse_max_pool(links: Links, node: Node) -> Node | None:
    """CONV_2D and a non-overlapping MAX_POOL_2D behind it: the maximum is taken before the requantisation."""
    conv = links.sole_producer(activations_of(node)) if node.kind == "MAX_POOL_2D" else None
    if conv is None or conv.kind != "CONV_2D" or conv.fused or not _pool_can_fuse(links.graph, conv, node):
        return None
    return replace(conv, outputs=node.outputs, fused=(node,), sources=(*conv.sources, *node.sources))


def _pool_can_fuse(graph: Graph, conv: Node, pool: Node) -> bool:
    if pool.integer("fused_activation_function") != ACTIVATION_NONE:
        return False
    geometry = conv_geometry(conv, graph)
    height, width = pool.integer("filter_height"), pool.integer("filter_width")
    _, out_height, out_width, _ = output_tensor(pool, graph).shape
    return (
        (pool.integer("stride_h"), pool.integer("stride_w")) == (height, width)
        and out_height * height <= geometry.out_height
        and out_width * width <= geometry.out_width
        and width > 1
        and height * ((width + 1) // 2) <= MAX_POOL_PAIRS
        and weights_tensor(conv, graph).shape[3] == geometry.in_channels
        and same_quantisation(graph, output_of(conv), output_of(pool))
    )


def fuse_activation(links: Links, node: Node) -> Node | None:
    """RELU or RELU6 behind an operator without an activation, in the same quantisation, becomes its clamp."""
    layer = links.sole_producer(activations_of(node)) if node.kind in _ACTIVATIONS else None
    if layer is None or layer.kind not in ACTIVATED_KINDS or layer.fused:
        return None
    if layer.integer("fused_activation_function") != ACTIVATION_NONE:
        return None
    if not same_quantisation(links.graph, output_of(layer), output_of(node)):
        return None
    options = {**layer.options, "fused_activation_function": _ACTIVATIONS[node.kind]}
    return replace(
        layer, outputs=node.outputs, options=MappingProxyType(options), sources=(*layer.sources, *node.sources)
    )  # fmt: skip


def fuse_residual_add(links: Links, node: Node) -> Node | None:
    """CONV_2D and the ADD of a residual of the same shape behind it: the sum is written over the residual.

    Where both operands come from a convolution that can, it is the later one's.
    """
    if node.kind != "ADD":
        return None
    for output in sorted(set(node.inputs), key=links.place_of_writer, reverse=True):
        conv = links.sole_producer(output)
        if conv is not None and conv.kind == "CONV_2D" and not conv.fused and _add_can_fuse(links.graph, conv, node):
            residual = next(index for index in node.inputs if index != output)
            return replace(
                conv, inputs=with_residual(conv, residual), outputs=node.outputs, fused=(node,),
                sources=(*conv.sources, *node.sources),
            )  # fmt: skip
    return None


def _add_can_fuse(graph: Graph, conv: Node, add: Node) -> bool:
    output = output_of(conv)
    others = [index for index in add.inputs if index != output]
    if len(others) != 1 or graph.is_constant(others[0]):
        return False
    if graph.tensors[others[0]].shape != graph.tensors[output].shape:
        return False
    if weights_tensor(conv, graph).shape[3] != conv_geometry(conv, graph).in_channels:
        return False
    # The fused kernel has only the usual requantisation; what needs the general one stays apart.
    return convolution_of(conv, graph, LoweringSettings()).channels.fast and sum_is_fast(add, graph)


RULES: Mapping[str, Rule] = MappingProxyType(
    {"pad": fuse_pad, "activation": fuse_activation, "max-pool": fuse_max_pool, "residual-add": fuse_residual_add}
)
"""What becomes one node, by name, in the order in which they run."""

FUSIONS: Mapping[str, Callable[..., Graph | Node | None]] = MappingProxyType({"dead-channels": drop_channels, **RULES})
"""Everything that can be switched off, by name, in the order in which they run."""


def optimise(graph: Graph, fusions: Sequence[str] = tuple(FUSIONS)) -> Graph:
    """Split operators up, make int8 ones of those of uint8, share storage and run the named fusions.

    :raises InputError: a name is not in ``FUSIONS``.
    """
    for name in fusions:
        if name not in FUSIONS:
            raise unknown("fusion", name, FUSIONS)
    result = validate(share_storage(without_uint8(split_up(graph))))
    if "dead-channels" in fusions:
        result = validate(drop_channels(result))
    for name, rule in RULES.items():
        if name in fusions:
            result = validate(rewrite(result, [rule]))
    return result
