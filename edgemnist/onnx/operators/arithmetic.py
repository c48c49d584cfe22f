"""Arithmetic, activations, means and matrix products."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.onnx.registry import Use, operator
from edgemnist.onnx.values import Form, RefusedError, Value, layers, plain, together

Combine = Callable[[Any, Any], Any]


def _combined(use: Use, layer: str, combine: Combine) -> Value:
    """Return two inputs combined element by element, of which one may be constant.

    ``layer`` is the Keras layer for two computed ones, ``combine`` the function for anything else.
    """
    left, right = use.given[:2]
    if isinstance(left, Value) and isinstance(right, Value):
        if left.rank != right.rank:
            raise RefusedError(f"combines values of {left.rank} and {right.rank} dimensions; only of equally many")
        both = together([left, right])
        tensors = [value.tensor for value in both]
        if both[0].shape == both[1].shape:
            return both[0].like(getattr(layers(), layer)()(tensors))
        return both[0].like(combine(*tensors))
    if isinstance(left, Value) and isinstance(right, np.ndarray):
        return left.like(combine(left.tensor, left.arranged(right.astype(np.float32))))
    value, constant = use.value(1), use.weights(0)
    return value.like(combine(value.arranged(constant.astype(np.float32)), value.tensor))


@operator("Add")
def add(use: Use) -> Value:
    """Return a sum."""
    return _combined(use, "Add", load_tensorflow()[0].add)


@operator("Sub")
def subtract(use: Use) -> Value:
    """Return a difference."""
    return _combined(use, "Subtract", load_tensorflow()[0].subtract)


@operator("Mul")
def multiply(use: Use) -> Value:
    """Return a product, element by element."""
    return _combined(use, "Multiply", load_tensorflow()[0].multiply)


@operator("Div")
def divide(use: Use) -> Value:
    """Return a quotient by a constant, as a product with its inverse: there is no int8 division."""
    value, divisor = use.value(), use.weights(1)
    if not divisor.all():
        raise RefusedError("divides by zero")
    inverse = value.arranged((1.0 / divisor.astype(np.float64)).astype(np.float32))
    return value.like(load_tensorflow()[0].multiply(value.tensor, inverse))


@operator("Relu")
def relu(use: Use) -> Value:
    """Return ``max(x, 0)``."""
    value = use.value()
    return value.like(layers().ReLU()(value.tensor))


@operator("LeakyRelu")
def leaky_relu(use: Use) -> Value:
    """Return x, times ``alpha`` where it is negative."""
    value = use.value()
    return value.like(layers().LeakyReLU(use.attribute("alpha", 0.01))(value.tensor))


@operator("Clip")
def clip(use: Use) -> Value:
    """Return x between two limits; from 0 on it is a ReLU with a maximum."""
    value, limits = use.value(), []
    for index, name in ((1, "min"), (2, "max")):
        given = use.constant(index)
        limits.append(float(given) if given is not None and given.size else use.attribute(name, None))
    low, high = limits
    if low == 0.0:
        return value.like(layers().ReLU(high)(value.tensor))
    tensorflow, _ = load_tensorflow()
    tensor = value.tensor if low is None else tensorflow.maximum(value.tensor, low)
    return value.like(tensor if high is None else tensorflow.minimum(tensor, high))


@operator("Sigmoid", "Tanh")
def activation(use: Use) -> Value:
    """Return the activation that Keras has under the same name."""
    value = use.value()
    return value.like(layers().Activation(use.node.operator.lower())(value.tensor))


@operator("HardSigmoid")
def hard_sigmoid(use: Use) -> Value:
    """Return ``max(0, min(1, alpha * x + beta))``, as a ReLU6 where it is one."""
    value = use.value()
    alpha, beta = use.attribute("alpha", 0.2), use.attribute("beta", 0.5)
    return value.like(_hard_sigmoid(value.tensor, alpha, beta))


@operator("HardSwish")
def hard_swish(use: Use) -> Value:
    """Return ``x * hard_sigmoid(x)`` with alpha 1/6 and beta 1/2."""
    value = use.value()
    return value.like(layers().Multiply()([value.tensor, _hard_sigmoid(value.tensor, 1 / 6, 0.5)]))


def _hard_sigmoid(tensor: Any, alpha: float, beta: float) -> Any:
    # relu6(x + 3) / 6 is the form in which the converter finds HARD_SWISH.
    return layers().ReLU(1.0 / alpha)(tensor + beta / alpha) * alpha


@operator("Softmax", "LogSoftmax")
def softmax(use: Use) -> Value:
    """Return probabilities along an axis, or their logarithms."""
    value = use.value()
    given = use.attribute("axis", -1 if use.opset >= 13 else 1)
    if value.form is Form.FLATTENED or (use.opset < 13 and value.rank > 2):
        value = plain(value)
        if use.opset < 13 and given % value.rank != value.rank - 1:
            raise RefusedError("normalises over several axes at once, as before opset 13; export with a newer opset")
    axis = value.axis(given)
    if use.node.operator == "LogSoftmax":
        return value.like(load_tensorflow()[0].nn.log_softmax(value.tensor, axis=axis))
    return value.like(layers().Softmax(axis=axis)(value.tensor))


@operator("ReduceMean")
def mean(use: Use) -> Value:
    """Return the mean over some axes; over the whole image it is a global average."""
    value, axes = use.value(), use.integers("axes", 1)
    if axes is None:
        if use.attribute("noop_with_empty_axes", 0):
            return value
        raise RefusedError("takes the mean over the batch too; name the axes")
    keeps = bool(use.attribute("keepdims", 1))
    logical = {axis % value.rank for axis in axes}
    if value.form is Form.CHANNELS_LAST and logical == {2, 3}:
        tensor = layers().GlobalAveragePooling2D(keepdims=keeps)(value.tensor)
        return value.like(tensor) if keeps else Value(tensor)
    if value.form is Form.FLATTENED or not keeps:
        value = plain(value)
    tensorflow, _ = load_tensorflow()
    return value.like(tensorflow.reduce_mean(value.tensor, [value.axis(axis) for axis in axes], keepdims=keeps))


@operator("MatMul")
def matrix_product(use: Use) -> Value:
    """Return the product with a constant matrix (inputs, outputs)."""
    return dense(use.value(), use.weights(1), None)


@operator("Gemm")
def general_product(use: Use) -> Value:
    """Return ``alpha * x * B + beta * C`` with constant B and C: a dense layer."""
    use.require("transA", 0)
    weights, bias = use.weights(1), use.constant(2)
    weights = (weights.T if use.attribute("transB", 0) else weights) * use.attribute("alpha", 1.0)
    if bias is not None:
        bias = np.broadcast_to(bias * use.attribute("beta", 1.0), (1, weights.shape[1])).reshape(-1)
    return dense(use.value(), weights, bias)


def dense(value: Value, weights: Any, bias: Any) -> Value:
    """Return a dense layer; of a flattened image, with the rows of ``weights`` (inputs, outputs) in its order.

    :raises RefusedError: the weights are no matrix that fits.
    """
    if value.form is Form.CHANNELS_LAST:
        value = plain(value)
    if weights.ndim != 2 or weights.shape[0] != value.shape[-1]:
        raise RefusedError(f"multiplies {('batch', *value.shape)} with weights of {weights.shape}; only with a matrix")
    rows = weights[value.columns()] if value.form is Form.FLATTENED else weights
    layer = layers().Dense(weights.shape[1], use_bias=bias is not None)
    result = layer(value.tensor)
    layer.set_weights([rows, *([] if bias is None else [bias])])
    return Value(result)
