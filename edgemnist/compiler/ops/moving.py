"""Operators that only move elements: of which types they are, and how many bytes an element has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import TYPED, Graph, Node, held_in
from edgemnist.compiler.ops.base import require_own_type
from edgemnist.compiler.ops.fields import CArray
from edgemnist.compiler.ops.lstm_operands import HIDDEN
from edgemnist.compiler.ops.operands import ends_of, output_of, require_same_quantisation
from edgemnist.tflite.file import TensorInfo

NUMBERS = ("int8", "float32")
WITH_INT32 = (*NUMBERS, "int32")
WITH_BOOL = (*WITH_INT32, "bool")
"""Types that the oracles have kernels for; which, depends on the operator. Some have int16, too."""

QUANTISED = ("int8", "int16")


def moved_kinds(types: Sequence[str], schemas: Mapping[str, Schema]) -> Mapping[str, Schema]:
    """Return the kinds of operators that move elements of each of ``types``."""
    kinds = {f"{TYPED.get(dtype, '')}{kind}": schema for dtype in types for kind, schema in schemas.items()}
    return MappingProxyType(kinds)


def require_moved(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem for each tensor whose bytes can't be copied: of another type, or int8 of another scale."""
    return require_moved_type(node, graph, indices) or same_bytes_problems(node, graph, indices)


def same_bytes_problems(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem where tensors have other scales, so that their bytes mean something else."""
    return require_same_quantisation(node, graph, indices) if held_in(node.kind) in QUANTISED else []


def require_moved_type(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem for each tensor that is not of the type that the node moves; uint8 is int8 in the graph."""
    moved = held_in(node.kind)
    if moved in QUANTISED:
        return require_own_type(node, graph, indices)
    return [
        f"{node.label}: tensor {graph.tensors[index].name!r} is {graph.tensors[index].dtype}, needed is {moved}; "
        "the file is corrupt, convert it again"
        for index in indices
        if graph.tensors[index].dtype != moved
    ]


def raw_bytes(name: str, tensor: TensorInfo) -> CArray:
    """Return a constant as the bytes that it is in a little-endian memory."""
    return CArray(name, "int8_t", np.ascontiguousarray(np.asarray(tensor.data).reshape(-1)).view(np.int8))


def copied_as_they_are(graph: Graph) -> list[tuple[int, int]]:
    """Return (tensor, copy) of quantised tensors that interpreters copy without a look at their scales.

    Converters give the output of a recurrent layer another scale than its state, and that of a reversed sequence.
    """
    pairs = []
    for node in graph.nodes:
        if node.operator == "REVERSE_V2" and held_in(node.kind) in QUANTISED:
            pairs.append(ends_of(node))
        elif node.kind == "UNIDIRECTIONAL_SEQUENCE_LSTM":
            pairs.append((node.inputs[HIDDEN], output_of(node)))
    return pairs
