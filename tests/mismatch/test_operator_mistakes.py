"""Mistakes in operators without weights, planted with plain arithmetic: each is named, every byte reproduced."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from edgemnist.runner import RuntimeWorker
from tests.mismatch import plain
from tests.mismatch.faults import Given, Operator, Planted, check, operator
from tests.mismatch.plain import requantised
from tests.oracles import needs

pytestmark = needs("tflm")

SHAPE = (1, 6, 5, 4)
A, B, OUT = (0.05, -7), (0.031, 12), (0.083, 5)
Found = Callable[[Sequence[Any], Any], Any]


def _away(values: Any) -> Any:
    return np.copysign(np.floor(np.abs(values) + np.float32(0.5)), values)


def _factor(first: float, second: float, output: float) -> float:
    return float(np.float32(first)) * float(np.float32(second)) / float(np.float32(output))


def _whole(inputs: Sequence[Any], position: int = 0) -> Any:
    return inputs[position].astype(np.int64)


def _stored(values: Any) -> Any:
    return np.clip(values, -128, 127)


@functools.cache
def pair(kind: str, target: tuple[float, int] = OUT, activation: int = 0) -> Operator:
    """ADD, SUB or MUL of two inputs with scales of their own."""
    given = [Given(SHAPE, *A), Given(SHAPE, *B)]
    return operator(kind, given, SHAPE, target, fused_activation_function=activation)


def _product(first: int = A[1], second: int = B[1], rounding: plain.Rounding | None = None) -> Found:
    factor = _factor(A[0], B[0], 3.0)
    return lambda inputs, _: _stored(
        requantised((_whole(inputs) - first) * (_whole(inputs, 1) - second), [factor], rounding) + OUT[1]
    )


def _added(one: Callable[[Any], Any], other: Callable[[Any], Any], rounded: Callable[[Any], Any] = np.rint) -> Found:
    """Return the sum of both operands, each without its zero point and as a function makes it."""
    return lambda inputs, _: _stored(
        rounded(one(_whole(inputs) - A[1]) + other(_whole(inputs, 1) - B[1])).astype(np.int64) + OUT[1]
    )


def _times(scale: float) -> Callable[[Any], Any]:
    return lambda values: requantised(values, [_factor(scale, 1.0, OUT[0])])


def _as_floats(values: Any, scale: float) -> Any:
    return values.astype(np.float32) * (np.float32(scale) / np.float32(OUT[0]))


def _float_added(rounded: Callable[[Any], Any]) -> Found:
    return _added(lambda values: _as_floats(values, A[0]), lambda values: _as_floats(values, B[0]), rounded)


PRODUCT = functools.partial(pair, "MUL", (3.0, OUT[1]))
ADD, SUB = functools.partial(pair, "ADD"), functools.partial(pair, "SUB")

PAIRS = [
    Planted("input zero point", "a product without zero points", PRODUCT, _product(0, 0), "0 for both"),
    Planted("input zero point", "a product without the second zero point", PRODUCT, _product(second=0), "input 1"),
    Planted("truncation", "a product cut off", PRODUCT, _product(
        rounding=lambda value, factor: int(plain.single(value, factor)))),
    Planted("scales of an addition", "bytes added as they are", ADD,
            lambda inputs, _: _stored(_whole(inputs) + _whole(inputs, 1)), "as they are"),
    Planted("scales of an addition", "both scaled as the first", ADD, lambda inputs, _: _stored(
            _times(A[0])(_whole(inputs) - A[1] + _whole(inputs, 1) - B[1]) + OUT[1]), "as the first"),
    Planted("scales of an addition", "only the first scaled", ADD, _added(_times(A[0]), lambda values: values),
            "only the first"),
    Planted("scales of an addition", "a difference the other way round", SUB,
            lambda inputs, oracle: _stored(2 * OUT[1] - oracle.astype(np.int64)), "less the first",
            low=-60, high=60),
    Planted("addition in floating point", "a sum cut off", ADD, _float_added(np.trunc), "cut off"),
    Planted("addition in floating point", "a sum rounded down", ADD, _float_added(np.floor), "down"),
    Planted("activation range", "an addition without its ReLU", lambda: pair("ADD", OUT, 1),
            lambda inputs, _: _sum(inputs), "left out"),
]  # fmt: skip


def _sum(inputs: Sequence[Any]) -> Any:
    """Return the oracle's sum without an activation, plainly."""
    twice = 2 * max(float(np.float32(A[0])), float(np.float32(B[0])))
    parts = [
        requantised((_whole(inputs, position) - zero_point) << 20, [_factor(scale, 1.0, 1.0) / twice])
        for position, (scale, zero_point) in enumerate((A, B))
    ]
    scaled = requantised(parts[0] + parts[1], [twice / (2**20 * float(np.float32(OUT[0])))])
    return _stored(scaled + OUT[1])


@functools.cache
def one(kind: str, target: Any = OUT, shape: tuple[int, ...] = SHAPE, output: tuple[int, ...] = SHAPE,
        extra: Any = None, **options: Any) -> Operator:  # fmt: skip
    """An operator of one input; ``extra``: whole numbers of a second, constant one."""
    more = [] if extra is None else [Given(data=np.array(extra), dtype="int32")]
    return operator(kind, [Given(shape, *A), *more], output, target, **options)


MEAN = functools.partial(one, "MEAN", output=(1, 4), extra=(1, 2))
LEAKY = functools.partial(one, "LEAKY_RELU", alpha=0.3)
AVERAGE = functools.partial(one, "AVERAGE_POOL_2D", A, output=SHAPE, filter_height=3, filter_width=3)
LARGEST = functools.partial(
    one, "MAX_POOL_2D", A, output=(1, 3, 3, 4), filter_height=2, filter_width=2, stride_h=2, stride_w=2
)


def _mean(count: int, taken_off: int = 30) -> Found:
    def found(inputs: Sequence[Any], _: Any) -> Any:
        sums = _whole(inputs).sum(axis=(2, 3)) - taken_off * A[1]
        return _stored(_away(sums * _factor(A[0], 1.0, OUT[0]) / count).astype(np.int64) + OUT[1])

    return found


def _leaky(positive: float, negative: float) -> Found:
    def found(inputs: Sequence[Any], _: Any) -> Any:
        values = _whole(inputs) - A[1]
        sides = [
            requantised(part, [_factor(A[0], slope, OUT[0])])
            for part, slope in ((np.maximum(values, 0), positive), (np.minimum(values, 0), negative))
        ]
        return _stored(sides[0] + sides[1] + OUT[1])

    return found


def _windows(values: Any, fill: float, above: int = 1, size: int = 3, stride: int = 1, out: Any = (6, 5)) -> Any:
    """Return windows of images, (images, rows, columns, channels, size * size), the border ``fill``."""
    count, height, width, channels = values.shape
    around = np.full((count, height + 8, width + 8, channels), fill, np.float64)
    around[:, 4 : 4 + height, 4 : 4 + width] = values
    parts = [
        around[:, 4 - above + y :, 4 - above + x :][:, : out[0] * stride : stride, : out[1] * stride : stride]
        for y in range(size) for x in range(size)
    ]  # fmt: skip
    return np.stack(parts, axis=-1)


def _pooled(fill: float, counted: bool) -> Found:
    def found(inputs: Sequence[Any], _: Any) -> Any:
        windows = _windows(_whole(inputs)[:, 0], np.nan, 1)
        if counted:
            windows = np.nan_to_num(windows, nan=fill)
        means = np.nansum(windows, axis=-1) / (~np.isnan(windows)).sum(axis=-1)
        return np.copysign(np.floor(np.abs(means) + 0.5), means).astype(np.int64)

    return found


def _truncated_pool(inputs: Sequence[Any], _: Any) -> Any:
    windows = _windows(_whole(inputs)[:, 0], np.nan, 1)
    return np.trunc(np.nansum(windows, axis=-1) / (~np.isnan(windows)).sum(axis=-1)).astype(np.int64)


def _largest(least: int, above: int = 0) -> Found:
    return lambda inputs, _: np.maximum(
        _windows(_whole(inputs)[:, 0], -129, above, 2, 2, (3, 3)).max(axis=-1), least
    ).astype(np.int64)  # fmt: skip


DOUBLE = "requantisation in double precision"

LAST = functools.partial(one, "MEAN", (0.025, 5), extra=(3,), output=(1, 6, 5))


def _rounded_late(inputs: Sequence[Any], _: Any) -> Any:
    """Return means whose halves are rounded away from the byte 0: tensorflow-default 2.21 does."""
    return _stored(_away((_whole(inputs) - A[1]).sum(axis=-1) * 2 / 4 + 5).astype(np.int64))


POOLS = [
    Planted("rounding after the zero point", "a mean rounded last", LAST, _rounded_late, "halves away"),
    Planted(f"count of a mean and {DOUBLE}", "a mean over one axis only", MEAN, _mean(6), "by 6"),
    Planted(f"count of a mean and {DOUBLE}", "a zero point taken off once", MEAN, _mean(30, 1), "once"),
    Planted(f"input zero point and {DOUBLE}", "a mean without the zero point", MEAN, _mean(30, 0), "0 instead of -7"),
    Planted("slope of a leaky ReLU", "alpha on the positive side", LEAKY, _leaky(0.3, 1.0), "positive side"),
    Planted("slope of a leaky ReLU", "a plain ReLU", LEAKY, _leaky(1.0, 0.0), "as a ReLU"),
    Planted("slope of a leaky ReLU", "a slope of 0.01", LEAKY, _leaky(1.0, float(np.float32(0.01))), "0.01"),
    Planted("pool over the border", "zeros counted", AVERAGE, _pooled(0, True), "as 0"),
    Planted("pool over the border", "zero points counted", AVERAGE, _pooled(A[1], True), "as -7"),
    Planted("truncation", "an average cut off", AVERAGE, _truncated_pool),
    Planted("pool of the other kind", "an average for the largest", LARGEST, lambda inputs, _: np.round(np.nanmean(
            _windows(_whole(inputs)[:, 0], np.nan, 0, 2, 2, (3, 3)), axis=-1) + 1e-9 * np.sign(np.nanmean(
            _windows(_whole(inputs)[:, 0], np.nan, 0, 2, 2, (3, 3)), axis=-1))).astype(np.int64), "for the largest"),
    Planted("start of a max pool", "a max pool that starts from 0", LARGEST, _largest(0), "0 is the least"),
    Planted("start of a max pool", "a max pool that starts from 0.0", LARGEST, _largest(A[1]), "-7 is the least"),
    Planted("offset of SAME padding", "a max pool moved", LARGEST,
            lambda inputs, _: _windows_left(inputs), "left"),
]  # fmt: skip


def _windows_left(inputs: Sequence[Any]) -> Any:
    """Return a max pool whose odd column of padding lies on the left."""
    values = np.full((5, 6, 6, 4), -129)
    values[:, :, 1:] = _whole(inputs)[:, 0]
    return values.reshape(5, 3, 2, 3, 2, 4).max(axis=(2, 4))


SOFTMAX = functools.partial(one, "SOFTMAX", (1 / 256, -128), (1, 4, 6), (1, 4, 6), beta=1.0)


LOGISTIC = functools.partial(one, "LOGISTIC", (1 / 256, -128))


def _softmax(axis: int, beta: float = 1.0, scale: float = 1 / 256, zero_point: int = -128,
             rounded: Callable[[Any], Any] = np.round) -> Found:  # fmt: skip
    def found(inputs: Sequence[Any], _: Any) -> Any:
        real = (_whole(inputs) - A[1]) * float(np.float32(A[0])) * beta
        powers = np.exp(real - real.max(axis=axis, keepdims=True))
        return _stored(rounded(powers / powers.sum(axis=axis, keepdims=True) / scale).astype(np.int64) + zero_point)

    return found


def _logistic(function: Callable[[Any], Any]) -> Found:
    return lambda inputs, _: _stored(
        np.round(function((_whole(inputs) - A[1]) * float(np.float32(A[0]))) * 256).astype(np.int64) - 128
    )


QUANTISED = (0.031, -11)


@functools.cache
def quantising() -> Operator:
    """QUANTIZE of floats."""
    return operator("QUANTIZE", [Given(SHAPE, dtype="float32")], SHAPE, QUANTISED)


def _quantised(rounded: Callable[[Any], Any], zero_point: int = QUANTISED[1], scale: float = QUANTISED[0]) -> Found:
    return lambda inputs, _: _stored(rounded(inputs[0] / np.float32(scale)).astype(np.int64) + zero_point)


FUNCTIONS = [
    Planted("softmax", "a softmax over another axis", SOFTMAX, _softmax(2), "axis 1"),
    Planted("softmax", "a softmax cut off", SOFTMAX, _softmax(-1, rounded=np.trunc), "cut off"),
    Planted("softmax", "a softmax in 1/255", SOFTMAX, _softmax(-1, scale=1 / 255), "1/255"),
    Planted("softmax", "a softmax without zero point", SOFTMAX, _softmax(-1, zero_point=0), "zero point left out"),
    Planted("softmax", "a softmax without beta", functools.partial(SOFTMAX, beta=0.25), _softmax(-1), "beta"),
    Planted("sigmoid or hyperbolic tangent", "a sigmoid of straight lines",
            LOGISTIC, _logistic(lambda x: np.clip(x / 6 + 0.5, 0, 1)), "x / 6"),
    Planted("sigmoid or hyperbolic tangent", "tanh for sigmoid", LOGISTIC, _logistic(np.tanh), "the other"),
    Planted("quantising of the input", "floats cut off", quantising, _quantised(np.trunc), "cut off towards zero"),
    Planted("quantising of the input", "floats rounded down", quantising, _quantised(np.floor), "down"),
    Planted("quantising of the input", "floats cast", quantising, _quantised(np.trunc, 0, 1.0), "cast"),
    Planted("quantising of the input", "no zero point", quantising, _quantised(_away, 0), "left out"),
    Planted("quantising of the input", "a zero point of 128", quantising, _quantised(_away, -128), "-128"),
]  # fmt: skip


@functools.cache
def joined() -> Operator:
    """CONCATENATION of three inputs."""
    given = [Given((1, 3, 4, 2), *A) for _ in range(3)]
    return operator("CONCATENATION", given, (1, 3, 4, 6), A, axis=3)


PADDED = functools.partial(one, "PAD", A, (1, 3, 4, 2), (1, 6, 6, 2), ((0, 0), (1, 2), (0, 2), (0, 0)))
TRANSPOSED = functools.partial(one, "TRANSPOSE", A, (1, 3, 4, 2), (1, 4, 2, 3), (0, 2, 3, 1))
NEAREST = functools.partial(one, "RESIZE_NEAREST_NEIGHBOR", A, (1, 4, 4, 2), (1, 7, 9, 2), (7, 9))
FLAT = functools.partial(one, "RESHAPE", A, (1, 3, 4, 2), (1, 24), (1, 24), new_shape=(1, 24))


def _nearest(inputs: Sequence[Any], _: Any) -> Any:
    """Return neighbours whose centres lie at halves."""
    rows, columns = (np.floor((np.arange(size) + 0.5) * 4 / size).astype(np.int64) for size in (7, 9))
    return inputs[0][:, 0][:, rows[:, None], columns]


MOVES = [
    Planted("order of a concatenation", "inputs in another order", joined,
            lambda inputs, _: np.concatenate([inputs[2], inputs[0], inputs[1]], axis=-1), "2, 0, 1"),
    Planted("order of a concatenation", "inputs one behind the other", joined,
            lambda inputs, _: np.concatenate([one.reshape(5, -1) for one in inputs], axis=1), "no axis"),
    Planted("value of a PAD", "a PAD with 0", PADDED,
            lambda inputs, _: np.pad(inputs[0], ((0, 0), (0, 0), (1, 2), (0, 2), (0, 0))), "0 around"),
    Planted("value of a PAD", "a PAD on the other side", PADDED, lambda inputs, _: np.pad(
            inputs[0], ((0, 0), (0, 0), (2, 1), (2, 0), (0, 0)), constant_values=A[1]), "exchanged"),
    Planted("permutation", "the inverse permutation", TRANSPOSED,
            lambda inputs, _: inputs[0].transpose(0, 1, 4, 2, 3).reshape(5, 1, 4, 2, 3), "inverse"),
    Planted("permutation", "no permutation", TRANSPOSED,
            lambda inputs, _: inputs[0].reshape(5, 1, 4, 2, 3), "no permutation"),
    Planted("alignment of a resize", "half-pixel centres", NEAREST, _nearest, "half-pixel"),
    Planted("order of a flattened image", "flattened channel by channel", FLAT,
            lambda inputs, _: inputs[0].transpose(0, 1, 4, 2, 3).reshape(5, 1, 24), "NCHW"),
]  # fmt: skip

REQUANTISED = functools.partial(one, "QUANTIZE", (0.07, 20))

MEMORY = [
    Planted("operator left out", "the input as it went in", REQUANTISED, lambda inputs, _: inputs[0]),
    Planted("stale arena", "the output of the image before", AVERAGE,
            lambda _, oracle: np.concatenate([np.zeros_like(oracle[:1]), oracle[:-1]]), "all of it"),
    Planted("stale arena", "half an output", AVERAGE,
            lambda _, oracle: np.where(np.arange(120).reshape(SHAPE) < 50, oracle, 0), "only the first 50"),
    Planted("shifted output", "one row on", AVERAGE, lambda _, oracle: np.roll(oracle, 1, 2), "by one row on"),
    Planted("order of the axes", "rows upside down", AVERAGE, lambda _, oracle: oracle[:, :, ::-1], "upside down"),
    Planted("order of the axes", "written channel by channel", AVERAGE,
            lambda _, oracle: oracle.transpose(0, 1, 4, 2, 3), "written channel"),
    Planted("uint8 for int8", "unsigned bytes", LARGEST, lambda _, oracle: oracle ^ -128),
    Planted("constant offset", "one more everywhere", TRANSPOSED, lambda _, oracle: _stored(oracle.astype(int) + 1)),
    Planted("other value for value", "some bytes always another", AVERAGE,
            lambda _, oracle: np.where(oracle % 16 == 0, oracle ^ 1, oracle), "values become others"),
]  # fmt: skip

TABLE = [*PAIRS, *POOLS, *FUNCTIONS, *MOVES, *MEMORY]


@pytest.mark.parametrize("planted", TABLE, ids=str)
def test_a_planted_mistake_is_named(planted: Planted, tflm: RuntimeWorker) -> None:
    check(planted, tflm)
