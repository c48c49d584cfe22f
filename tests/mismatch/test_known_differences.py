"""What runtimes are known to do otherwise than TFLM: real outputs, each with the rule that reproduces all of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest

from edgemnist.mismatch.naming import Naming
from edgemnist.runner import RuntimeWorker, runtime_worker
from tests.compiler.layers import PADDING_SAME
from tests.mismatch.faults import Given, Operator, images, named, operator
from tests.mismatch.test_layer_mistakes import near_ties
from tests.mismatch.test_operator_mistakes import A, one
from tests.oracles import needs

DYNAMIC = "dynamic quantisation with a zero point"

NAMES = ("litert-default", "litert-reference", "tflite-runtime-default")

pytestmark = needs("tflm", *NAMES)


@pytest.fixture(scope="module")
def workers() -> Iterator[Callable[[str], RuntimeWorker]]:
    """Return runtimes by name, each in one process for the whole module."""
    with ExitStack() as stack:
        yield functools.cache(lambda name: stack.enter_context(runtime_worker(name)))


@functools.cache
def _layer(kind: str) -> Operator:
    """A layer whose sums fill the outputs' range."""
    generator = np.random.default_rng(6)
    channels = 64 if kind == "CONV_2D" else 8
    scales = generator.uniform(0.002, 0.006, channels).tolist()
    weights = Given(data=generator.integers(-127, 128, (channels, 3, 3, 16)), scale=scales)
    biases = generator.integers(-3000, 3000, channels)
    bias = Given(data=biases, scale=[0.05 * scale for scale in scales], dtype="int32")
    image = Given((1, 8, 8, 16), 0.05, -7)
    if kind == "CONV_2D":
        return operator(kind, [image, weights, bias], (1, 8, 8, channels), (0.9, 4), padding=PADDING_SAME)
    size = Given(data=[1, 16, 16, channels], dtype="int32")
    return operator(kind, [size, weights, image, bias], (1, 16, 16, channels), (0.2, 4),
                    padding=PADDING_SAME, stride_h=2, stride_w=2, version=3)  # fmt: skip


def _every_pair(kind: str, first: float, second: float, target: float) -> Operator:
    """ADD or MUL of every byte with every byte."""
    shape = (1, 256, 256, 1)
    return operator(kind, [Given(shape, first, 3), Given(shape, second, -9)], shape, (target, 5))


def _mean(axes: tuple[int, ...], kept: bool, target: tuple[float, int]) -> Operator:
    output = tuple(1 if axis in axes else size for axis, size in enumerate((1, 8, 8, 64)) if kept or axis not in axes)
    return one("MEAN", target, (1, 8, 8, 64), output, axes, keep_dims=kept)


def _prelu() -> Operator:
    slopes = Given(data=np.random.default_rng(7).integers(-100, 100, (1, 1, 4)), scale=0.01, zero_point=3)
    return operator(
        "PRELU", [Given((1, 6, 5, 4), 0.0624, -7), slopes], (1, 6, 5, 4), (float(np.float32(0.0624)) * 0.8, 5)
    )


def _quantising(scale: float) -> Operator:
    return operator("QUANTIZE", [Given((1, 16, 16, 4), dtype="float32")], (1, 16, 16, 4), (scale, -11))


SCALE = 0.007842999882996082


def _ties(scale: float) -> Any:
    """Return floats at and around the middle between two bytes."""
    middles = ((np.arange(1024) % 200 - 100 + 0.5) * scale).astype(np.float32).reshape(1, 16, 16, 4)
    return [np.stack([middles, np.nextafter(middles, np.float32(9)), np.nextafter(middles, np.float32(-9))])]


def _elu(scale: float) -> Operator:
    return operator("ELU", [Given((1, 16, 16, 4), scale, -7)], (1, 16, 16, 4), (scale * 0.8, 5))


def _softmax() -> Operator:
    shape = (1, 1000, 10)
    return operator("SOFTMAX", [Given(shape, 0.0624, -7)], shape, (1 / 256, -128), beta=1.0)


def _floats(kind: str, shape: tuple[int, ...], **options: Any) -> Operator:
    return operator(kind, [Given((1, 8, 8, 16), dtype="float32")], shape, None, "float32", version=1, **options)


RESIZE = functools.partial(one, "RESIZE_BILINEAR", A, (1, 8, 8, 4), (1, 13, 11, 4), (13, 11))
Known = tuple[str, str, Callable[[], Operator], Any]

KNOWN: list[Known] = [
    ("litert-default", "float requantisation", functools.partial(_layer, "CONV_2D"), None),
    ("litert-default", "float requantisation", functools.partial(_layer, "TRANSPOSE_CONV"), None),
    ("litert-default", "float requantisation", functools.partial(_every_pair, "MUL", 0.05, 0.031, 0.2), "pairs"),
    ("litert-reference", "requantisation in double precision", near_ties, None),
    ("tflite-runtime-default", "double rounding, ties up", functools.partial(_layer, "CONV_2D"), None),
    ("litert-default", "addition with 21-bit factors",
     functools.partial(_every_pair, "ADD", 0.0177, 0.0313, 0.1396), "pairs"),
    ("litert-default", "addition with 21-bit factors",
     functools.partial(_every_pair, "ADD", 0.03, 0.06, 0.06), "pairs"),
    ("litert-default", "factor of 8 fractional bits", functools.partial(one, "LEAKY_RELU", alpha=0.3), None),
    ("litert-default", "factor of 8 fractional bits", functools.partial(one, "LEAKY_RELU", alpha=-0.2), None),
    ("litert-default", "factor of 8 fractional bits", functools.partial(one, "QUANTIZE", (0.07, 20)), None),
    ("litert-default", "rounding after the zero point", functools.partial(_mean, (3,), False, (0.0115, 5)), None),
    ("tflite-runtime-default", "zero point of a mean rounded on its own",
     functools.partial(_mean, (1, 2), True, (0.0115, 5)), None),
    ("litert-reference", "factor in single precision", _prelu, None),
    ("litert-default", "quantising by the reciprocal", functools.partial(_quantising, SCALE), _ties(SCALE)),
    ("tflite-runtime-default", "quantising in double precision", functools.partial(_quantising, SCALE), _ties(SCALE)),
    ("litert-default", "interpolation with 11-bit weights", RESIZE, None),
    ("litert-default", "interpolation with 11-bit weights", functools.partial(RESIZE, half_pixel_centers=True), None),
    ("litert-default", "function in floating point", functools.partial(_elu, 0.0624), None),
    ("litert-default", "softmax from a table of floats", _softmax, None),
]  # fmt: skip


def _named(runtime: RuntimeWorker, tflm: RuntimeWorker, made: Operator, inputs: Any) -> Naming | None:
    given = images(made) if inputs is None else inputs
    if isinstance(given, str):
        byte = np.arange(-128, 128, dtype=np.int8)
        first, second = np.meshgrid(byte, byte)
        given = [one.reshape(1, 1, 256, 256, 1) for one in (first, second)]
    return named(made, given, tflm.invoke(made.content, given)[0], runtime.invoke(made.content, given)[0])


@pytest.mark.parametrize(
    ("name", "rule", "made", "inputs"),
    KNOWN,
    ids=[f"{number} {name} {rule}" for number, (name, rule, _, _) in enumerate(KNOWN)],
)
def test_a_known_difference_is_named(
    name: str, rule: str, made: Callable[[], Operator], inputs: Any, workers: Any, tflm: RuntimeWorker
) -> None:
    naming = _named(workers(name), tflm, made(), inputs)
    assert naming is not None
    assert naming.exact, naming
    assert rule in (naming.rule, *naming.also), naming


def rules_of_runtimes() -> set[str]:
    """Return the names of the rules that a test here finds in a runtime."""
    return {rule for _, rule, _, _ in KNOWN} | {rule for rule, _ in FLOATS} | {DYNAMIC}


FLOATS = [
    ("order of summation", functools.partial(_floats, "AVERAGE_POOL_2D", (1, 8, 8, 16), filter_height=3,
                                             filter_width=3, padding=PADDING_SAME)),
    ("order of summation", functools.partial(_floats, "HARD_SWISH", (1, 8, 8, 16))),
    ("approximation of a function", functools.partial(_floats, "SOFTMAX", (1, 8, 8, 16), beta=1.0)),
    ("approximation of a function", functools.partial(_floats, "LOGISTIC", (1, 8, 8, 16))),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "made"), FLOATS)
def test_floats_are_reproduced_within_units_in_the_last_place(
    rule: str, made: Callable[[], Operator], workers: Any, tflm: RuntimeWorker
) -> None:
    naming = _named(workers("litert-default"), tflm, made(), None)
    assert naming is not None
    assert (naming.rule, naming.share, naming.exact, naming.approximate) == (rule, 1.0, False, True)
    assert naming.reproduced == naming.elements
    assert "units in the last place" in naming.detail


def test_floats_that_are_further_off_are_not_explained(tflm: RuntimeWorker) -> None:
    made = FLOATS[0][1]()
    inputs = images(made)
    oracle = tflm.invoke(made.content, inputs)[0]
    assert named(made, inputs, oracle, oracle * np.float32(1 + 2.0**-16)) is None


def _dynamic(kind: str, kernel: int = 1, stride: int = 1) -> Operator:
    """A layer of floats with weights in int8."""
    generator = np.random.default_rng(8)
    bias = Given(data=np.linspace(-1, 1, 20), dtype="float32")
    if kind == "CONV_2D":
        weights = Given(data=generator.integers(-127, 128, (20, kernel, kernel, 8)), scale=[0.01] * 20)
        size = -(-7 // stride)
        return operator(kind, [Given((1, 7, 7, 8), dtype="float32"), weights, bias], (1, size, size, 20), None,
                        "float32", padding=PADDING_SAME, stride_h=stride, stride_w=stride,
                        fused_activation_function=1)  # fmt: skip
    given = [Given((1, 40), dtype="float32"), Given(data=generator.integers(-127, 128, (20, 40)), scale=0.01), bias]
    return operator(kind, given, (1, 20), None, "float32", fused_activation_function=1)


@needs("tflite-runtime-reference")
@pytest.mark.parametrize(
    ("kind", "kernel", "stride"),
    [("FULLY_CONNECTED", 1, 1), ("CONV_2D", 3, 1), ("CONV_2D", 3, 2), ("CONV_2D", 1, 1), ("CONV_2D", 1, 2)],
)
def test_a_dynamic_zero_point_is_named(
    kind: str, kernel: int, stride: int, workers: Any, witness: RuntimeWorker
) -> None:
    naming = _named(workers("litert-default"), witness, _dynamic(kind, kernel, stride), None)
    assert naming is not None
    assert (naming.rule, naming.approximate, naming.reproduced) == (DYNAMIC, True, naming.elements)


def _unsigned(kind: str) -> Operator:
    """A convolution, a product or a pool of uint8; TFLM takes none."""
    generator, image = np.random.default_rng(9), Given((1, 6, 5, 16), 0.05, 121, "uint8")
    options: dict[str, Any] = {"dtype": "uint8", "version": 1, "padding": PADDING_SAME}
    if kind == "AVERAGE_POOL_2D":
        return operator(kind, [image], (1, 6, 5, 16), (0.05, 121), filter_height=3, filter_width=3, **options)
    if kind == "MUL":
        second = Given((1, 6, 5, 16), 0.03, 140, "uint8")
        return operator(kind, [image, second], (1, 6, 5, 16), (1.5, 131), dtype="uint8", version=1)
    weights = Given(data=generator.integers(0, 256, (64, 3, 3, 16)), scale=0.004, zero_point=119, dtype="uint8")
    bias = Given(data=generator.integers(-3000, 3000, 64), scale=0.05 * 0.004, dtype="int32")
    return operator(kind, [image, weights, bias], (1, 6, 5, 64), (0.3, 131), **options)


@needs("tflite-runtime-reference")
@pytest.mark.parametrize("kind", ["CONV_2D", "MUL"])
def test_layers_of_uint8_are_known_as_those_of_int8(kind: str, workers: Any, witness: RuntimeWorker) -> None:
    naming = _named(workers("litert-default"), witness, _unsigned(kind), None)
    assert naming is not None
    assert naming.exact
    assert "float requantisation" in (naming.rule, *naming.also)


@needs("tflite-runtime-reference")
def test_a_pool_of_uint8_rounds_halves_up(witness: RuntimeWorker) -> None:
    made = _unsigned("AVERAGE_POOL_2D")
    inputs = images(made, low=0, high=255)
    oracle = witness.invoke(made.content, inputs)[0]
    windows = np.full((5, 8, 7, 16), np.nan)
    windows[:, 1:7, 1:6] = inputs[0][:, 0]
    every = np.stack([windows[:, y : y + 6, x : x + 5] for y in range(3) for x in range(3)])
    cut = np.floor(np.nansum(every, 0) / (~np.isnan(every)).sum(0)).astype(np.uint8)
    naming = named(made, inputs, oracle, cut.reshape(oracle.shape))
    assert naming is not None
    assert (naming.rule, naming.exact) == ("no rounding before the shift", True)
