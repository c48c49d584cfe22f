"""Operators with int16 activations: the oracle's bytes in plain arithmetic, mistakes that are named, real runtimes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from edgemnist.mismatch.arithmetics import arithmetic_of
from edgemnist.runner import RuntimeWorker, runtime_worker
from tests.compiler.layers import PADDING_SAME, PADDING_VALID
from tests.mismatch import plain
from tests.mismatch.faults import Given, Operator, Planted, case_of, check, images, named, operator
from tests.mismatch.plain import convolved, requantised
from tests.oracles import needs

pytestmark = needs("tflm")

INPUT, SECOND, OUTPUT = 0.0003, 0.00021, 0.0007
SCALES = (0.011, 0.004, 0.0023, 0.0079)
LOW, HIGH = -32768, 32767
SHAPE = (1, 6, 5, 4)
Found = Callable[[Sequence[Any], Any], Any]

WEIGHTS = np.random.default_rng(1).integers(-127, 128, (4, 3, 3, 4))
BIAS = np.array([70_000, -400_000, 9_000_000, -90_000])
DENSE = np.random.default_rng(2).integers(-127, 128, (4, 120))


def _single(value: float) -> float:
    return float(np.float32(value))


def _factors(target: float) -> list[float]:
    return [_single(INPUT) * _single(scale) / _single(target) for scale in SCALES]


def _reduced(value: int, factor: float) -> int:
    """Round once, by 16 bits of the multiplier, as TFLM does with sums of 64 bits."""
    mantissa, exponent = plain.fixed_point(factor)
    return plain.up(Fraction(value * min((mantissa + 2**15) >> 16, 2**15 - 1)) / Fraction(2) ** (15 - exponent))


def _stored(values: Any) -> Any:
    return np.clip(values, LOW, HIGH)


@functools.cache
def convolution(bias: str = "int64", activation: int = 0) -> Operator:
    biases = Given(data=BIAS, scale=[INPUT * scale for scale in SCALES], dtype=bias)
    given = [Given(SHAPE, INPUT, dtype="int16"), Given(data=WEIGHTS, scale=SCALES), biases]
    return operator("CONV_2D", given, SHAPE, (0.002, 0), "int16", version=4, padding=PADDING_SAME,
                    fused_activation_function=activation)  # fmt: skip


@functools.cache
def dense(biased: bool = True) -> Operator:
    biases = Given(data=BIAS, scale=INPUT * 0.004, dtype="int64") if biased else None
    given = [Given((1, 120), INPUT, dtype="int16"), Given(data=DENSE, scale=0.004), biases]
    return operator("FULLY_CONNECTED", given, (1, 4), (0.003, 0), "int16", version=7, quantized_bias_type=4)


@functools.cache
def large() -> Operator:
    """A dense layer whose sums do not fit 32 bits."""
    weights = np.full((4, 2000), 127) * np.array([[1], [-1], [1], [-1]])
    given = [Given((1, 2000), INPUT, dtype="int16"), Given(data=weights, scale=0.01),
             Given(data=BIAS, scale=INPUT * 0.01, dtype="int64")]  # fmt: skip
    return operator("FULLY_CONNECTED", given, (1, 4), (0.9, 0), "int16", version=7)


@functools.cache
def pair(kind: str, target: float = OUTPUT) -> Operator:
    given = [Given(SHAPE, INPUT, dtype="int16"), Given(SHAPE, SECOND, dtype="int16")]
    options = {} if kind == "MUL" else {"pot_scale_int16": False}
    return operator(kind, given, SHAPE, (target, 0), "int16",
                    version=4 if kind == "MUL" else 2, **options)  # fmt: skip


@functools.cache
def one(kind: str, target: float, shape: tuple[int, ...] = SHAPE, **options: Any) -> Operator:
    extra = [Given(data=np.array([1, 2]), dtype="int32")] if kind == "MEAN" else []
    version = 3 if kind.endswith("POOL_2D") else 2
    return operator(kind, [Given(SHAPE, INPUT, dtype="int16"), *extra], shape, (target, 0), "int16", version, **options)


POOL = {"filter_height": 2, "filter_width": 2, "stride_h": 2, "stride_w": 2, "padding": PADDING_VALID}

EXACT: dict[str, Callable[[], Operator]] = {
    "CONV_2D": convolution, "CONV_2D with a bias of 32 bits": lambda: convolution("int32"), "FULLY_CONNECTED": dense,
    "FULLY_CONNECTED without a bias": lambda: dense(biased=False),
    "CONV_2D with ReLU6": lambda: convolution(activation=3), "large sums": large,
    "ADD": lambda: pair("ADD"), "SUB": lambda: pair("SUB"), "MUL": lambda: pair("MUL", 0.002),
    "RELU": lambda: one("RELU", 0.0002), "LEAKY_RELU": lambda: one("LEAKY_RELU", 0.0002, alpha=0.3),
    "QUANTIZE": lambda: one("QUANTIZE", 0.00017), "MEAN": lambda: one("MEAN", 0.0001, (1, 4)),
    "AVERAGE_POOL_2D": lambda: one("AVERAGE_POOL_2D", INPUT, (1, 3, 2, 4), **POOL),
    "MAX_POOL_2D": lambda: one("MAX_POOL_2D", INPUT, (1, 3, 2, 4), **POOL),
}  # fmt: skip


@pytest.mark.parametrize("what", EXACT)
def test_the_arithmetic_is_the_oracles(what: str, tflm: RuntimeWorker) -> None:
    made = EXACT[what]()
    inputs = images(made, low=LOW, high=HIGH)
    oracle = tflm.invoke(made.content, inputs)[0]
    assert len(np.unique(oracle)) > 8
    case = case_of(made, inputs, oracle, oracle)
    arithmetic = arithmetic_of(case)
    assert arithmetic is not None
    np.testing.assert_array_equal(case.stored(arithmetic.outputs()), oracle)


@functools.cache
def near_ties() -> Operator:
    """A dense layer whose outputs are its biases times a factor, near ties, where every rounding ends elsewhere."""
    weights = Given(data=np.zeros((NEAR.size, 4)), scale=2.0**-10)
    bias = Given(data=NEAR, scale=2.0**-20, dtype="int64")
    given = [Given((1, 4), 2.0**-10, dtype="int16"), weights, bias]
    return operator("FULLY_CONNECTED", given, (1, NEAR.size), (2.0**-20 / FACTOR, 0), "int16", version=7)


FACTOR = 2.0**-20 / float(np.float32(2.0**-20 / 0.0385803))
NEAR = np.rint((np.random.default_rng(3).integers(-30_000, 30_000, 600) + 0.5) / FACTOR).astype(np.int64)


def _convolved(inputs: Sequence[Any], weights: Any = WEIGHTS) -> Any:
    return convolved(inputs[0][:, 0].astype(np.int64), weights, SHAPE[1:3], above=1, left=1)


def _conv(bias: Any = BIAS, rounding: plain.Rounding = _reduced, weights: Any = WEIGHTS) -> Found:
    return lambda inputs, _: _stored(requantised(_convolved(inputs, weights) + bias, _factors(0.002), rounding))


def _dense(rounding: plain.Rounding, swapped: bool = False) -> Found:
    def found(inputs: Sequence[Any], _: Any) -> Any:
        values = inputs[0].byteswap() if swapped else inputs[0]
        factor = _single(INPUT) * _single(0.004) / _single(0.003)
        return _stored(requantised(values[:, 0].astype(np.int64) @ DENSE.T + BIAS, [factor], rounding))

    return found


def _wrapped_sums(inputs: Sequence[Any], _: Any) -> Any:
    weights = np.full((4, 2000), 127) * np.array([[1], [-1], [1], [-1]])
    sums = (inputs[0][:, 0].astype(np.int64) @ weights.T + BIAS).astype(np.int32)
    return _stored(requantised(sums, [_single(INPUT) * _single(0.01) / _single(0.9)], _reduced))


def _sum(shift: int) -> Found:
    """Return the sum of both operands, each shifted up in 32 bits."""

    def found(inputs: Sequence[Any], _: Any) -> Any:
        twice = 2 * max(_single(INPUT), _single(SECOND))
        parts = [
            requantised((values.astype(np.int64) << shift).astype(np.int32), [_single(scale) / twice])
            for values, scale in zip(inputs, (INPUT, SECOND), strict=True)
        ]
        return _stored(requantised(parts[0] + parts[1], [twice / (2**shift * _single(OUTPUT))]))

    return found


def _product(rounding: plain.Rounding) -> Found:
    factor = _single(INPUT) * _single(SECOND) / _single(0.002)
    return lambda inputs, _: _stored(
        requantised(inputs[0].astype(np.int64) * inputs[1].astype(np.int64), [factor], rounding)
    )


Whole = functools.partial(Planted, low=LOW, high=HIGH)

WORDS = np.frombuffer(BIAS.astype("<i8").tobytes(), "<i4")[:4]

MISTAKES = [
    Whole("truncation", "a dense layer cut off", dense,
            _dense(lambda value, factor: int(plain.single(value, factor)))),
    Whole("32-bit factor, rounded twice", "a dense layer as in int8", near_ties,
          lambda inputs, _: np.tile(requantised(NEAR, [FACTOR], plain.twice), (len(inputs[0]), 1))),
    Whole("bias", "no bias", convolution, _conv(0), "left out"),
    Whole("bias", "64-bit words read as 32-bit ones", convolution, _conv(WORDS), "read as 32-bit"),
    Whole("order of the weights", "a kernel turned", convolution, _conv(weights=WEIGHTS[:, ::-1, ::-1])),
    Whole("16-bit factor", "16 bits of the factor with a bias of 32 bits", lambda: convolution("int32"), _conv()),
    Whole("32-bit sums", "sums of 32 bits", large, _wrapped_sums, "lost", low=20_000),
    Whole("byte order", "an input of the other byte order", dense, _dense(_reduced, swapped=True), "of its input"),
    Whole("byte order", "an output of the other byte order", lambda: pair("MUL", 0.002),
            lambda _, oracle: oracle.byteswap(), "of its output"),
    Whole("shift of an addition", "an addition shifted as in int8", lambda: pair("ADD"), _sum(20), "20 bits"),
    Whole("truncation", "a product cut off", lambda: pair("MUL", 0.002),
            _product(lambda value, factor: int(plain.single(value, factor)))),
    Whole("activation range", "no ReLU6", lambda: convolution(activation=3), _conv(), "left out"),
    Whole("no saturation", "sums that wrap round", lambda: pair("ADD", 0.0003), lambda inputs, _: _unlimited(inputs)),
]  # fmt: skip


def _unlimited(inputs: Sequence[Any]) -> Any:
    twice = 2 * max(_single(INPUT), _single(SECOND))
    parts = [
        requantised(values.astype(np.int64) << 15, [_single(scale) / twice])
        for values, scale in zip(inputs, (INPUT, SECOND), strict=True)
    ]
    scaled = requantised(parts[0] + parts[1], [twice / (2**15 * _single(0.0003))])
    return scaled.astype(np.int16)


@pytest.mark.parametrize("planted", MISTAKES, ids=str)
def test_a_planted_mistake_is_named(planted: Planted, tflm: RuntimeWorker) -> None:
    check(planted, tflm)


@pytest.mark.parametrize(
    ("name", "biased", "rule"),
    [
        ("litert-reference", True, "requantisation in double precision"),
        ("tflite-runtime-reference", False, "factor in single precision and 32-bit factor, rounded twice"),
    ],
)
@needs("litert-reference", "tflite-runtime-reference")
def test_runtimes_keep_all_of_the_factor_in_a_dense_layer(
    name: str, biased: bool, rule: str, tflm: RuntimeWorker
) -> None:
    made = dense(biased=biased)
    inputs = images(made, 2000, low=LOW, high=HIGH)
    with runtime_worker(name) as worker:
        found = worker.invoke(made.content, inputs)[0]
    naming = named(made, inputs, tflm.invoke(made.content, inputs)[0], found)
    assert naming is not None
    assert naming.exact
    assert rule in (naming.rule, *naming.also)
