"""Layers of kinds that people's nets have, each with inputs of its own: what ``scripts/bench_layers`` counts.

Weights are drawn as trained ones lie: normally distributed, scaled so that the largest of a channel, or
of a layer with one scale, is 127.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.compiler.layers import PADDING_VALID, Arithmetic, Layers, Value, Window

RELU = Arithmetic(activation=1, zero_point=-128)
Make = Callable[[Layers], Value]


class TrainedLayers(Layers):
    """Layers whose weights are distributed as those of trained nets are."""

    @staticmethod
    def seeded(seed: int) -> TrainedLayers:
        """Return an empty model whose weights come from ``seed``."""
        return TrainedLayers(np.random.default_rng(seed))

    def _weights(self, shape: tuple[int, ...], arithmetic: Arithmetic) -> NDArray[np.int8]:
        values = self.generator.normal(size=shape)
        # Depthwise weights, whose first size is 1, have their channels last.
        axes = tuple(range(len(shape) - 1)) if shape[0] == 1 else tuple(range(1, len(shape)))
        axes = axes if arithmetic.per_channel else tuple(range(len(shape)))
        weights: NDArray[np.int8] = np.round(127 * values / np.abs(values).max(axes, keepdims=True)).astype(np.int8)
        return weights


def image(layers: Layers, *shape: int) -> Value:
    """Add an input as a ReLU leaves it."""
    return layers.input((1, *shape), zero_point=-128)


def conv(height: int, width: int, channels: int, filters: int, window: Window) -> Make:
    """Return what adds a CONV_2D."""
    return lambda layers: layers.conv(image(layers, height, width, channels), filters, window, RELU)


def depthwise(height: int, width: int, channels: int, window: Window, multiplier: int = 1) -> Make:
    """Return what adds a DEPTHWISE_CONV_2D."""
    return lambda layers: layers.depthwise(image(layers, height, width, channels), multiplier, window, RELU)


def transposed(kernel: int) -> Make:
    """Return what adds a TRANSPOSE_CONV of stride 2."""
    return lambda layers: layers.transpose_conv(image(layers, 8, 8, 16), 8, Window((kernel, kernel), (2, 2)))


def dense(features: int, units: int, *, per_channel: bool = False) -> Make:
    """Return what adds a FULLY_CONNECTED."""
    arithmetic = Arithmetic(per_channel=per_channel)
    return lambda layers: layers.dense(layers.input((1, features), zero_point=-128), units, arithmetic)


def pool(kind: str, height: int, width: int, channels: int, window: Window) -> Make:
    """Return what adds a MAX_POOL_2D or AVERAGE_POOL_2D."""
    return lambda layers: layers.pool(kind, image(layers, height, width, channels), window)


def pair(kind: str, *shape: int) -> Make:
    """Return what adds ADD, MUL or MAXIMUM of two images."""

    def make(layers: Layers) -> Value:
        first, second = layers.input((1, *shape)), layers.input((1, *shape), 0.03 if kind != "MAXIMUM" else 0.02)
        if kind == "ADD":
            return layers.add(first, second)
        scale, zero_point = (0.01, -3) if kind == "MUL" else (first.scale, first.zero_point)
        return layers.op(kind, [first, second], first.shape, scale, zero_point)

    return make


def gate(layers: Layers) -> Value:
    """Add an image's product with a gate of its channels (squeeze and excitation)."""
    whole, channels = layers.input((1, 12, 12, 32)), layers.input((1, 1, 1, 32))
    return layers.op("MUL", [whole, channels], whole.shape, 0.01, -3)


def softmax(classes: int) -> Make:
    """Return what adds a SOFTMAX."""
    return lambda layers: layers.op(
        "SOFTMAX", [layers.input((1, classes), 0.1)], (1, classes), 1 / 256, -128, beta=1.0
    )  # fmt: skip


def pad(layers: Layers) -> Value:
    """Add a PAD by one pixel on each side."""
    return layers.pad(image(layers, 24, 24, 8), 1, 1, 1, 1)


def square(kernel: int, stride: int = 1, **more: Any) -> Window:
    """Return a square window."""
    return Window((kernel, kernel), (stride, stride), **more)


def _sizes(kind: str, kernel: Sequence[int], stride: int, shape: Sequence[int], filters: int | None) -> str:
    name = f"{kind} {kernel[0]} x {kernel[1]}{f' / {stride}' if stride > 1 else ''}, {' x '.join(map(str, shape))}"
    return name if filters is None else f"{name} to {filters}"


def _convs(*rows: tuple[tuple[int, int], int, tuple[int, int, int], int]) -> dict[str, Make]:
    return {
        _sizes("CONV_2D", kernel, stride, shape, filters): conv(*shape, filters, Window(kernel, (stride, stride)))
        for kernel, stride, shape, filters in rows
    }


def _depthwises(*rows: tuple[tuple[int, int], int, tuple[int, int, int]]) -> dict[str, Make]:
    return {
        _sizes("DEPTHWISE", kernel, stride, shape, None): depthwise(*shape, Window(kernel, (stride, stride)))
        for kernel, stride, shape in rows
    }


def _apart(*rows: tuple[int, tuple[int, int, int]]) -> dict[str, Make]:
    """Return depthwise layers whose windows have nothing in common and lie inside."""
    return {
        f"{_sizes('DEPTHWISE', (kernel, kernel), kernel, shape, None)} VALID": depthwise(
            *shape, square(kernel, kernel, padding=PADDING_VALID)
        )
        for kernel, shape in rows
    }


def _pools(*rows: tuple[str, tuple[int, int], int, tuple[int, int, int]]) -> dict[str, Make]:
    return {
        _sizes(kind, kernel, stride, shape, None): pool(kind, *shape, Window(kernel, (stride, stride)))
        for kind, kernel, stride, shape in rows
    }


MAX, AVERAGE = "MAX_POOL_2D", "AVERAGE_POOL_2D"
GROUPS: Mapping[str, Mapping[str, Make]] = {
    "first": _convs(
        ((3, 3), 1, (28, 28, 1), 16), ((3, 3), 2, (28, 28, 1), 16), ((5, 5), 1, (28, 28, 1), 8),
        ((7, 7), 2, (32, 32, 1), 16), ((10, 4), 2, (49, 10, 1), 64), ((3, 3), 1, (24, 24, 3), 16),
        ((3, 3), 2, (32, 32, 3), 16), ((5, 5), 2, (32, 32, 3), 16), ((7, 7), 2, (32, 32, 3), 16),
    ),
    "pointwise": _convs(
        ((1, 1), 1, (24, 24, 8), 16), ((1, 1), 1, (16, 16, 16), 32), ((1, 1), 1, (12, 12, 64), 64),
        ((1, 1), 1, (6, 6, 128), 128), ((1, 1), 1, (3, 3, 256), 256), ((1, 1), 2, (16, 16, 16), 32),
        ((1, 1), 1, (16, 16, 6), 10), ((1, 1), 1, (16, 16, 10), 18), ((1, 1), 1, (12, 12, 18), 24),
    ),
    "convolutions": _convs(
        ((3, 3), 1, (14, 14, 8), 16), ((3, 3), 1, (12, 12, 16), 16), ((3, 3), 1, (8, 8, 32), 32),
        ((3, 3), 1, (4, 4, 64), 64), ((3, 3), 2, (16, 16, 16), 32), ((3, 3), 1, (14, 14, 6), 10),
        ((3, 3), 1, (14, 14, 10), 12), ((3, 3), 1, (10, 10, 18), 20), ((5, 5), 1, (12, 12, 8), 16),
        ((1, 5), 1, (1, 64, 8), 16), ((3, 1), 1, (64, 1, 16), 16),
    ),
    "depthwise": {
        **_depthwises(
            ((3, 3), 1, (24, 24, 8)), ((3, 3), 1, (12, 12, 32)), ((3, 3), 1, (12, 12, 64)), ((3, 3), 1, (6, 6, 128)),
            ((3, 3), 2, (24, 24, 16)), ((3, 3), 2, (12, 12, 64)), ((3, 3), 1, (16, 16, 6)), ((3, 3), 1, (16, 16, 10)),
            ((3, 3), 1, (12, 12, 18)), ((5, 5), 1, (12, 12, 32)), ((5, 5), 2, (12, 12, 32)), ((1, 5), 1, (1, 64, 32)),
            ((5, 1), 1, (64, 1, 32)),
        ),
        "DEPTHWISE 3 x 3, 16 x 16 x 1 times 8": depthwise(16, 16, 1, square(3), 8),
        **_apart((7, (7, 7, 64)), (3, (24, 24, 16)), (4, (24, 24, 16)), (2, (24, 24, 16))),
    },
    "dense": {
        f"FULLY_CONNECTED, {features} to {units}{words}": dense(features, units, per_channel=bool(words))
        for features, units, words in (
            (16, 8, ""), (64, 10, ""), (100, 10, ""), (128, 32, ""), (256, 64, ""), (1024, 2, ""), (1024, 128, ""),
            (33, 7, ""), (256, 64, ", scales by channel"),
        )
    },
    "pools": _pools(
        (MAX, (2, 2), 2, (24, 24, 16)), (MAX, (2, 2), 2, (26, 26, 10)), (MAX, (3, 3), 2, (24, 24, 16)),
        (MAX, (1, 2), 2, (1, 64, 16)), (AVERAGE, (2, 2), 2, (24, 24, 16)), (AVERAGE, (3, 3), 2, (24, 24, 16)),
        (AVERAGE, (6, 6), 6, (6, 6, 64)), (AVERAGE, (25, 5), 25, (25, 5, 64)),
    ),
    "elements": {
        "ADD, 12 x 12 x 32": pair("ADD", 12, 12, 32), "MUL, 12 x 12 x 32": pair("MUL", 12, 12, 32),
        "MAXIMUM, 12 x 12 x 32": pair("MAXIMUM", 12, 12, 32),
        "SOFTMAX, 2": softmax(2), "SOFTMAX, 10": softmax(10), "SOFTMAX, 100": softmax(100), "PAD, 24 x 24 x 8": pad,
    },
    "transposed": {
        f"TRANSPOSE_CONV {kernel} x {kernel} / 2, 8 x 8 x 16 to 8": transposed(kernel) for kernel in (2, 3, 4)
    },
    "gates": {"MUL, 12 x 12 x 32 by 32": gate},
}  # fmt: skip
"""By group, whose layers make one net, the layers by name."""

WITHOUT_CMSIS_NN = frozenset({"gates"})
"""Groups that CMSIS-NN has no functions for: TFLM computes them by its reference kernels."""
