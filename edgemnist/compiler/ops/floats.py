"""What the operators on float32 ask of a file, and what they share: limits, and the C library's functions."""

from __future__ import annotations

import ctypes
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import (
    ACTIVATION_RELU,
    ACTIVATION_RELU6,
    ACTIVATION_RELU_N1_TO_1,
    Graph,
    Node,
)
from edgemnist.compiler.ops.fields import LARGEST_FLOAT, Field

Floats = NDArray[np.float32]


def require_float(node: Node, graph: Graph, indices: Sequence[int]) -> list[str]:
    """Return a problem for each named tensor that is not float32."""
    return [
        f"{node.label}: tensor {graph.tensors[index].name!r} is {graph.tensors[index].dtype}, needed is float32; "
        "convert the model with `edgemnist convert --int8`"
        for index in indices
        if graph.tensors[index].dtype != "float32"
    ]


def check_constant(node: Node, graph: Graph, index: int) -> list[str]:
    """Return a problem where a tensor is no constant of finite float32."""
    tensor = graph.tensors[index]
    if tensor.data is None or tensor.dtype != "float32" or tensor.is_sparse:
        got = f"{tensor.dtype}{' sparse' if tensor.is_sparse else ''}"
        return [f"{node.label}: {tensor.name!r} must be a dense float32 constant, got {got}; convert the model again"]
    if not np.isfinite(tensor.data).all():
        return [f"{node.label}: {tensor.name!r} holds infinity or what is no number; train the model again"]
    return []


def limits_of(activation: int) -> tuple[float, float]:
    """Return the limits of a fused activation (TFLite ``CalculateActivationRange``)."""
    return {
        ACTIVATION_RELU: (0.0, LARGEST_FLOAT),
        ACTIVATION_RELU6: (0.0, 6.0),
        ACTIVATION_RELU_N1_TO_1: (-1.0, 1.0),
    }.get(activation, (-LARGEST_FLOAT, LARGEST_FLOAT))


def limit_fields(activation: int) -> tuple[Field, ...]:
    """Return the limits as the kernels have them."""
    low, high = limits_of(activation)
    return Field("minimum", "float", low), Field("maximum", "float", high)


def limited(values: Floats, activation: int) -> Floats:
    """Return values within the limits, as the kernels limit them: what is no number stays so."""
    low, high = (np.float32(one) for one in limits_of(activation))
    raised = np.where(values < low, low, values)
    result: Floats = np.where(high < raised, high, raised).astype(np.float32)
    return result


def c_function(name: str, *operands: Floats) -> Floats:
    """Return what a function of this machine's C library makes of each element: ``expf`` of one, ``powf`` of two."""
    function = _c_function(name)
    flat = np.broadcast_arrays(*operands)
    columns = (one.reshape(-1).tolist() for one in flat)
    return np.array([function(*row) for row in zip(*columns, strict=True)], np.float32).reshape(flat[0].shape)


@functools.cache
def _c_function(name: str) -> Callable[..., float]:
    """Return a function of the C library, or where it shows none the rounded one of Python's."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError, TypeError):
        own: Callable[..., float] = getattr(math, name.removesuffix("f"))
        return lambda *values: float(np.float32(own(*values)))
    function.argtypes, function.restype = [ctypes.c_float] * _OPERANDS.get(name, 1), ctypes.c_float
    return lambda *values: float(function(*values))


_OPERANDS: Mapping[str, int] = {"powf": 2}


def in_order(values: NDArray[Any]) -> Floats:
    """Return the sums along the first axis, element after element, each rounded: shape (count, ...) -> (...)."""
    sums = np.zeros(values.shape[1:], np.float32)
    for one in values:
        sums = sums + one
    return sums
