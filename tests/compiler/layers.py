"""Layers with random weights for small test models, scaled so that their outputs fill the int8 range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.geometry import same_or_valid_padding
from edgemnist.compiler.graph import ACTIVATION_NONE, PADDING_SAME, PADDING_VALID
from tests.compiler.model_builder import ModelBuilder

__all__ = [
    "ACTIVATION_NONE",
    "PADDING_SAME",
    "PADDING_VALID",
    "Arithmetic",
    "Layers",
    "Value",
    "Window",
    "random_images",
]

DEVIATION = 73.9
"""Standard deviation of uniform random int8 values."""

WEIGHT_SCALE = 0.004


@dataclass(frozen=True)
class Value:
    """A tensor of a model under construction."""

    index: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Window:
    """Kernel, stride, dilation (height, width each) and padding of a windowed operator."""

    kernel: tuple[int, int] = (3, 3)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    padding: int = PADDING_SAME

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the output's height and width."""
        rows, _, _ = same_or_valid_padding(self.padding, height, self.kernel[0], self.stride[0], self.dilation[0])
        columns, _, _ = same_or_valid_padding(self.padding, width, self.kernel[1], self.stride[1], self.dilation[1])
        return rows, columns

    def options(self) -> dict[str, int]:
        """Return the schema's options for a convolution."""
        return {
            "padding": self.padding, "stride_h": self.stride[0], "stride_w": self.stride[1],
            "dilation_h_factor": self.dilation[0], "dilation_w_factor": self.dilation[1],
        }  # fmt: skip


@dataclass(frozen=True)
class Arithmetic:
    """What shapes don't decide about a layer with weights.

    ``multiplier`` is input scale * weight scale / output scale; None takes one that fills the output's range.
    ``weight_factors`` multiply the weight scale of channels in turn when ``per_channel``. ``bias`` is the largest
    magnitude of the random biases, None for no bias. ``zeros`` is the share of weights that are zero; the first
    ``empty`` channels have no other.
    """

    activation: int = ACTIVATION_NONE
    zero_point: int = 3
    multiplier: float | None = None
    per_channel: bool = True
    weight_factors: tuple[float, ...] = (1.0, 0.6, 1.7, 0.9, 1.2)
    bias: int | None = 4000
    lowest_weight: int = -127
    highest_weight: int = 127
    zeros: float = 0.0
    empty: int = 0


@dataclass
class Layers:
    """Adds layers to a model; every method takes and returns a :class:`Value`."""

    generator: np.random.Generator
    builder: ModelBuilder = field(default_factory=ModelBuilder)

    @staticmethod
    def seeded(seed: int) -> Layers:
        """Return an empty model whose weights come from ``seed``."""
        return Layers(np.random.default_rng(seed))

    def input(self, shape: Sequence[int], scale: float = 0.02, zero_point: int = -5, **details: Any) -> Value:
        """Add the model's input."""
        index = self.builder.input(shape, scale, zero_point, **details)
        return Value(index, tuple(shape), scale, zero_point)

    def op(
        self,
        kind: str,
        inputs: Sequence[Value | int],
        shape: Sequence[int],
        scale: float | None = None,
        zero_point: int | None = None,
        **options: Any,
    ) -> Value:
        """Add any operator; scale and zero point are the first input's where they are not given."""
        first = inputs[0]
        assert isinstance(first, Value)
        scale = first.scale if scale is None else scale
        zero_point = first.zero_point if zero_point is None else zero_point
        indices = [value.index if isinstance(value, Value) else value for value in inputs]
        index = self.builder.op(kind, indices, shape, scale, zero_point, **options)
        return Value(index, tuple(shape), scale, zero_point)

    def conv(
        self,
        value: Value,
        filters: int,
        window: Window = Window(),
        arithmetic: Arithmetic = Arithmetic(),
        groups: int = 1,
    ) -> Value:
        """Add a CONV_2D."""
        _, height, width, channels = value.shape
        weights = self._weights((filters, *window.kernel, channels // groups), arithmetic)
        weights[: arithmetic.empty] = 0
        shape = (1, *window.output_size(height, width), filters)
        return self._weighted("CONV_2D", value, weights, 0, shape, arithmetic, window.options())

    def transpose_conv(
        self, value: Value, filters: int, window: Window = Window(), arithmetic: Arithmetic = Arithmetic()
    ) -> Value:
        """Add a TRANSPOSE_CONV with SAME padding; it has no activation, which tflite-runtime 2.14 does not know."""
        _, height, width, channels = value.shape
        weights = self._weights((filters, *window.kernel, channels), arithmetic)
        shape = (1, height * window.stride[0], width * window.stride[1], filters)
        options = {"padding": PADDING_SAME, "stride_h": window.stride[0], "stride_w": window.stride[1]}
        plain = replace(arithmetic, activation=ACTIVATION_NONE)
        return self._weighted("TRANSPOSE_CONV", value, weights, 0, shape, plain, options)

    def depthwise(
        self,
        value: Value,
        multiplier: int = 1,
        window: Window = Window(),
        arithmetic: Arithmetic = Arithmetic(),
    ) -> Value:
        """Add a DEPTHWISE_CONV_2D."""
        _, height, width, channels = value.shape
        weights = self._weights((1, *window.kernel, channels * multiplier), arithmetic)
        shape = (1, *window.output_size(height, width), channels * multiplier)
        options = {**window.options(), "depth_multiplier": multiplier}
        return self._weighted("DEPTHWISE_CONV_2D", value, weights, 3, shape, arithmetic, options)

    def dense(
        self,
        value: Value,
        units: int,
        arithmetic: Arithmetic = Arithmetic(),
        keep_dims: bool = False,
    ) -> Value:
        """Add a FULLY_CONNECTED over the last axis (``keep_dims``) or over all elements of an image."""
        features = value.shape[-1] if keep_dims else int(np.prod(value.shape[1:]))
        shape = (*value.shape[:-1], units) if keep_dims else (1, units)
        weights = self._weights((units, features), arithmetic)
        weights[: arithmetic.empty] = 0
        options = {"keep_num_dims": keep_dims}
        return self._weighted("FULLY_CONNECTED", value, weights, 0, shape, arithmetic, options)

    def pool(
        self, kind: str, value: Value, window: Window = Window((2, 2), (2, 2)), activation: int = ACTIVATION_NONE
    ) -> Value:
        """Add a MAX_POOL_2D or AVERAGE_POOL_2D."""
        _, height, width, channels = value.shape
        return self.op(
            kind, [value], (1, *window.output_size(height, width), channels), padding=window.padding,
            stride_h=window.stride[0], stride_w=window.stride[1], filter_height=window.kernel[0],
            filter_width=window.kernel[1], fused_activation_function=activation,
        )  # fmt: skip

    def pad(self, value: Value, top: int, left: int, bottom: int, right: int) -> Value:
        """Add a PAD of height and width."""
        amounts = self.builder.constant([[0, 0], [top, bottom], [left, right], [0, 0]], dtype="int32")
        _, height, width, channels = value.shape
        return self.op("PAD", [value, amounts], (1, height + top + bottom, width + left + right, channels))

    def add(self, first: Value, second: Value, activation: int = ACTIVATION_NONE, zero_point: int = 4) -> Value:
        """Add an ADD of two values of the same shape."""
        scale = float(np.float32(0.8 * (first.scale + second.scale)))
        return self.op(
            "ADD", [first, second], first.shape, scale, zero_point, fused_activation_function=activation
        )  # fmt: skip

    def concatenation(self, *values: Value, axis: int = 3) -> Value:
        """Add a CONCATENATION; every value has to have the first one's scale and zero point."""
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        return self.op("CONCATENATION", values, shape, axis=axis)

    def reshape(self, value: Value, shape: Sequence[int], kind: str = "RESHAPE") -> Value:
        """Add a RESHAPE whose shape comes as a constant tensor and as an option."""
        target = self.builder.constant(np.array(shape), dtype="int32")
        return self.op(kind, [value, target], shape, new_shape=list(shape))

    def parts(
        self, kind: str, inputs: Sequence[Value | int], shapes: Sequence[Sequence[int]], **options: Any
    ) -> list[Value]:
        """Add an operator with an output for each of ``shapes``, in the first input's quantisation."""
        first = inputs[0]
        assert isinstance(first, Value)
        values = [
            Value(
                self.builder.tensor(shape, first.scale, first.zero_point), tuple(shape), first.scale, first.zero_point
            )
            for shape in shapes
        ]
        indices = [value.index if isinstance(value, Value) else value for value in inputs]
        self.builder.multi_op(kind, indices, [value.index for value in values], **options)
        return values

    def finish(self, *outputs: Value) -> bytes:
        """Return the file."""
        return self.builder.finish([value.index for value in outputs])

    def _weights(self, shape: tuple[int, ...], arithmetic: Arithmetic) -> NDArray[np.int8]:
        low, above = arithmetic.lowest_weight, arithmetic.highest_weight + 1
        weights: NDArray[np.int8] = self.generator.integers(low, above, shape).astype(np.int8)
        if arithmetic.zeros:
            weights[self.generator.random(shape) < arithmetic.zeros] = 0
        return weights

    def _weighted(
        self, kind: str, value: Value, weights: NDArray[np.int8], axis: int, shape: tuple[int, ...],
        arithmetic: Arithmetic, options: dict[str, Any],
    ) -> Value:  # fmt: skip
        channels = weights.shape[axis]
        factors = np.resize(arithmetic.weight_factors, channels) if arithmetic.per_channel else np.ones(1)
        scales = [float(np.float32(WEIGHT_SCALE * factor)) for factor in factors]
        multiplier = arithmetic.multiplier or 50 / (np.sqrt(weights.size / channels) * DEVIATION**2)
        output_scale = float(np.float32(value.scale * WEIGHT_SCALE / multiplier))
        inputs = [value.index, self.builder.constant(weights, scales, axis=axis if arithmetic.per_channel else 0)]
        if arithmetic.bias is not None:
            bias = self.generator.integers(-arithmetic.bias, arithmetic.bias + 1, channels)
            inputs.append(self.builder.constant(bias, [value.scale * scale for scale in scales], dtype="int32"))
        if kind == "TRANSPOSE_CONV":
            inputs = [self.builder.constant(shape, dtype="int32"), inputs[1], inputs[0], *inputs[2:]]
        index = self.builder.op(
            kind, inputs, shape, output_scale, arithmetic.zero_point,
            fused_activation_function=arithmetic.activation, **options,
        )  # fmt: skip
        return Value(index, shape, output_scale, arithmetic.zero_point)


def random_images(shape: Sequence[int], seed: int, random: int = 2) -> NDArray[np.int8]:
    """Return int8 images of ``shape``: all -128, all 127, a checkerboard of both, and ``random`` random ones."""
    generator = np.random.default_rng(seed)
    flat = [np.full(shape, -128), np.full(shape, 127)]
    board = np.where(np.indices(shape).sum(axis=0) % 2, 127, -128)
    noise = [generator.integers(-128, 128, shape) for _ in range(random)]
    images: NDArray[np.int8] = np.stack([*flat, board, *noise]).astype(np.int8)
    return images
