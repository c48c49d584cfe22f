"""SOFTMAX and LOG_SOFTMAX: exact over depths, scales and betas; refused where fixed point has no answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler.ops.exponential import exp_of_minus
from edgemnist.compiler.ops.logarithm import log_of
from edgemnist.runner import RuntimeWorker
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_reference_exact, assert_refused


def softmax_model(
    shape: tuple[int, ...], scale: float, beta: float = 1.0, out_scale: float = 1 / 256, out_zero_point: int = -128
) -> bytes:
    builder = ModelBuilder()
    image = builder.input(shape, scale, 5)
    return builder.finish([builder.op("SOFTMAX", [image], shape, out_scale, out_zero_point, beta=beta)])


def log_softmax_model(shape: tuple[int, ...], scale: float, output: tuple[float, int] = (1 / 16, 127)) -> bytes:
    builder = ModelBuilder()
    image = builder.input(shape, scale, 5)
    return builder.finish([builder.op("LOG_SOFTMAX", [image], shape, *output)])


def wide_softmax_model(
    shape: tuple[int, ...], scale: float, behind: str = "", output: tuple[float, int] = (1 / 65536, -32768)
) -> bytes:
    """Return a SOFTMAX to int16 and, ``behind`` it, one that brings that to another type."""
    builder = ModelBuilder()
    wide = builder.op("SOFTMAX", [builder.input(shape, scale, 5)], shape, *output, dtype="int16", beta=1.0)
    if not behind:
        return builder.finish([wide])
    if behind == "float32":
        return builder.finish([builder.op("DEQUANTIZE", [wide], shape, dtype=behind)])
    quantised = {"int32": (1 / 32768, 0), "int8": (1 / 256, -128)}[behind]
    return builder.finish([builder.op("QUANTIZE", [wide], shape, *quantised, dtype=behind)])


WIDE = {
    "usual": wide_softmax_model((1, 10), 0.15),
    "a scale as files have it": wide_softmax_model((1, 2), 0.07, "int32", (1 / 65535, -32768)),
    "one class": wide_softmax_model((1, 1), 0.1),
    "only the maximum counts": wide_softmax_model((1, 7), 40.0),
    "the largest sum that TFLM takes": wide_softmax_model((1, 511), 0.0001),
    "every pixel": wide_softmax_model((1, 3, 4, 5), 0.05),
    "to int8": wide_softmax_model((1, 3, 5), 0.1, "int8"),
    "to float32": wide_softmax_model((1, 3, 5), 0.1, "float32"),
}


def test_int16_is_exact(tflm: RuntimeWorker) -> None:
    assert_exact(WIDE, tflm, None)  # the witness computes it in floats


def test_int16_is_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(WIDE, tflm)


TABLE = {
    "usual": softmax_model((1, 10), 0.15),
    "one class": softmax_model((1, 1), 0.1),
    "every difference counts as zero": softmax_model((1, 7), 1e-7),
    "only the maximum counts": softmax_model((1, 7), 40.0),
    "the multiplier is capped": softmax_model((1, 7), 1e6),
    "the largest sum that TFLM takes": softmax_model((1, 511), 0.0001),
    "low beta": softmax_model((1, 10), 0.2, 0.3),
    "every pixel": softmax_model((1, 3, 4, 5), 0.05, 2.0),
    "log": log_softmax_model((1, 10), 0.15),
    "log, one class": log_softmax_model((1, 1), 0.1),
    "log, every difference counts as zero": log_softmax_model((1, 7), 1e-7),
    "log, only the maximum counts": log_softmax_model((1, 7), 40.0),
    "log, the multiplier is capped": log_softmax_model((1, 7), 1e6),
    "log, as many classes as a sum can hold": log_softmax_model((1, 4095), 0.0001),
    "log, every pixel": log_softmax_model((1, 3, 4, 5), 0.05),
}


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, witness)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLE, tflm)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(depth=st.integers(1, 300), log_scale=st.floats(-7, 7), beta=st.floats(0.125, 16.0))
def test_reference_exact_everywhere(tflm: RuntimeWorker, depth: int, log_scale: float, beta: float) -> None:
    assert_reference_exact(softmax_model((1, depth), 10.0**log_scale, beta), tflm)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(depth=st.integers(1, 300), log_scale=st.floats(-7, 7))
def test_log_softmax_exact_everywhere(tflm: RuntimeWorker, depth: int, log_scale: float) -> None:
    assert_reference_exact(log_softmax_model((1, depth), 10.0**log_scale), tflm)


def test_log_is_right_to_one_part_in_ten_million() -> None:
    values = np.arange(1 << 19, 1 << 31, 99_991, dtype=np.int64)

    np.testing.assert_allclose(log_of(values, 12) / 2**26, np.log(values / 2**19), atol=1e-7)


def test_exp_is_right_to_one_part_in_a_million() -> None:
    magnitudes = np.arange(0, 1 << 31, 99_991, dtype=np.int64)

    np.testing.assert_allclose(exp_of_minus(magnitudes, 5) / 2**31, np.exp(-magnitudes / 2**26), atol=1e-6)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (softmax_model((1, 10), 0.1, out_scale=1 / 255), "needed are 1/256 and -128"),
        (softmax_model((1, 10), 0.1, out_zero_point=0), "needed are 1/256 and -128"),
        (softmax_model((1, 5000), 0.1), "allowed are 4095"),
        (softmax_model((1, 10), 1e-9), "too small for fixed point"),
        (softmax_model((1, 10), 0.1, beta=0.0), "too small for fixed point"),
        (wide_softmax_model((1, 10), 0.1, output=(1 / 65400, -32768)), "needed are 1/65536 and -32768"),
        (wide_softmax_model((1, 10), 0.1, output=(1 / 65536, 0)), "needed are 1/65536 and -32768"),
        (log_softmax_model((1, 10), 0.1, (1 / 15, 127)), "needed are 1/16 and 127"),
        (log_softmax_model((1, 10), 0.1, (1 / 16, 0)), "needed are 1/16 and 127"),
        (log_softmax_model((1, 5000), 0.1), "allowed are 4095"),
        (log_softmax_model((1, 10), 1e-9), "too small for fixed point"),
    ],
)
def test_refused(content: bytes, reason: str) -> None:
    assert_refused(content, reason)
