"""Nets whose first layers can run by bands of rows, of every type; rows begin at multiples of 4 bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import Subject
from tests.compiler.int16_nets import Int16Net, convolution, dense, int16_images
from tests.compiler.layers import Arithmetic, Layers, Value, Window, random_images
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.test_int4 import packed
from tests.compiler.uint8_nets import as_uint8, as_unsigned


def mobile() -> bytes:
    """Return a net of depthwise and pointwise layers, with a residual and a pool, whose first tensors are large."""
    layers = Layers.seeded(0)
    value = layers.conv(layers.input((1, 29, 20, 3)), 8)
    value = layers.conv(layers.depthwise(value), 16, Window((1, 1)))
    value = layers.conv(layers.depthwise(value, 1, Window(stride=(2, 2))), 12, Window((1, 1)))
    wide = layers.depthwise(layers.conv(value, 24, Window((1, 1))))
    value = layers.pool("MAX_POOL_2D", layers.add(layers.conv(wide, 12, Window((1, 1))), value))
    return layers.finish(layers.dense(value, 5))


def branching(seed: int) -> bytes:
    """Return a random net: odd heights, strides of 1 to 3, both paddings, residuals, pools, pads, concatenations."""
    layers = Layers.seeded(seed)
    draw = layers.generator
    shape = (1, int(draw.integers(13, 24)), 4 * int(draw.integers(1, 4)), int(draw.integers(1, 5)))
    value = layers.conv(layers.input(shape), 4, Window((3, 3)), Arithmetic(activation=1))
    for _ in range(5):
        value = grown(layers, value)
    return layers.finish(layers.dense(value, 3))


def inverted(seed: int) -> bytes:
    """Return a random net of inverted residuals with up to 64 channels, strides and fused pools, for vector bodies."""
    layers = Layers.seeded(seed)
    draw = layers.generator
    shape = (1, int(draw.integers(15, 28)), 4 * int(draw.integers(1, 6)), int(draw.integers(1, 5)))
    value = layers.conv(layers.input(shape), 4 * int(draw.integers(1, 9)), Window(stride=(1 + seed % 2, 1)))
    for number in range(3):
        channels, stride = value.shape[3], 1 + int(number != 0 and value.shape[1] > 8)
        wide = layers.conv(value, 2 * channels, Window((1, 1)))
        if number == 0:
            value = layers.add(layers.conv(layers.depthwise(wide), channels, Window((1, 1))), value)
        elif number == 1:
            value = layers.pool("MAX_POOL_2D", layers.conv(wide, 4 * int(draw.integers(1, 9))), Window((2, 2), (2, 2)))
        else:
            value = layers.conv(layers.depthwise(wide, 1, Window(stride=(stride, 1))), 16, Window((1, 1)))
    return layers.finish(layers.dense(value, 3))


def grown(layers: Layers, value: Value) -> Value:
    """Add a layer or two; the width stays a multiple of 4 bytes, because channels do."""
    draw = layers.generator
    height = value.shape[1]
    padding = int(draw.choice((PADDING_SAME, PADDING_VALID))) if min(value.shape[1:3]) > 5 else PADDING_SAME
    stride = (int(draw.integers(1, 4)) if height > 9 else 1, 1)
    window = Window((int(draw.integers(1, 5)), int(draw.integers(1, 4))), stride, padding=padding)
    kind = int(draw.integers(6))
    if kind == 0:
        return layers.add(layers.conv(layers.conv(value, 8), value.shape[3], Window((1, 3))), value)
    if kind == 1:
        return layers.depthwise(value, 1, window)
    if kind == 2:
        return layers.pool(str(draw.choice(("MAX_POOL_2D", "AVERAGE_POOL_2D"))), value, window)
    if kind == 3:
        return layers.conv(layers.pad(value, 1, 0, 2, 0), 8, Window((2, 1), padding=PADDING_VALID))
    if kind == 4:
        return layers.concatenation(value, layers.op("RELU", [value], value.shape))
    return layers.conv(value, 4 * int(draw.integers(1, 4)), window)


def int8_subject(seed: int) -> Subject:
    """Return a net of int8, with images of extremes and a random one."""
    content = (branching if seed % 2 else inverted)(seed)
    return Subject(f"seed {seed}", content, random_images(parse_tflite(content).input().shape, 7, 1))


def uint8_subject(seed: int) -> Subject:
    """Return a net of uint8, of which some layers have weights beyond int8."""
    found = int8_subject(seed)
    content = as_uint8(found.content, weights_zero_point=(0, 3, -19, 60)[seed % 4])
    return Subject(f"uint8, seed {seed}", content, as_unsigned(found.images))


def int16_subject(seed: int) -> Subject:
    """Return a net with activations of int16: layers of every kind, a pad, a residual, a function of one element."""
    net = Int16Net((1, 15 + seed, 6, 2), seed)
    value = convolution(net, net.input, (4, 3, 3, 2), activation=1)
    side = convolution(net, convolution(net, value, (8, 1, 1, 4)), (4, 3, 1, 8))
    value = net.op("ADD", [side, value], net.shapes[value], net.scales[side] * 1.5)
    value = convolution(net, value, (1, 3, 3, 4), depthwise=True, padding=PADDING_VALID, stride=1 + seed % 2)
    _, height, width, channels = net.shapes[value]
    value = net.op("PAD", [value, net.numbers([[0, 0], [2, 1], [1, 1], [0, 0]])], (1, height + 3, width + 2, channels))
    value = net.op("LEAKY_RELU", [value], net.shapes[value], net.scales[value] * 0.9, alpha=0.2)
    _, height, width, channels = net.shapes[value]
    window = {"filter_height": 2, "filter_width": 1, "stride_h": 2, "stride_w": 1, "padding": PADDING_VALID}
    value = net.op(("MAX_POOL_2D", "AVERAGE_POOL_2D")[seed % 2], [value], (1, height // 2, width, channels), **window)
    shape = net.shapes[net.input]
    return Subject(f"int16, seed {seed}", net.finish(dense(net, value, 3)), int16_images(shape, seed), witnessed=False)


def float_subject(seed: int) -> Subject:
    """Return a net of float32 with a residual, whose image is quantised to int8 where it enters."""
    builder, random = ModelBuilder(), np.random.default_rng(seed)
    shape = (1, 12 + seed, 4, 3)

    def op(kind: str, inputs: list[int], shape: tuple[int, ...], **options: Any) -> int:
        return builder.op(kind, inputs, shape, dtype="float32", **options)

    def weights(*shape: int) -> int:
        return builder.constant(random.normal(0, 0.5, shape), dtype="float32")

    same = {"padding": PADDING_SAME, "fused_activation_function": 1}
    entry = op("DEQUANTIZE", [builder.input(shape, 0.02, 3)], shape)
    wide, half = (*shape[:3], 5), (1, (shape[1] + 1) // 2, 4, 5)
    value = op("CONV_2D", [entry, weights(5, 3, 2, 3), weights(5)], wide, **same)
    side = op("DEPTHWISE_CONV_2D", [value, weights(1, 3, 3, 5), weights(5)], wide, depth_multiplier=1, **same)
    value = op("ADD", [side, op("TANH", [value], wide)], wide)
    value = op("AVERAGE_POOL_2D", [value], half, filter_height=3, filter_width=3, stride_h=2, padding=PADDING_SAME)
    flat = int(np.prod(half))
    value = op("FULLY_CONNECTED", [value, weights(2, flat), weights(2)], (1, 2))
    return Subject(f"float32, seed {seed}", builder.finish([value]), random_images(shape, seed, 1), witnessed=False)


def int4_subject(seed: int) -> Subject:
    """Return a net of a convolution, a depthwise one and a pool, whose weights are of 4 bits."""
    builder, random = ModelBuilder(), np.random.default_rng(seed)
    shape, wide = (1, 13 + seed, 4, 3), (1, 13 + seed, 4, 4)

    def weights(*shape: int) -> list[int]:
        steps, axis = list(random.uniform(0.02, 0.08, 4)), 0 if shape[0] == 4 else 3
        data = packed(random.integers(-8, 8, shape))
        operand = builder.tensor(shape, steps, dtype="int4", axis=axis, data=data)
        return [operand, builder.constant(random.integers(-900, 900, 4), dtype="int32")]

    entry = builder.input(shape, 0.05, -7)
    value = builder.op("CONV_2D", [entry, *weights(4, 3, 3, 3)], wide, 0.5, 5)
    value = builder.op("DEPTHWISE_CONV_2D", [value, *weights(1, 3, 3, 4)], wide, 0.9, 5, depth_multiplier=1)
    half = (1, (13 + seed) // 2, 4, 4)
    window: dict[str, Any] = {
        "filter_height": 2,
        "filter_width": 1,
        "stride_h": 2,
        "stride_w": 1,
        "padding": PADDING_VALID,
    }
    value = builder.op("MAX_POOL_2D", [value], half, 0.9, 5, **window)
    return Subject(f"int4, seed {seed}", builder.finish([value]), random_images(shape, seed, 1), witnessed=False)
