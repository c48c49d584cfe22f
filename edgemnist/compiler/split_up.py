"""One operator of the file as several: what there is no kernel for, but for its parts.

SPACE_TO_BATCH_ND that pads: a PAD before it. ADD_N: sums of two, which begin with 0, as TFLite's do; that makes 0 of a
sum of -0 alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.added import AddedTensors
from edgemnist.compiler.graph import FLOAT, Graph, Node
from edgemnist.compiler.ops.add_n import ADD_N
from edgemnist.compiler.ops.operands import activations_of, input_tensor, output_of, output_tensor
from edgemnist.compiler.ops.space_to_batch import SPACE_TO_BATCH, amounts_of
from edgemnist.tflite.file import TensorInfo


def split_up(graph: Graph) -> Graph:
    """Return the graph with several operators in place of some."""
    if not any(node.operator in (SPACE_TO_BATCH, ADD_N) for node in graph.nodes):
        return graph
    added = AddedTensors(graph)
    return added.with_nodes(part for node in graph.nodes for part in _parts(node, added))


def _parts(node: Node, added: AddedTensors) -> Iterator[Node]:
    """Yield the nodes that do the work of one."""
    if node.operator == ADD_N:
        yield from _sums(node, added)
    elif node.operator == SPACE_TO_BATCH and any(map(any, amounts_of(node, added.graph))):
        yield from _padded(node, added)
    else:
        yield node


def _sums(node: Node, added: AddedTensors) -> Iterator[Node]:
    sum_of = output_tensor(node, added.graph)
    total = added.add(_constant(sum_of, np.zeros(1, np.float32)))
    for number, index in enumerate(node.inputs, 1):
        last = number == len(node.inputs)
        partial = output_of(node) if last else added.computed(sum_of, shifted=False)
        yield Node(f"{FLOAT}ADD", (total, index), (partial,), MappingProxyType({}), node.sources)
        total = partial


def _padded(node: Node, added: AddedTensors) -> Iterator[Node]:
    graph = added.graph
    source, amounts = input_tensor(node, graph), amounts_of(node, graph)
    every = np.array([(0, 0), *amounts, (0, 0)], np.int32)
    shape = tuple(size + int(pair.sum()) for size, pair in zip(source.shape, every, strict=True))
    shifted = activations_of(node) in graph.shifted
    padded = added.computed(replace(source, shape=shape, shape_signature=()), shifted=shifted)
    operands = (activations_of(node), added.add(_constant(source, every)))
    kind = node.kind.removesuffix(SPACE_TO_BATCH) + "PAD"
    yield Node(kind, operands, (padded,), MappingProxyType({}), node.sources)
    nothing = added.add(_constant(source, np.zeros((len(amounts), 2), np.int32)))
    yield replace(node, inputs=(padded, node.inputs[1], nothing))


def _constant(like: TensorInfo, values: NDArray[Any]) -> TensorInfo:
    """Return a constant without a scale; its name is that of another tensor."""
    return replace(
        like, shape=values.shape, shape_signature=(), dtype=str(values.dtype), quantisation=None, data=values
    )
