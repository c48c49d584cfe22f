"""Mistakes in layers with weights, planted with plain arithmetic: each is named, and every byte reproduced."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from edgemnist.runner import RuntimeWorker
from tests.compiler.layers import PADDING_SAME
from tests.compiler.model_builder import ModelBuilder
from tests.mismatch import plain
from tests.mismatch.faults import Given, Operator, Planted, check, operator
from tests.mismatch.plain import convolved, requantised
from tests.oracles import needs

pytestmark = needs("tflm")

INPUT, OUTPUT = (0.05, -7), (0.11, 9)
SCALES = (0.011, 0.004, 0.023, 0.0079)


def _factor(scale: float) -> float:
    return float(np.float32(INPUT[0])) * float(np.float32(scale)) / float(np.float32(OUTPUT[0]))


FACTORS = [_factor(scale) for scale in SCALES]
WEIGHTS = np.random.default_rng(1).integers(-127, 128, (4, 3, 3, 3))
BIAS = np.array([700, -4000, 70000, -900])
SHORT, LONG = 1.5 * 2.0**-22, 1.5 * 2.0**-22 * (1 + 2.0**-17)
"""A factor that 16 bits hold, and one that they do not."""

DILATED: dict[str, Any] = {"padding": PADDING_SAME, "dilation_h_factor": 2, "dilation_w_factor": 2}
SAME: dict[str, Any] = {"padding": PADDING_SAME, "stride_h": 2, "stride_w": 2}


@functools.cache
def convolution(activation: int = 0, dilation: int = 1) -> Operator:
    """A convolution with stride 2, whose border of SAME padding lies below and on the right only."""
    options: dict[str, Any] = (
        SAME if dilation == 1 else {"padding": PADDING_SAME, "dilation_h_factor": 2, "dilation_w_factor": 2}
    )
    size = 4 if dilation == 1 else 8
    given = [Given((1, 8, 8, 3), *INPUT), Given(data=WEIGHTS, scale=SCALES), _bias(BIAS, SCALES, INPUT[0])]
    return operator("CONV_2D", given, (1, size, size, 4), OUTPUT, fused_activation_function=activation, **options)


def _bias(values: Any, scales: Sequence[float], source: float) -> Given:
    return Given(data=values, scale=[source * scale for scale in scales], dtype="int32")


def _convolved(inputs: Sequence[Any], weights: Any = WEIGHTS, **changes: Any) -> Any:
    return convolved(inputs[0][:, 0], weights, (4, 4), **{"stride": 2, "zero_point": INPUT[1], **changes})


def _stored(scaled: Any, zero_point: int = OUTPUT[1], low: int = -128, high: int = 127) -> Any:
    return np.clip(scaled + zero_point, low, high)


def _sums(change: Callable[[Sequence[Any]], Any]) -> Callable[[Sequence[Any], Any], Any]:
    """Return outputs of other sums."""
    return lambda inputs, _: _stored(requantised(change(inputs), FACTORS))


def _bias_instead(bias: Any) -> Callable[[Sequence[Any], Any], Any]:
    return _sums(lambda inputs: _convolved(inputs) + bias)


def _weights_instead(weights: Any) -> Callable[[Sequence[Any], Any], Any]:
    return _sums(lambda inputs: _convolved(inputs, weights) + BIAS)


def _with(**changes: Any) -> Callable[[Sequence[Any], Any], Any]:
    return _sums(lambda inputs: _convolved(inputs, **changes) + BIAS)


def _ending(end: Callable[[Any], Any]) -> Callable[[Sequence[Any], Any], Any]:
    """Return outputs of other endings."""
    return lambda inputs, _: end(_convolved(inputs) + BIAS)


def _sixteen_bits(value: int, factor: float) -> int:
    mantissa, exponent = plain.fixed_point(factor)
    return plain.up(Fraction(value * plain.up(Fraction(mantissa, 2**16))) / Fraction(2) ** (15 - exponent))


def _shift_alone(value: int, factor: float) -> int:
    return plain.up(Fraction(value) * Fraction(2) ** round(math.log2(factor)))


def _factors(scales: Sequence[float]) -> Callable[[Sequence[Any], Any], Any]:
    others = [_factor(scale) for scale in scales]
    return _ending(lambda sums: _stored(requantised(sums, others)))


def _wrapped(values: Any) -> Any:
    return (values + 128) % 256 - 128


CONVOLUTIONS = [
    Planted("bias", "no bias", convolution, _bias_instead(0), "left out"),
    Planted("bias", "the bias of the channel before", convolution, _bias_instead(BIAS[[3, 0, 1, 2]]), "before"),
    Planted("bias", "a bias of 16 bits", convolution, _bias_instead(BIAS.astype(np.int16)), "16 bits"),
    Planted("order of the weights", "a kernel turned", convolution, _weights_instead(WEIGHTS[:, ::-1, ::-1])),
    Planted("order of the weights", "a kernel transposed", convolution,
            _weights_instead(WEIGHTS.transpose(0, 2, 1, 3)), "height and width"),
    Planted("order of the weights", "weights channels first", convolution,
            _weights_instead(WEIGHTS.reshape(4, 3, 3, 3).transpose(0, 2, 3, 1)), "channels first"),
    Planted("padding value", "a border of zeros", convolution, _with(fill=0), "0 instead of -7"),
    Planted("padding value", "a border of -128", convolution, _with(fill=-128)),
    Planted("offset of SAME padding", "the border above and left", convolution, _with(above=1, left=1)),
    Planted("input zero point", "no zero point of the input", convolution, _with(zero_point=0, fill=0)),
    Planted("signed as unsigned", "inputs as unsigned bytes", convolution,
            lambda inputs, _: _stored(requantised(
                _convolved([inputs[0].view(np.uint8).astype(np.int64)]) + BIAS, FACTORS)), "inputs"),
    Planted("16-bit sums", "sums of 16 bits", convolution,
            _sums(lambda inputs: (_convolved(inputs) + BIAS).astype(np.int16)), "lost"),
    Planted("output zero point", "no zero point of the output", convolution,
            _ending(lambda sums: _stored(requantised(sums, FACTORS), 0)), "0 instead of 9"),
    Planted("no saturation", "outputs that wrap round", convolution,
            _ending(lambda sums: _wrapped(requantised(3 * sums // 3, FACTORS) + OUTPUT[1]))),
    Planted("activation range", "no ReLU", lambda: convolution(1),
            _ending(lambda sums: _stored(requantised(sums, FACTORS))), "left out"),
    Planted("activation range", "a ReLU at the byte 0", lambda: convolution(1),
            _ending(lambda sums: _stored(requantised(sums, FACTORS), low=0)), "byte 0"),
    Planted("activation range", "a ReLU6 without its 6", lambda: convolution(3),
            _ending(lambda sums: _stored(requantised(sums, FACTORS), low=OUTPUT[1])), "upper limit"),
    Planted("dilation", "no dilation", lambda: convolution(0, 2),
            lambda inputs, _: _stored(requantised(convolved(
                inputs[0][:, 0], WEIGHTS, (8, 8), above=1, left=1, zero_point=-7) + BIAS, FACTORS))),
    Planted("per-tensor for per-channel", "the first scale for all", convolution, _factors(SCALES[:1])),
    Planted("scales of other channels", "the scale of the channel before", convolution,
            _factors((SCALES[3], *SCALES[:3])), "before"),
    Planted("truncation", "fractions cut off", convolution, _ending(lambda sums: _stored(
            requantised(sums, FACTORS, lambda value, factor: math.trunc(plain.single(value, factor)))))),
    Planted("no rounding before the shift", "nothing added before the shift", convolution,
            _ending(lambda sums: _stored(requantised(
                sums, FACTORS, lambda value, factor: math.floor(Fraction(value) * Fraction(factor)))))),
    Planted("factor as a power of two", "a shift alone", convolution,
            _ending(lambda sums: _stored(requantised(sums, FACTORS, _shift_alone)))),
]  # fmt: skip

TIES = 256


@functools.cache
def _biases(near: float) -> Any:
    """Sums around ties of a factor, where every rounding ends elsewhere."""
    generator = np.random.default_rng(2)
    ties = np.rint((generator.integers(-100, 100, TIES) + 0.5) / near).astype(np.int64)
    return ties + generator.integers(-40, 41, TIES)


@functools.cache
def near_ties(factor: float = 2.0**-22, near: float = 2.0**-22) -> Operator:
    """A dense layer whose outputs are its biases times a factor."""
    given = [Given((1, 4), 2.0**-10, 0), Given(data=np.zeros((TIES, 4)), scale=2.0**-10),
             Given(data=_biases(near), scale=2.0**-20, dtype="int32")]  # fmt: skip
    return operator("FULLY_CONNECTED", given, (1, TIES), (2.0**-20 / factor, 0))


def _near(rounding: plain.Rounding, factor: float = 2.0**-22, near: float = 2.0**-22) -> Any:
    scaled = requantised(_biases(near), [factor], rounding)
    return np.tile(np.clip(scaled, -128, 127), (5, 1)).reshape(5, 1, TIES)


ROUNDINGS = [
    Planted("16-bit factor", "a factor of 16 bits", lambda: near_ties(LONG, SHORT),
            lambda *_: _near(_sixteen_bits, 2.0**-20 / float(np.float32(2.0**-20 / LONG)), SHORT)),
    Planted("single rounding", "one rounding", near_ties, lambda *_: _near(plain.once)),
    Planted("double rounding, ties up", "two roundings up", near_ties, lambda *_: _near(plain.twice_up)),
    Planted("float requantisation", "floats, halves to even", near_ties,
            lambda *_: _near(lambda value, factor: plain.even(plain.single(value, factor)))),
    Planted("float requantisation, halves away from zero", "floats, halves away from zero", near_ties,
            lambda *_: _near(lambda value, factor: plain.away(plain.single(value, factor)))),
    Planted("requantisation in double precision", "double precision", near_ties,
            lambda *_: _near(lambda value, factor: plain.away(Fraction(value) * Fraction(factor)))),
]  # fmt: skip

DEPTHWISE = np.random.default_rng(3).integers(-127, 128, (3, 3, 4))


@functools.cache
def depthwise() -> Operator:
    """A depthwise convolution."""
    given = [Given((1, 6, 5, 4), *INPUT), Given(data=DEPTHWISE[None], scale=0.02), _bias(BIAS, [0.02] * 4, INPUT[0])]
    return operator("DEPTHWISE_CONV_2D", given, (1, 6, 5, 4), OUTPUT, depth_multiplier=1, padding=PADDING_SAME)


def _depthwise(weights: Any, bias: Any = BIAS) -> Callable[[Sequence[Any], Any], Any]:
    factor = _factor(0.02)

    def found(inputs: Sequence[Any], _: Any) -> Any:
        sums = convolved(inputs[0][:, 0], weights, (6, 5), above=1, left=1, zero_point=-7, depthwise=True)
        return _stored(requantised(sums + bias, [factor]))

    return found


DENSE = np.random.default_rng(4).integers(-127, 128, (10, 36))


@functools.cache
def flattened() -> Operator:
    """A dense layer behind the RESHAPE of an image of 3 by 4 pixels and 3 channels."""
    builder = ModelBuilder()
    image, shape = builder.input((1, 3, 4, 3), *INPUT), builder.constant([1, 36], dtype="int32")
    flat = builder.op("RESHAPE", [image, shape], (1, 36), *INPUT, new_shape=[1, 36])
    weights = builder.constant(DENSE, 0.01)
    return Operator(builder.finish([builder.op("FULLY_CONNECTED", [flat, weights, -1], (1, 10), 0.3, 4)]), 1)


def _dense(images: Any) -> Any:
    sums = (images.reshape(len(images), 36).astype(np.int64) - INPUT[1]) @ DENSE.T
    factor = float(np.float32(INPUT[0])) * float(np.float32(0.01)) / float(np.float32(0.3))
    return _stored(requantised(sums, [factor], plain.twice), 4)


LAYERS = [
    Planted("bias", "no bias of a depthwise layer", depthwise, _depthwise(DEPTHWISE, 0), "left out"),
    Planted("order of the weights", "depthwise weights channels first", depthwise,
            _depthwise(DEPTHWISE.reshape(4, 3, 3).transpose(1, 2, 0)), "channels first"),
    Planted("order of a flattened image", "a dense layer that takes its image for NCHW", flattened,
            lambda inputs, _: _dense(inputs[0].reshape(5, 3, 12).transpose(0, 2, 1)), "lay channel by channel"),
    Planted("order of a flattened image", "an image flattened channel by channel", flattened,
            lambda inputs, _: _dense(inputs[0][:, 0].transpose(0, 3, 1, 2)), "channel by channel (NCHW)"),
    Planted("order of the weights", "a depthwise kernel upside down", depthwise, _depthwise(DEPTHWISE[::-1])),
]  # fmt: skip

TABLE = [*CONVOLUTIONS, *ROUNDINGS, *LAYERS]


@pytest.mark.parametrize("planted", TABLE, ids=str)
def test_a_planted_mistake_is_named(planted: Planted, tflm: RuntimeWorker) -> None:
    check(planted, tflm)
