"""Models of up to 1 MB that ask the most of a reader and of the compiler, each valid or refused for its size alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tests.compiler.model_builder import ModelBuilder

_SCALE = 0.05
_UNIT = 1 / 256


def _weights(*shape: int, zeros: float = 0.0) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    random = np.random.default_rng(0)
    values = random.integers(-127, 128, shape)
    values[random.random(shape) < zeros] = 0
    return values


def _conv(builder: ModelBuilder, image: int, shape: tuple[int, ...], channels: int, kernel: int = 1) -> int:
    filters = builder.constant(_weights(shape[-1], kernel, kernel, channels), [0.01] * shape[-1], [0] * shape[-1])
    bias = builder.constant(_weights(shape[-1]), [0.01 * _SCALE] * shape[-1], [0] * shape[-1], dtype="int32")
    return builder.op("CONV_2D", [image, filters, bias], shape, _SCALE, padding=0, stride_h=1, stride_w=1)


def _depthwise(builder: ModelBuilder, image: int, shape: tuple[int, ...]) -> int:
    channels = shape[-1]
    filters = builder.constant(_weights(1, 3, 3, channels), [0.01] * channels, [0] * channels, axis=3)
    bias = builder.constant(_weights(channels), [0.01 * _SCALE] * channels, [0] * channels, dtype="int32")
    return builder.op(
        "DEPTHWISE_CONV_2D", [image, filters, bias], shape, _SCALE, padding=0, stride_h=1, stride_w=1,
        depth_multiplier=1,
    )  # fmt: skip


def _chain(count: int, shape: tuple[int, ...], layer: Callable[[ModelBuilder, int], int]) -> bytes:
    builder = ModelBuilder()
    value = builder.input(shape, _SCALE)
    for _ in range(count):
        value = layer(builder, value)
    return builder.finish([value])


def _elements(kind: str, count: int, operands: int = 1) -> bytes:
    return _chain(count, (1, 16), lambda builder, value: builder.op(kind, [value] * operands, (1, 16), _SCALE))


def _fan(joined: bool) -> bytes:
    builder = ModelBuilder()
    value = builder.input((1, 4), _UNIT, -128)
    ends = [builder.op("ADD", [value, value], (1, 4), _UNIT, -128) for _ in range(2_500)]
    whole = builder.op("CONCATENATION", ends, (1, 4 * len(ends)), _UNIT, -128, axis=1) if joined else -1
    return builder.finish([whole] if joined else ends)


def _dense(zeros: float) -> bytes:
    builder = ModelBuilder()
    value = builder.input((1, 3_000), _SCALE)
    weights = builder.constant(_weights(300, 3_000, zeros=zeros), 0.01)
    return builder.finish([builder.op("FULLY_CONNECTED", [value, weights, -1], (1, 300), 0.5)])


def _inputs() -> bytes:
    builder = ModelBuilder()
    ends = [builder.input((1, 1), _UNIT, -128, name=f"input_{number}") for number in range(8_000)]
    return builder.finish([builder.op("CONCATENATION", ends, (1, len(ends)), _UNIT, -128, axis=1)])


def _skips() -> bytes:
    """Return a net in which each of 40 sums reads up to twelve sums before it."""
    builder = ModelBuilder()
    sums = [builder.input((1, 4, 4, 4), _SCALE)]
    for _ in range(40):
        value = sums[-1]
        for before in sums[-13:-1]:
            value = builder.op("ADD", [value, before], (1, 4, 4, 4), _SCALE)
        sums.append(value)
    return builder.finish([sums[-1]])


LARGE: Mapping[str, Callable[[], bytes]] = {
    "4000_sums": lambda: _elements("ADD", 4_000, 2),
    "500_tables": lambda: _elements("LEAKY_RELU", 500),
    "500_convolutions": lambda: _chain(500, (1, 12, 12, 8), lambda b, x: _conv(b, x, (1, 12, 12, 8), 8, 3)),
    "500_pointwise": lambda: _chain(500, (1, 8, 8, 4), lambda b, x: _conv(b, x, (1, 8, 8, 4), 4)),
    "500_depthwise": lambda: _chain(500, (1, 12, 12, 16), lambda b, x: _depthwise(b, x, (1, 12, 12, 16))),
    "pointwise_of_1_mb": lambda: _chain(1, (1, 1, 1, 960), lambda b, x: _conv(b, x, (1, 1, 1, 960), 960)),
    "image_of_16_mb": lambda: _chain(1, (1, 2000, 2000, 4), lambda b, x: _conv(b, x, (1, 2000, 2000, 4), 4, 3)),
    "dense_of_1_mb": lambda: _dense(0.0),
    "pruned_dense_of_1_mb": lambda: _dense(0.8),
    "2500_outputs": lambda: _fan(joined=False),
    "2500_parts": lambda: _fan(joined=True),
    "8000_inputs": _inputs,
    "skips": _skips,
}
