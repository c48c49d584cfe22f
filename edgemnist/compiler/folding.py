"""Operators on constants: the leftovers of a dynamic batch (SHAPE, STRIDED_SLICE, PACK before a RESHAPE), and more."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.claims import CONSTANTS_OF_SMALL, LARGEST_FOLDED, require_shape
from edgemnist.compiler.graph import Node
from edgemnist.compiler.refusals import HEADLINE
from edgemnist.support.errors import ModelError, UnsupportedModelError
from edgemnist.tflite.file import TensorInfo


@dataclass
class Spent:
    """Bytes of constants that others were computed from, and of those that are one value many times."""

    folded: int = 0
    filled: int = 0

    def add(self, node: Node, sources: Sequence[TensorInfo], target: TensorInfo) -> None:
        """Count a node.

        :raises ModelError: it is too much.
        """
        self.folded += sum(tensor.data.nbytes for tensor in sources if tensor.data is not None)
        self.filled += target.bytes if node.kind in _MADE_OF_NOTHING else 0
        if self.folded > LARGEST_FOLDED:
            raise ModelError(
                f"{node.label}: more than {LARGEST_FOLDED:,} bytes of constants are computed from others; fold them "
                "before converting"
            )
        if self.filled > CONSTANTS_OF_SMALL:
            raise ModelError(
                f"{node.label}: more than {CONSTANTS_OF_SMALL:,} bytes are filled with one value; let the layer behind "
                "broadcast it"
            )


def fold_constants(
    tensors: Mapping[int, TensorInfo], nodes: Sequence[Node]
) -> tuple[dict[int, TensorInfo], tuple[Node, ...]]:
    """Return the tensors with the values of those that only constants decide, and the nodes that are left.

    :raises ModelError: a value can't be computed, or it is too much.
    """
    folded, kept, spent = dict(tensors), [], Spent()
    for node in nodes:
        value = folded_value(node, folded, spent)
        if value is None:
            kept.append(node)
        else:
            folded[node.outputs[0]] = replace(folded[node.outputs[0]], data=value)
    return folded, tuple(kept)


def folded_value(node: Node, tensors: Mapping[int, TensorInfo], spent: Spent) -> NDArray[Any] | None:
    """Return what a node makes of constants, None where it has others or is of a kind that is not folded.

    :raises ModelError: it can't be computed, or it is too much.
    """
    fold = _FOLDS.get(node.kind)
    sources = [tensors[index] for index in node.inputs if index != -1]
    known = all(tensor.data is not None for tensor in sources) or node.kind in _BY_SHAPE
    known = known and not (node.kind == "CONCATENATION" and _rescales(node, sources, tensors))
    if fold is None or not known or len(node.outputs) != 1:
        return None
    target = tensors[node.outputs[0]]
    spent.add(node, sources, target)
    try:
        value = np.asarray(fold(node, sources))
        value = value.reshape(target.shape) if node.kind in _SAME_VALUES else value
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise ModelError(f"{node.label} can't be computed ({error}); the file is corrupt, convert it again") from error
    problems = require_shape(node, target, value.shape, "its constant result")
    if problems:
        raise UnsupportedModelError(HEADLINE, problems)
    return value.astype(target.dtype if target.dtype in _FOLDED_TYPES else value.dtype)


def _rescales(node: Node, sources: Sequence[TensorInfo], tensors: Mapping[int, TensorInfo]) -> bool:
    """Whether a CONCATENATION's parts are not all in the scale of the whole, so that more than bytes is moved."""
    return any(source.quantisation != tensors[node.outputs[0]].quantisation for source in sources)


def _data(tensor: TensorInfo) -> NDArray[Any]:
    return np.asarray(tensor.data)


def _fold_strided_slice(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    data, begin, end, strides = (_data(tensor) for tensor in sources)
    slices: list[slice | int] = []
    for axis in range(len(begin)):
        first = None if node.integer("begin_mask") >> axis & 1 else int(begin[axis])
        last = None if node.integer("end_mask") >> axis & 1 else int(end[axis])
        shrink = node.integer("shrink_axis_mask") >> axis & 1
        slices.append(int(begin[axis]) if shrink else slice(first, last, int(strides[axis])))
    return np.asarray(data[tuple(slices)])


def _fold_pack(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    return np.stack([_data(tensor) for tensor in sources], axis=node.integer("axis"))


def _fold_concatenation(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    return np.concatenate([_data(tensor) for tensor in sources], axis=node.integer("axis"))


def _fold_reduce_product(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    axes = tuple(int(axis) for axis in _data(sources[1]).reshape(-1))
    return np.asarray(np.prod(_data(sources[0]), axis=axes, keepdims=bool(node.integer("keep_dims"))))


def _fold_reshape(_: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    return _data(sources[0]).reshape([int(size) for size in _data(sources[1]).reshape(-1)])


def _fold_dequantise(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    """Return a constant of float16 or int8 in float32."""
    source = sources[0]
    if source.dtype == "float16":
        return _data(source).astype(np.float32)
    if source.dtype != "int8" or source.quantisation is None or source.quantisation.per_channel:
        raise ValueError(f"{source.name!r} is {source.dtype}, needed is float16, or int8 with one scale")
    centred = _data(source).astype(np.float64) - source.quantisation.zero_point
    return (centred * source.quantisation.scale).astype(np.float32)


def _fold_fill(node: Node, sources: Sequence[TensorInfo]) -> NDArray[Any]:
    sizes = [int(size) for size in _data(sources[0]).reshape(-1)]
    if math.prod(sizes) > CONSTANTS_OF_SMALL:
        raise ValueError(f"it has {math.prod(sizes):,} elements, allowed are {CONSTANTS_OF_SMALL:,}")
    return np.full(sizes, _data(sources[1]).reshape(-1)[0])


_BY_SHAPE = ("SHAPE", "ZEROS_LIKE")
"""Need no more of a tensor than its shape."""

_MADE_OF_NOTHING = ("FILL", "ZEROS_LIKE")
"""Make constants that are larger than what they are made of: a small file could ask for any amount of C."""

_FOLDED_TYPES = ("int8", "int16", "int32", "int64", "float32", "bool")

_SAME_VALUES = ("SQUEEZE", "EXPAND_DIMS")
"""Give a constant the shape that the file says the output has."""

_FOLDS: Mapping[str, Callable[[Node, Sequence[TensorInfo]], NDArray[Any]]] = {
    "SHAPE": lambda _, sources: np.array(sources[0].shape),
    "STRIDED_SLICE": _fold_strided_slice,
    "PACK": _fold_pack,
    "CONCATENATION": _fold_concatenation,
    "REDUCE_PROD": _fold_reduce_product,
    "RESHAPE": _fold_reshape,
    **dict.fromkeys(_SAME_VALUES, lambda _, sources: _data(sources[0])),
    "CAST": lambda _, sources: _data(sources[0]),
    "DEQUANTIZE": _fold_dequantise,
    "FILL": _fold_fill,
    "ZEROS_LIKE": lambda _, sources: np.zeros(sources[0].shape),
}
