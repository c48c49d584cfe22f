"""Operations of Keras 3 (``keras.ops`` on symbolic tensors) as layers of tf_keras, or as TensorFlow's functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from edgemnist.keras_io.activations import Naming, activated
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.keras_io.walk import is_tensor

Build = Callable[[Any, Sequence[Any], Naming], Any]
"""(operation, its arguments, naming) -> tensor."""

ELEMENTWISE = (
    "Add", "Subtract", "Multiply", "TrueDivide", "Divide", "Maximum", "Minimum", "Relu", "Relu6", "Sigmoid", "Tanh",
    "Silu", "HardSigmoid", "HardSilu", "LeakyRelu", "Elu", "Selu", "Gelu", "Softplus", "Softsign", "Exp", "Sqrt",
    "Rsqrt", "Square", "Absolute", "Negative", "Clip", "Cast",
)  # fmt: skip
"""Operations that treat each element alike, however the elements lie."""


@cache
def operations() -> dict[str, Build]:
    """Return the table of operations by the names of their classes."""
    tensorflow, _ = load_tensorflow()
    math_of = tensorflow.math
    return {
        **{
            name: partial(_binary, name, function)
            for name, function in {
                "Add": tensorflow.add,
                "Subtract": tensorflow.subtract,
                "Multiply": tensorflow.multiply,
                "Maximum": tensorflow.maximum,
                "Minimum": tensorflow.minimum,
            }.items()
        },
        "TrueDivide": _divide,
        "Divide": _divide,
        **{
            name: partial(_unary, function)
            for name, function in {
                "Exp": math_of.exp,
                "Log": math_of.log,
                "Sqrt": math_of.sqrt,
                "Rsqrt": math_of.rsqrt,
                "Square": math_of.square,
                "Absolute": math_of.abs,
                "Negative": math_of.negative,
            }.items()
        },
        **{
            name: partial(_activation, activation)
            for name, activation in {
                "Relu": "relu",
                "Relu6": "relu6",
                "Sigmoid": "sigmoid",
                "Tanh": "tanh",
                "Silu": "swish",
                "Elu": "elu",
                "Selu": "selu",
                "Softplus": "softplus",
                "Softsign": "softsign",
                "HardSigmoid": "hard_sigmoid",
                "HardSilu": "hard_swish",
                "LeakyRelu": "leaky_relu",
                "Softmax": "softmax",
                "LogSoftmax": "log_softmax",
            }.items()
        },
        "Gelu": _gelu,
        "Clip": _clip,
        "Cast": lambda operation, given, unique: given[0],
        "Mean": partial(_reduce, tensorflow.reduce_mean, "GlobalAveragePooling2D"),
        "Max": partial(_reduce, tensorflow.reduce_max, "GlobalMaxPooling2D"),
        "Sum": partial(_reduce, tensorflow.reduce_sum, None),
        "Min": partial(_reduce, tensorflow.reduce_min, None),
        "Reshape": lambda operation, given, unique: _reshaped(given[0], operation.newshape[1:], unique),
        "ExpandDims": _expand,
        "Squeeze": _squeeze,
        "Transpose": _transpose,
        "Concatenate": _concatenate,
        "GetItem": lambda operation, given, unique: given[0][tuple(given[1:]) if len(given) > 2 else given[1]],
        "Pad": _pad,
        "MaxPool": partial(_pool, "MaxPooling2D"),
        "AveragePool": partial(_pool, "AveragePooling2D"),
        "Matmul": lambda operation, given, unique: tensorflow.matmul(*map(_number, given[:2])),
    }


def _layer(kind: str, unique: Naming, *arguments: Any, **options: Any) -> Any:
    return getattr(load_tensorflow()[1].layers, kind)(*arguments, name=unique(kind.lower()), **options)


def _number(value: Any) -> Any:
    """Return a tensor as it is, anything else as an array of float32."""
    return value if is_tensor(value) else np.asarray(value, np.float32)


def _binary(kind: str, function: Any, operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    left, right = map(_number, given[:2])
    if is_tensor(left) and is_tensor(right) and tuple(left.shape) == tuple(right.shape):
        return _layer(kind, unique)([left, right])
    return function(left, right)


def _divide(operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    """Return a quotient; by a constant as a product with its inverse: there is no int8 division."""
    tensorflow, _ = load_tensorflow()
    left, right = map(_number, given[:2])
    if is_tensor(right):
        return tensorflow.divide(left, right)
    return tensorflow.multiply(left, (1.0 / right.astype(np.float64)).astype(np.float32))


def _unary(function: Any, operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    return function(given[0])


def _activation(name: str, operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    slope, axis = getattr(operation, "negative_slope", 0.2), getattr(operation, "axis", -1)
    return activated(name, given[0], unique, slope=slope, axis=-1 if axis is None else axis)


def _gelu(operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    return load_tensorflow()[0].nn.gelu(given[0], approximate=bool(operation.approximate))


def _clip(operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    """Return x between two limits; from 0 on it is a ReLU with a maximum."""
    low, high = float(operation.x_min), float(operation.x_max)
    if low == 0.0:
        return _layer("ReLU", unique, high)(given[0])
    return load_tensorflow()[0].clip_by_value(given[0], low, high)


def _reduce(function: Any, pooling: str | None, operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    """Return a reduction over axes; over a whole image it is a global pooling."""
    (tensor, *_), keeps = given, bool(operation.keepdims)
    rank = len(tensor.shape)
    axis = operation.axis if isinstance(operation.axis, (list, tuple)) else (operation.axis,)
    if None in axis or 0 in axis:
        raise ValueError("it reduces over the batch; the images of a batch have to stay apart")
    axes = sorted(one % rank for one in axis)
    if pooling and rank == 4 and axes == [1, 2]:
        return _layer(pooling, unique, keepdims=keeps)(tensor)
    return function(tensor, axes, keepdims=keeps)


def _reshaped(tensor: Any, sizes: Sequence[int], unique: Naming) -> Any:
    return _layer("Reshape", unique, tuple(sizes))(tensor)


def _expand(operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    sizes, axes = list(given[0].shape), operation.axis
    for axis in sorted(axes if isinstance(axes, (list, tuple)) else [axes]):
        sizes.insert(axis if axis >= 0 else len(sizes) + 1 + axis, 1)
    return _reshaped(given[0], sizes[1:], unique)


def _squeeze(operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    sizes, axes = list(given[0].shape), operation.axis
    axes = axes if isinstance(axes, (list, tuple)) else [axes]
    gone = range(1, len(sizes)) if None in axes else [axis % len(sizes) for axis in axes]
    return _reshaped(
        given[0], [size for place, size in enumerate(sizes) if place and (place not in gone or size != 1)], unique
    )


def _transpose(operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    axes = operation.axes or tuple(reversed(range(len(given[0].shape))))
    if axes[0] != 0:
        raise ValueError("it moves the batch; the images of a batch have to stay apart")
    return _layer("Permute", unique, tuple(axes[1:]))(given[0])


def _concatenate(operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    return _layer("Concatenate", unique, axis=operation.axis)(list(given[0]))


def _pad(operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    widths = [tuple(map(int, pair)) for pair in operation.pad_width]
    zeros = operation.mode == "constant" and not any(given[1:])
    if zeros and len(widths) == 4 and widths[0] == widths[3] == (0, 0):
        return _layer("ZeroPadding2D", unique, (widths[1], widths[2]))(given[0])
    mode = {"constant": "CONSTANT", "reflect": "REFLECT", "symmetric": "SYMMETRIC"}[operation.mode]
    return load_tensorflow()[0].pad(given[0], widths, mode, constant_values=float(given[1] or 0) if given[1:] else 0.0)


def _pool(kind: str, operation: Any, given: Sequence[Any], unique: Naming) -> Any:
    options = {name: getattr(operation, name) for name in ("pool_size", "strides", "padding", "data_format")}
    if len(given[0].shape) != 4 or not math.prod(given[0].shape[1:]):
        raise ValueError("it pools something that is no image")
    return _layer(kind, unique, **options)(given[0])
