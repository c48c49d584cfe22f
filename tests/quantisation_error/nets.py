"""A float net and its int8 net, made here, so that a fault can be put into one layer's range or weights.

Pictures are of 8x8 pixels, noise with a brighter patch in the quadrant of their class. Filters are random, the last
layer is fitted to their outputs by least squares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import ACTIVATION_RELU, PADDING_SAME, PADDING_VALID
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.model_builder import ModelBuilder

Floats = NDArray[np.float32]

CLASSES = 4
FIRST, SECOND, THIRD, POOL, FLAT, LOGITS, SOFTMAX = range(7)
"""Positions of the operators."""

INPUT_SCALE = 1 / 255


def draw(count: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return pictures in 0..1, float32 (count, 1, 8, 8, 1), and labels."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    images = random.integers(0, 160, (count, 8, 8))
    for image, label in zip(images, labels, strict=True):
        row, column = 4 * (label // 2), 4 * (label % 2)
        image[row : row + 4, column : column + 4] += random.integers(0, 60, (4, 4))
    return (images / 255).astype(np.float32)[:, np.newaxis, ..., np.newaxis], labels.astype(np.int64)


@dataclass(frozen=True)
class Net:
    """Float weights by position: (weights, bias)."""

    weights: Mapping[int, tuple[Floats, Floats]]


@dataclass(frozen=True)
class Faults:
    """What is wrong with an int8 net: ``scales`` by which a layer's range is multiplied, ``per_tensor`` layers whose
    weights have one scale.
    """

    scales: Mapping[int, float] = field(default_factory=dict)
    per_tensor: frozenset[int] = frozenset()


def random_filters() -> Net:
    """Return a net without its last layer."""
    random = np.random.default_rng(7)

    def layer(*shape: int, axis: int) -> tuple[Floats, Floats]:
        size = np.prod(shape) / shape[axis]
        values = random.normal(0, 1 / np.sqrt(size), shape).astype(np.float32)
        return values, random.normal(0, 0.1, shape[axis]).astype(np.float32)

    return Net({FIRST: layer(8, 3, 3, 1, axis=0), SECOND: layer(1, 3, 3, 8, axis=3), THIRD: layer(16, 1, 1, 8, axis=0)})


def fitted(net: Net, worker: RuntimeWorker) -> Net:
    """Return the net with a last layer that is fitted to 2,000 pictures."""
    images, labels = draw(2000, 1)
    model = parse_tflite(float_file(net))
    features = worker.trace(model.content, [images])[model.outputs[0]].reshape(len(images), -1).astype(np.float64)
    rows = np.hstack([features, np.ones((len(features), 1))])
    wanted = 8.0 * (np.eye(CLASSES)[labels] - 1 / CLASSES)
    solved = np.linalg.solve(rows.T @ rows + 0.05 * np.eye(rows.shape[1]), rows.T @ wanted)
    last = np.ascontiguousarray(solved[:-1].T, np.float32), solved[-1].astype(np.float32)
    return Net({**net.weights, LOGITS: last})


def with_outlier_channel(net: Net) -> Net:
    """Return the net with a channel of its third layer whose weights are large and whose outputs are all zero."""
    weights, bias = (one.copy() for one in net.weights[THIRD])
    weights[3], bias[3] = 60.0 * np.sign(weights[3]), -2000.0
    return Net({**net.weights, THIRD: (weights, bias)})


def with_loud_channel(net: Net, factor: float) -> Net:
    """Return the same function with a channel of the first layer ``factor`` times as large, and taken back after it."""
    weights, bias = (one.copy() for one in net.weights[FIRST])
    following, bias_2 = (one.copy() for one in net.weights[SECOND])
    weights[2] *= factor
    bias[2] *= factor
    following[..., 2] /= factor
    return Net({**net.weights, FIRST: (weights, bias), SECOND: (following, bias_2)})


_KINDS: tuple[tuple[str, tuple[int, ...], dict[str, Any]], ...] = (
    ("CONV_2D", (1, 8, 8, 8), {"padding": PADDING_SAME, "fused_activation_function": ACTIVATION_RELU}),
    ("DEPTHWISE_CONV_2D", (1, 8, 8, 8),
     {"padding": PADDING_SAME, "fused_activation_function": ACTIVATION_RELU, "depth_multiplier": 1}),
    ("CONV_2D", (1, 8, 8, 16), {"padding": PADDING_SAME, "fused_activation_function": ACTIVATION_RELU}),
    ("MAX_POOL_2D", (1, 4, 4, 16),
     {"padding": PADDING_VALID, "stride_h": 2, "stride_w": 2, "filter_height": 2, "filter_width": 2}),
    ("RESHAPE", (1, 256), {}),
    ("FULLY_CONNECTED", (1, CLASSES), {}),
    ("SOFTMAX", (1, CLASSES), {"beta": 1.0}),
)  # fmt: skip


def float_file(net: Net) -> bytes:
    """Return the net as a float32 .tflite; without a last layer up to what that would read."""
    builder = ModelBuilder()
    tensor = builder.input((1, 8, 8, 1), None, dtype="float32")
    for position, (kind, shape, options) in enumerate(_KINDS):
        if position == LOGITS and LOGITS not in net.weights:
            break
        inputs = [tensor]
        inputs += [builder.constant(one, dtype="float32") for one in net.weights.get(position, ())]
        if kind == "RESHAPE":
            inputs.append(builder.constant(list(shape), dtype="int32"))
        tensor = builder.op(kind, inputs, shape, dtype="float32", version=1, name=f"layer_{position}", **options)
    return builder.finish([tensor])


def int8_file(net: Net, worker: RuntimeWorker, faults: Faults | None = None) -> bytes:
    """Return the net as an int8 .tflite, calibrated with 200 pictures, with faults."""
    faults = faults or Faults()
    model = parse_tflite(float_file(net))
    trace = worker.trace(model.content, [draw(200, 3)[0]])
    outputs = [trace[operator.outputs[0]] for operator in model.operators]
    builder = ModelBuilder()
    scale, zero_point = INPUT_SCALE, -128
    tensor = builder.input((1, 8, 8, 1), scale, zero_point)
    for position, (kind, shape, options) in enumerate(_KINDS):
        inputs = [tensor]
        if position in net.weights:
            inputs += _constants(builder, net, position, scale, position in faults.per_tensor)
        if kind == "RESHAPE":
            inputs.append(builder.constant(list(shape), dtype="int32"))
        if kind == "SOFTMAX":
            scale, zero_point = 1 / 256, -128
        elif kind not in ("MAX_POOL_2D", "RESHAPE"):
            low, high = min(float(outputs[position].min()), 0.0), max(float(outputs[position].max()), 0.0)
            scale = (high - low) / 255
            zero_point = round(-128 - low / scale)
            scale *= faults.scales.get(position, 1.0)
        tensor = builder.op(kind, inputs, shape, scale, zero_point, name=f"layer_{position}", **options)
    return builder.finish([tensor])


def _constants(builder: ModelBuilder, net: Net, position: int, input_scale: float, per_tensor: bool) -> list[int]:
    weights, bias = net.weights[position]
    axis = 3 if position == SECOND else 0
    others = tuple(one for one in range(weights.ndim) if one != axis)
    scales = np.maximum(np.abs(weights).max(axis=others), 1e-6) / 127
    if per_tensor:
        scales = np.full_like(scales, scales.max())
    shape = [1] * weights.ndim
    shape[axis] = -1
    whole = np.clip(np.rint(weights / scales.reshape(shape)), -127, 127)
    products = scales.astype(np.float64) * input_scale
    sums = np.clip(np.rint(bias / products), -(2**31), 2**31 - 1)
    zeros = [0] * len(scales)
    return [
        builder.constant(whole, scales.tolist(), zeros, axis=axis),
        builder.constant(sums, products.tolist(), zeros, dtype="int32"),
    ]
