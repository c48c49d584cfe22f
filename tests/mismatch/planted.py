"""A net, and runtimes with one fault each: TFLM's operators one after the other, the answer of one of them changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.one_operator import OneOperator, one_operator
from edgemnist.mismatch.sources import Fed, Source, Tensors
from edgemnist.runner.client import RuntimeWorker
from edgemnist.support.errors import EdgeMnistError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from tests.compiler.model_builder import ModelBuilder

CONV, DEPTHWISE, POINTWISE, POOL, FLAT, DENSE, SOFTMAX = range(7)
"""The operators of the net."""

SAME, VALID = 0, 1
RELU, RELU6 = 1, 3
INPUT, HIDDEN = (1, 12, 12, 3), (1, 6, 6, 8)


def net() -> TfliteModel:
    """Return a net of seven operators whose tensors use their ranges; inputs are 12 x 12 x 3, of 4 classes."""
    draw, builder = np.random.default_rng(5), ModelBuilder()

    def weights(*shape: int) -> NDArray[np.int8]:
        return draw.integers(-127, 128, shape).astype(np.int8)

    def scales(count: int, about: float) -> list[float]:
        return [float(np.float32(one)) for one in draw.uniform(0.4, 1.6, count) * about]

    def bias(input_scale: float, of: Sequence[float], reach: int) -> int:
        values = draw.integers(-reach, reach, len(of)) + 300
        return builder.constant(values, [input_scale * one for one in of], dtype="int32")

    image = builder.input(INPUT, scale=0.02, zero_point=-5)
    first, second, third, fourth = scales(8, 0.004), scales(8, 0.004), scales(8, 0.01), scales(4, 0.003)
    conv = builder.op(
        "CONV_2D",
        [image, builder.constant(weights(8, 3, 3, 3), first), bias(0.02, first, 4000)],
        HIDDEN, 0.03, -20, padding=SAME, stride_h=2, stride_w=2, fused_activation_function=RELU,
    )  # fmt: skip
    depthwise = builder.op(
        "DEPTHWISE_CONV_2D",
        [conv, builder.constant(weights(1, 3, 3, 8), second, axis=3), bias(0.03, second, 3000)],
        HIDDEN, 0.03, 7, padding=SAME, stride_h=1, stride_w=1, depth_multiplier=1,
    )  # fmt: skip
    pointwise = builder.op(
        "CONV_2D",
        [depthwise, builder.constant(weights(8, 1, 1, 8), third), bias(0.03, third, 3000)],
        HIDDEN, 0.06, -30, padding=SAME, stride_h=1, stride_w=1, fused_activation_function=RELU6,
    )  # fmt: skip
    pool = builder.op(
        "MAX_POOL_2D", [pointwise], (1, 3, 3, 8), 0.06, -30,
        padding=VALID, stride_h=2, stride_w=2, filter_height=2, filter_width=2,
    )  # fmt: skip
    shape = builder.constant([1, 72], dtype="int32")
    flat = builder.op("RESHAPE", [pool, shape], (1, 72), 0.06, -30, new_shape=[1, 72])
    dense = builder.op(
        "FULLY_CONNECTED",
        [flat, builder.constant(weights(4, 72), fourth), bias(0.06, fourth, 3000)],
        (1, 4), 0.2, 3,
    )  # fmt: skip
    softmax = builder.op("SOFTMAX", [dense], (1, 4), 1 / 256, -128, beta=1.0)
    return parse_tflite(builder.finish([softmax]))


@dataclass(frozen=True, eq=False)
class Call:
    """What a fault is given of a call, for one image: the operator's inputs, the right answer, and the one before."""

    inputs: tuple[NDArray[Any], ...]
    right: NDArray[np.int8]
    before: NDArray[np.int8]


Fault = Callable[[Call], NDArray[Any]]


class FaultyRuntime(Source):
    """TFLM's operators, that at ``index`` with a fault.

    ``shows``: whether its operators can be asked for alone, as those of a runtime here; a device's can't.
    """

    def __init__(self, model: TfliteModel, worker: RuntimeWorker, index: int, fault: Fault, *, shows: bool) -> None:
        self.name = "faulty"
        self.asks = shows
        self._model, self._worker, self._index, self._fault = model, worker, index, fault

    def trace(self, model: TfliteModel, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """Return every operator's output."""
        values: dict[int, NDArray[Any]] = dict(zip(model.inputs, inputs, strict=True))
        for operator in model.operators:
            cut = one_operator(model, operator.index)
            values[operator.outputs[0]] = self._run(cut, [values[index] for index in cut.inputs])
        return values

    def alone(self, fed: Sequence[Fed]) -> list[list[NDArray[Any]] | EdgeMnistError]:
        """Return the operators' outputs."""
        assert self.asks
        return [[self._run(one.operator, one.inputs)] for one in fed]

    def _run(self, operator: OneOperator, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
        right = self._worker.invoke(operator.content, inputs)[0]
        if operator.index != self._index:
            return right
        before = np.concatenate([np.zeros_like(right[:1]), right[:-1]])
        rows = zip(zip(*inputs, strict=True), right, before, strict=True)
        return np.stack([self._fault(Call(given, one, last)).astype(np.int8) for given, one, last in rows])


class OnlyOutputs(FaultyRuntime):
    """The same, of which only the model's outputs can be seen."""

    def trace(self, model: TfliteModel, inputs: Sequence[NDArray[Any]], first: int) -> Tensors:
        """Return the model's outputs."""
        found = super().trace(model, inputs, first)
        return {index: found[index] for index in model.outputs}


# --- a layer written out once more, in the plainest way, with places where a fault goes -------------------------------


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A layer of the net in plain numpy; each field is right by default, a fault is another."""

    model: TfliteModel
    index: int
    weights: Callable[[NDArray[Any]], NDArray[Any]] = lambda one: one
    bias: Callable[[NDArray[Any]], NDArray[Any]] = lambda one: one
    scales: Callable[[NDArray[Any]], NDArray[Any]] = lambda one: one
    image: Callable[[NDArray[Any]], NDArray[Any]] = lambda one: one
    input_zero_point: int | None = None
    output_zero_point: int | None = None
    border: int | None = None
    before_border: bool = False
    limits: tuple[int, int] | None = None
    whole: Callable[[NDArray[Any]], NDArray[Any]] | None = None
    sums: Callable[[NDArray[Any]], NDArray[Any]] = lambda one: one
    store: Callable[[NDArray[Any]], NDArray[Any]] = lambda one: np.clip(one, -128, 127)

    def __call__(self, call: Call) -> NDArray[Any]:
        """Return the layer's outputs for one image."""
        operator = self.model.operators[self.index]
        source, kernel, added = (self.model.tensors[index] for index in operator.inputs)
        target = self.model.tensors[operator.outputs[0]]
        assert source.quantisation and kernel.quantisation and target.quantisation
        assert kernel.data is not None and added.data is not None
        own = source.quantisation.zero_point
        taken = own if self.input_zero_point is None else self.input_zero_point
        sums = self._sums(
            self.image(call.inputs[0].astype(np.int64)), self.weights(kernel.data.astype(np.int64)), taken, own
        )
        sums = self.sums(sums + self.bias(added.data.astype(np.int64)))
        scales = self.scales(np.array(kernel.quantisation.scales))
        real = sums * (source.quantisation.scale * scales / target.quantisation.scale)
        whole = (
            self.whole(real)
            if self.whole
            else _twice(sums, source.quantisation.scale * scales / target.quantisation.scale)
        )
        zero = target.quantisation.zero_point if self.output_zero_point is None else self.output_zero_point
        low, high = self.limits or self._limits(target.quantisation.scale, target.quantisation.zero_point)
        values = whole + zero
        if self.store(np.array([300]))[0] == 127:
            values = np.clip(values, low, high)
        outputs: NDArray[Any] = self.store(values).reshape(call.right.shape)
        return outputs

    def _limits(self, scale: float, zero_point: int) -> tuple[int, int]:
        activation = self.model.operators[self.index].integer("fused_activation_function")
        low = zero_point if activation in (RELU, RELU6) else -128
        return low, min(127, zero_point + round(6 / scale)) if activation == RELU6 else 127

    def _sums(self, image: NDArray[Any], weights: NDArray[Any], zero_point: int, fill: int) -> NDArray[Any]:
        if self.index == DENSE:
            products: NDArray[Any] = (image.reshape(-1) - zero_point) @ weights.reshape(4, -1).T
            return products
        border = fill if self.border is None else self.border
        height, width = weights.shape[1:3]
        stride = self.model.operators[self.index].integer("stride_h")
        size = image.shape[1]
        total = max((-(-size // stride) - 1) * stride + height - size, 0)
        first = total - total // 2 if self.before_border else total // 2
        padded = np.pad(image[0], ((first, total - first), (first, total - first), (0, 0)), constant_values=border)
        out = np.zeros((-(-size // stride), -(-size // stride), 8), np.int64)
        for y, x in np.ndindex(out.shape[:2]):
            window = padded[y * stride : y * stride + height, x * stride : x * stride + width] - zero_point
            if self.index == DEPTHWISE:
                out[y, x] = (window * weights[0]).sum(axis=(0, 1))
            else:
                out[y, x] = (window[None] * weights).sum(axis=(1, 2, 3))
        return out


def _twice(sums: NDArray[Any], factors: NDArray[Any]) -> NDArray[Any]:
    """Return sums times factors rounded twice, in Python's whole numbers."""
    result = np.empty(sums.shape, np.int64)
    for place in np.ndindex(sums.shape):
        factor = float(factors[place[-1]] if len(factors) > 1 else factors[0])
        fraction, exponent = np.frexp(factor)
        mantissa, shift = int(np.floor(fraction * 2**31 + 0.5)), -int(exponent)
        high = (int(sums[place]) * mantissa + (1 << 30)) >> 31
        down = (abs(high) + (1 << (shift - 1))) >> shift if shift else abs(high)
        result[place] = down if high >= 0 else -down
    return result
