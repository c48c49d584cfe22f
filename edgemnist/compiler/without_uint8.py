"""Operators of uint8 as those of int8, where more than zero points tells them apart.

Layers: less their zero point weights are -255..255. Where none leaves int8, the layer is an int8 one. Where those of
some output channels do, it is one without them, which a second operator computes, and a third puts in their places:
all bodies of a target serve what is nearly all of the work. Sums of different channels have nothing to do with each
other, so that nothing changes. CONCATENATION: what is in another scale than the whole gets into the whole's first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.added import AddedTensors
from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops.base import quantisation_of
from edgemnist.compiler.ops.lookup import Edges
from edgemnist.compiler.ops.operands import (
    activations_of,
    bias_of,
    centred_weights,
    output_of,
    output_tensor,
    same_quantisation,
    weights_of,
    weights_tensor,
)
from edgemnist.compiler.ops.uint8_concatenation import JOINED
from edgemnist.compiler.ops.uint8_elements import RESCALE, rescaled
from edgemnist.compiler.ops.uint8_layers import LAYERS, PLACE_CHANNELS
from edgemnist.tflite.file import Quantisation, TensorInfo

MOST_WIDE = 0.5
"""Of a layer's channels that have such weights; with more the layer is left as it is."""


def without_uint8(graph: Graph) -> Graph:
    """Return the graph with int8 operators in place of uint8 ones, for layers for all or most of their channels."""
    if not any(node.kind in (JOINED, *LAYERS) for node in graph.nodes):
        return graph
    return _Rewriting(graph).result()


class _Rewriting:
    """A graph whose operators of uint8 become others."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._added = AddedTensors(graph)

    def result(self) -> Graph:
        """Return the graph with other operators."""
        return self._added.with_nodes(part for node in self._graph.nodes for part in self._parts(node))

    def _parts(self, node: Node) -> Iterator[Node]:
        """Yield the nodes that do the work of one."""
        if node.kind == JOINED:
            yield from self._concatenation(node)
        elif node.kind in LAYERS:
            yield from self._layer(node, LAYERS[node.kind])
        else:
            yield node

    def _concatenation(self, node: Node) -> Iterator[Node]:
        graph, inputs = self._graph, []
        for index in node.inputs:
            like = replace(graph.tensors[index], quantisation=output_tensor(node, graph).quantisation)
            data = like.data
            if same_quantisation(graph, index, output_of(node)):
                inputs.append(index)
            elif data is None:
                inputs.append(self._computed(like))
                yield Node(RESCALE, (index,), (inputs[-1],), MappingProxyType({}), node.sources)
            else:
                edges = Edges(quantisation_of(graph.tensors[index]), quantisation_of(like))
                data = rescaled(data.astype(np.int64), edges).astype(np.int8)
                inputs.append(self._added.add(replace(like, data=data)))
        yield replace(node, kind=node.operator, inputs=tuple(inputs))

    def _layer(self, node: Node, channel_axis: int) -> Iterator[Node]:
        weights = np.moveaxis(centred_weights(node, self._graph), channel_axis, 0)
        wide = ((weights < -128) | (weights > 127)).reshape(len(weights), -1).any(axis=1)
        if wide.sum() > MOST_WIDE * len(wide):
            yield node
            return
        narrow = np.where(wide.reshape(-1, *(1,) * (weights.ndim - 1)), 0, weights)
        constant = self._constant(weights_tensor(node, self._graph), np.moveaxis(narrow, 0, channel_axis), "int8")
        inputs = (activations_of(node), constant, *node.inputs[2:])
        layer = replace(node, kind=node.operator, inputs=inputs)
        if wide.any():
            yield from self._joined(node, layer, np.flatnonzero(wide))
        else:
            yield layer

    def _joined(self, node: Node, layer: Node, places: NDArray[Any]) -> Iterator[Node]:
        """Yield the nodes of a layer of which the channels at ``places`` are computed apart."""
        output, bias = output_tensor(node, self._graph), bias_of(node)
        chosen = self._constant(replace(weights_tensor(node, self._graph), quantisation=None), places, "int32")
        some = self._computed(replace(output, shape=(*output.shape[:-1], len(places)), shape_signature=()))
        most = self._computed(output)
        operands = (activations_of(node), weights_of(node), -1 if bias is None else bias, chosen)
        yield replace(node, inputs=operands, outputs=(some,))
        yield replace(layer, outputs=(most,))
        yield Node(PLACE_CHANNELS, (most, some, chosen), node.outputs, MappingProxyType({}), node.sources)

    def _constant(self, like: TensorInfo, values: NDArray[Any], dtype: str) -> int:
        """Add a constant with the scale of another and the zero point 0."""
        known = like.quantisation
        quantisation = None if known is None else Quantisation(known.scales, (0,))
        shaped = replace(like, dtype=dtype, shape=values.shape, shape_signature=())
        return self._added.add(replace(shaped, data=values.astype(dtype), quantisation=quantisation))

    def _computed(self, like: TensorInfo) -> int:
        return self._added.computed(like, shifted=True)
