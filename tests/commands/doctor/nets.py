"""A small sound int8 net, and the same net with one fault in it each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.compiler.model_builder import ModelBuilder

IMAGE = (1, 8, 8, 3)
CHANNELS = 8
RELU, RELU6 = 1, 3
SAME = 0
PIXELS: Mapping[str, Any] = {"scale": 1 / 255, "zero_point": -128}
ACTIVATED = (6 / 255, -128)


def weights(seed: int, *shape: int, axis: int = 0) -> NDArray[np.int8]:
    """Return weights as a converter leaves them: the largest of each channel is 127."""
    real = np.random.default_rng(seed).normal(size=shape)
    others = tuple(other for other in range(len(shape)) if other != axis)
    return np.asarray(np.round(real / np.abs(real).max(axis=others, keepdims=True) * 127), np.int8)


def convolution(
    builder: ModelBuilder,
    image: int,
    *,
    values: NDArray[np.int8] | None = None,
    scales: list[float] | None = None,
    zero_point: int = 0,
    bias_scale: float = 1.0,
    output: tuple[float, int] = ACTIVATED,
    activation: int = RELU6,
    bias: NDArray[np.int32] | None = None,
    dtype: str = "int8",
) -> int:
    """Add a convolution of three pixels a side; ``bias_scale`` is a factor on the scale that its bias has to have."""
    values = weights(1, CHANNELS, 3, 3, 3) if values is None else values
    scales = [0.004 + 0.0001 * channel for channel in range(CHANNELS)] if scales is None else scales
    kernel = builder.constant(values, scales, zero_point, dtype=dtype)
    offsets = np.arange(CHANNELS) * 1000 if bias is None else bias
    right = [scale * PIXELS["scale"] * bias_scale for scale in scales]
    offset = builder.constant(offsets, right, dtype="int32")
    return builder.op(
        "CONV_2D", [image, kernel, offset], (1, 8, 8, CHANNELS), *output, dtype=dtype, padding=SAME,
        fused_activation_function=activation, dilation_h_factor=1, dilation_w_factor=1,
    )  # fmt: skip


def classifier(builder: ModelBuilder, image: int) -> int:
    """Add what makes ten probabilities of an image of CHANNELS channels."""
    axes = builder.constant([1, 2], dtype="int32")
    mean = builder.op("MEAN", [image, axes], (1, CHANNELS), *ACTIVATED)
    kernel = builder.constant(weights(2, 10, CHANNELS), 0.01)
    offset = builder.constant(np.zeros(10), 0.01 * ACTIVATED[0], dtype="int32")
    scores = builder.op("FULLY_CONNECTED", [mean, kernel, offset], (1, 10), 0.1, 0)
    return builder.op("SOFTMAX", [scores], (1, 10), 1 / 256, -128, beta=1.0)


def sound() -> bytes:
    """Return a net without a fault."""
    builder = ModelBuilder()
    image = builder.input(IMAGE, **PIXELS)
    return builder.finish([classifier(builder, convolution(builder, image))])


def _with(**changes: Any) -> Callable[[], bytes]:
    """Return what makes the net with a convolution that is otherwise."""

    def build() -> bytes:
        builder = ModelBuilder()
        image = builder.input(IMAGE, **PIXELS)
        return builder.finish([classifier(builder, convolution(builder, image, **changes))])

    return build


def _open(*signature: int) -> Callable[[], bytes]:
    def build() -> bytes:
        builder = ModelBuilder()
        image = builder.input(IMAGE, **PIXELS, signature=signature)
        return builder.finish([classifier(builder, convolution(builder, image))])

    return build


def _shape_arithmetic() -> bytes:
    builder = ModelBuilder()
    image = convolution(builder, builder.input(IMAGE, **PIXELS))
    shape = builder.op("SHAPE", [image], (4,), dtype="int32", out_type=2)
    places = [builder.constant(values, dtype="int32") for values in ([0], [1], [1])]
    batch = builder.op("STRIDED_SLICE", [shape, *places], (), dtype="int32", shrink_axis_mask=1)
    size = builder.constant(8 * 8 * CHANNELS, dtype="int32")
    packed = builder.op("PACK", [batch, size], (2,), dtype="int32", values_count=2, axis=0)
    flat = builder.op("RESHAPE", [image, packed], (1, 8 * 8 * CHANNELS), *ACTIVATED)
    kernel = builder.constant(weights(3, 10, 8 * 8 * CHANNELS), 0.01)
    return builder.finish([builder.op("FULLY_CONNECTED", [flat, kernel], (1, 10), 1.0, 0)])


def _float_edges() -> bytes:
    builder = ModelBuilder()
    image = builder.op("QUANTIZE", [builder.input(IMAGE, None, dtype="float32")], IMAGE, **PIXELS)
    last = classifier(builder, convolution(builder, image))
    return builder.finish([builder.op("DEQUANTIZE", [last], (1, 10), dtype="float32")])


def _float_inside() -> bytes:
    builder = ModelBuilder()
    image = convolution(builder, builder.input(IMAGE, **PIXELS))
    shape = (1, 8, 8, CHANNELS)
    real = builder.op("DEQUANTIZE", [image], shape, dtype="float32")
    real = builder.op("ELU", [real], shape, dtype="float32")
    return builder.finish([classifier(builder, builder.op("QUANTIZE", [real], shape, *ACTIVATED))])


def _uint8() -> bytes:
    builder = ModelBuilder()
    image = builder.input((1, 4, 4, 2), 0.1, 128, dtype="uint8")
    return builder.finish([builder.op("RELU", [image], (1, 4, 4, 2), 0.1, 0, dtype="uint8")])


def _channels_first() -> bytes:
    builder = ModelBuilder()
    image = builder.input((1, 3, 8, 8), **PIXELS)
    order = builder.constant([0, 2, 3, 1], dtype="int32")
    turned = builder.op("TRANSPOSE", [image, order], IMAGE, **PIXELS)
    return builder.finish([classifier(builder, convolution(builder, turned))])


def _batch_norm() -> bytes:
    builder = ModelBuilder()
    image = convolution(builder, builder.input(IMAGE, **PIXELS), activation=0, output=(0.05, 0))
    shape = (1, 8, 8, CHANNELS)
    factor = builder.constant(np.arange(CHANNELS) + 120, 0.01)
    summand = builder.constant(np.arange(CHANNELS) + 120, 0.01)
    image = builder.op("MUL", [image, factor], shape, 0.05, 0)
    image = builder.op("ADD", [image, summand], shape, *ACTIVATED, fused_activation_function=RELU6)
    return builder.finish([classifier(builder, image)])


def _rescaling_relu6() -> bytes:
    builder = ModelBuilder()
    image = convolution(builder, builder.input(IMAGE, **PIXELS), activation=0, output=(0.05, -10))
    return builder.finish([classifier(builder, builder.op("RELU6", [image], (1, 8, 8, CHANNELS), *ACTIVATED))])


def _not_a_number() -> bytes:
    builder = ModelBuilder()
    image = builder.input((1, 4), None, dtype="float32")
    kernel = np.ones((3, 4), np.float32)
    kernel[1, 2] = np.nan
    return builder.finish(
        [builder.op("FULLY_CONNECTED", [image, builder.constant(kernel, dtype="float32")], (1, 3), dtype="float32")]
    )


def _one_dead() -> NDArray[np.int8]:
    values = weights(1, CHANNELS, 3, 3, 3)
    values[2] = 0
    return values


def _small(factor: float) -> NDArray[np.int8]:
    values = weights(1, CHANNELS, 3, 3, 3)
    values[5] = (values[5] * factor).astype(np.int8)
    return values


def _cut() -> NDArray[np.int8]:
    return np.clip(weights(1, CHANNELS, 3, 3, 3).astype(int) * 3, -127, 127).astype(np.int8)


PLANTED: Mapping[str, tuple[Callable[[], bytes], frozenset[str]]] = {
    "open-batch": (_open(-1, 8, 8, 3), frozenset()),
    "open-size": (_open(1, -1, -1, 3), frozenset()),
    "shape-arithmetic": (_shape_arithmetic, frozenset()),
    "float-edges": (_float_edges, frozenset()),
    "float-inside": (_float_inside, frozenset()),
    "uint8-scheme": (_uint8, frozenset()),
    "channels-first-input": (_channels_first, frozenset({"layout-transposes"})),
    "layout-transposes": (_channels_first, frozenset({"channels-first-input"})),
    "unfused-batch-norm": (_batch_norm, frozenset()),
    "rescaling-relu6": (_rescaling_relu6, frozenset()),
    "not-a-number": (_not_a_number, frozenset()),
    "weight-zero-point": (_with(zero_point=3), frozenset()),
    "bias-scale": (_with(bias_scale=1.5), frozenset()),
    "one-scale-weights": (_with(scales=[0.004]), frozenset()),
    "unused-weight-range": (_with(values=_small(0.3)), frozenset()),
    "clipped-weights": (_with(values=_cut()), frozenset()),
    "idle-channels": (_with(values=_one_dead()), frozenset()),
    "unused-activation-range": (_with(output=(0.2, -128)), frozenset()),
    "early-relu6": (_with(output=(1.5 / 255, -128)), frozenset()),
}
"""By fault: the net that has it, and what else that then has."""
