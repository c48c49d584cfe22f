"""uint8 as int8: with every value and every zero point 128 less, it is the same net for kernels that take int8.

What TFLite computes in another way for uint8 has an operator of its own, whose kind begins with ``graph.UINT8``; what
it computes in the same way is in :data:`SAME`. The net's inputs and outputs stay uint8: a QUANTIZE between scales that
are equal stands there, which only flips the highest bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import UINT8, Node, Variable
from edgemnist.compiler.ops import OPERATORS
from edgemnist.tflite.file import TensorInfo

OFFSET = 128
"""By so much uint8 is more than int8."""

SAME = frozenset(
    {
        "QUANTIZE", "DEQUANTIZE", "ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "ARG_MAX", "ARG_MIN", "MAX_POOL_2D",
        "SOFTMAX", "MEAN", "REDUCE_MAX", "REDUCE_MIN", "PAD", "PADV2", "MIRROR_PAD", "RESHAPE", "SQUEEZE",
        "EXPAND_DIMS", "TRANSPOSE", "SLICE", "STRIDED_SLICE", "SPLIT", "SPLIT_V", "PACK", "UNPACK", "GATHER",
        "RESIZE_NEAREST_NEIGHBOR", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND",
        "REVERSE_V2",
    }
)  # fmt: skip
"""Operators whose reference kernels do the same to uint8 as to int8 with zero points 128 less."""


@dataclass(frozen=True, eq=False)
class Signed:
    """Tensors and nodes of a net without uint8 inside; ``shifted`` as in ``Graph``, ``problems``: what can't be so."""

    tensors: Mapping[int, TensorInfo]
    nodes: tuple[Node, ...]
    shifted: frozenset[int] = frozenset()
    problems: tuple[str, ...] = ()

    def variable(self, one: Variable) -> Variable:
        """Return what the net keeps, with a first value as its tensors have it."""
        return replace(one, first=_signed(one.first)) if one.before in self.shifted else one


def as_int8(
    tensors: Mapping[int, TensorInfo], nodes: Sequence[Node], inputs: Iterable[int], outputs: Iterable[int]
) -> Signed:
    """Return a net with int8 in place of uint8; nothing changes where uint8 is but on one side of a QUANTIZE."""
    computing = [node for node in nodes if _computes_in_uint8(node, tensors)]
    if not computing:
        return Signed(tensors, tuple(nodes))
    problems = tuple(problem for node in computing for problem in _problems(node, tensors))
    given, wanted = (
        [index for index in dict.fromkeys(ends) if is_unsigned(tensors[index])] for ends in (inputs, outputs)
    )
    written = {index for node in nodes for index in node.outputs}
    fresh = max(tensors) + 1
    inner = {index: fresh + number for number, index in enumerate(dict.fromkeys((*given, *wanted)))}
    changed = {index: signed(tensor) for index, tensor in tensors.items() if is_unsigned(tensor)}
    ends = {number: replace(changed[index], index=number) for index, number in inner.items()}
    kept = {index: tensors[index] for index in inner}
    moved = [_renamed(node, inner) for node in nodes]
    before = [_flip(index, inner[index], _first_reader(nodes, index)) for index in given]
    after = [
        _flip(inner[index], index, next(node for node in nodes if index in node.outputs))
        for index in wanted
        if index in written
    ]
    return Signed(
        {**tensors, **changed, **ends, **kept}, (*before, *moved, *after),
        frozenset({*changed, *ends} - {*kept}), problems,
    )  # fmt: skip


def is_unsigned(tensor: TensorInfo) -> bool:
    """Whether a tensor is uint8 with a scale."""
    return tensor.dtype == "uint8" and tensor.quantisation is not None


def signed(tensor: TensorInfo) -> TensorInfo:
    """Return a uint8 tensor as int8."""
    quantisation = tensor.quantisation
    if quantisation is not None:
        points = tuple(point - OFFSET for point in quantisation.zero_points)
        quantisation = replace(quantisation, zero_points=points)
    data = None if tensor.data is None else _signed(tensor.data)
    return replace(tensor, dtype="int8", quantisation=quantisation, data=data)


def _signed(values: NDArray[Any]) -> NDArray[np.int8]:
    return (values.astype(np.int16) - OFFSET).astype(np.int8)


def _computes_in_uint8(node: Node, tensors: Mapping[int, TensorInfo]) -> bool:
    """Whether a node reads or writes uint8, and does more than to go between it and int8."""
    ends = [tensors[index] for index in (*node.inputs, *node.outputs) if index != -1]
    between = node.kind == "QUANTIZE" and any(tensor.dtype == "int8" for tensor in ends)
    return not between and any(map(is_unsigned, ends))


def _problems(node: Node, tensors: Mapping[int, TensorInfo]) -> list[str]:
    """Return why a node that computes in uint8 can't be taken."""
    remedy = "convert the model with `edgemnist convert --int8`"
    if node.kind.startswith(UINT8) or node.kind in SAME:
        others = {tensors[index].dtype for index in (*node.inputs, *node.outputs) if index != -1} & {"int8", "int16"}
        return [f"{node.label}: mixes uint8 and {min(others)}; {remedy}"] if others else []
    # Of what is not known in any type, the reader says so.
    return [f"{node.label}: not supported in uint8; {remedy}"] if node.kind in OPERATORS else []


def _renamed(node: Node, inner: Mapping[int, int]) -> Node:
    inputs, outputs = (tuple(inner.get(index, index) for index in ends) for ends in (node.inputs, node.outputs))
    return replace(node, inputs=inputs, outputs=outputs)


def _first_reader(nodes: Sequence[Node], index: int) -> Node:
    return next((node for node in nodes if index in node.inputs), nodes[0])


def _flip(source: int, target: int, near: Node) -> Node:
    """Return the node that makes uint8 of int8 or the other way round, told as part of the one beside it."""
    return Node("QUANTIZE", (source,), (target,), MappingProxyType({}), near.sources)
