"""Functions of one element, and the float ends of a network: exact for all 256 values over quantisations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgemnist.compiler import lowering, memory, passes
from edgemnist.compiler.host import build_host_model
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker, runtime_worker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import Subject, find_truth
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import (
    SCALES,
    ZERO_POINTS,
    assert_exact,
    assert_exact_at_limits,
    assert_reference_exact,
    assert_refused,
)
from tests.oracles import needs

Quantised = tuple[float, int]

FIXED = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}
ALPHAS = (0.1, 0.3, 1.5, 0.0, -0.25)


def element_model(kind: str, source: Quantised, target: Quantised, **options: float) -> bytes:
    builder = ModelBuilder()
    image = builder.input((1, 256), *source)
    return builder.finish([builder.op(kind, [image], (1, 256), *target, **options)])  # type: ignore[arg-type]


def float_model(scale: float, zero_point: int, size: int = 300) -> bytes:
    """Return float input, QUANTIZE, TRANSPOSE (to have something between), DEQUANTIZE."""
    builder = ModelBuilder()
    image = builder.input((1, 3, size // 3), dtype="float32")
    inner = builder.op("QUANTIZE", [image], (1, 3, size // 3), scale, zero_point)
    order = builder.constant([0, 2, 1], dtype="int32")
    turned = builder.op("TRANSPOSE", [inner, order], (1, size // 3, 3), scale, zero_point)
    return builder.finish([builder.op("DEQUANTIZE", [turned], (1, size // 3, 3), dtype="float32")])


TABLE = {
    "logistic": element_model("LOGISTIC", (0.05, 3), FIXED["LOGISTIC"]),
    "logistic, saturated": element_model("LOGISTIC", (0.9, -128), FIXED["LOGISTIC"]),
    "tanh": element_model("TANH", (0.05, 3), FIXED["TANH"]),
    "tanh, fine": element_model("TANH", (0.0001, 127), FIXED["TANH"]),
    "relu": element_model("RELU", (0.05, 3), (0.05, 3)),
    "relu, requantised": element_model("RELU", (0.05, 3), (0.03, -128)),
    "relu6": element_model("RELU6", (0.05, 3), (0.05, 3)),
    "relu6, never above": element_model("RELU6", (0.005, 3), (0.005, 3)),
    "leaky relu": element_model("LEAKY_RELU", (0.05, 3), (0.04, -20), alpha=0.2),
    "hard swish": element_model("HARD_SWISH", (0.05, 3), (0.04, -120)),
    "abs": element_model("ABS", (0.05, 3), (0.05, -128)),
    "abs, requantised": element_model("ABS", (0.05, -20), (0.04, -100)),
    "rsqrt": element_model("RSQRT", (0.05, -128), (0.02, -128)),
    "rsqrt, saturated": element_model("RSQRT", (0.001, -128), (0.02, 5)),
    "requantised": element_model("QUANTIZE", (0.05, 3), (0.04, -20)),
    "float": float_model(0.05, 3),
    "float, one": float_model(0.05, 3, size=3),
}


TIES = {  # where factors computed in float32, as by tflite-runtime 2.14, would not do
    "relu": element_model("RELU", (1.8790001, -128), (2.2548, -128)),
    "leaky relu": element_model("LEAKY_RELU", (31.622776, -1), (31.622776, -1), alpha=1.5),
    "hard swish": element_model("HARD_SWISH", (0.04568604, -1), (0.035335053, -1)),
}


@pytest.mark.parametrize("name", list(TIES))
def test_factors_are_computed_in_double(name: str, tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_reference_exact(TIES[name], tflm)
    with pytest.raises(AssertionError, match="tflite-runtime reference: tensor 1"):
        assert_reference_exact(TIES[name], tflm, witness)


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, witness)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits(TABLE, tflm)


EVERYWHERE = settings(deadline=None, derandomize=True, max_examples=60)
QUANTISED = st.tuples(st.floats(-6, 2).map(lambda power: float(np.float32(10.0**power))), st.sampled_from(ZERO_POINTS))


@EVERYWHERE
@given(kind=st.sampled_from(list(FIXED)), scale=st.floats(-6, 0.9), zero_point=st.sampled_from(ZERO_POINTS))
def test_logistic_and_tanh_everywhere(tflm: RuntimeWorker, kind: str, scale: float, zero_point: int) -> None:
    assert_reference_exact(element_model(kind, (10.0**scale, zero_point), FIXED[kind]), tflm)


@EVERYWHERE
@given(kind=st.sampled_from(["RELU", "QUANTIZE"]), source=QUANTISED, target=QUANTISED)
def test_requantisation_everywhere(tflm: RuntimeWorker, kind: str, source: Quantised, target: Quantised) -> None:
    assert_reference_exact(element_model(kind, source, target), tflm)


@EVERYWHERE
@given(quantised=QUANTISED)
def test_relu6_everywhere(tflm: RuntimeWorker, quantised: Quantised) -> None:
    assert_reference_exact(element_model("RELU6", quantised, quantised), tflm)


@EVERYWHERE
@given(source=QUANTISED, target=QUANTISED, alpha=st.sampled_from(ALPHAS))
def test_leaky_relu_everywhere(tflm: RuntimeWorker, source: Quantised, target: Quantised, alpha: float) -> None:
    assert_reference_exact(element_model("LEAKY_RELU", source, target, alpha=alpha), tflm)


ELUS = {  # tflite-runtime's reference kernels have none
    "elu": element_model("ELU", (0.05, 3), (0.04, -100)),
    "elu, fine": element_model("ELU", (0.0001, 3), (0.0001, 100)),
}


def test_elu_is_exact(tflm: RuntimeWorker) -> None:
    assert_exact(ELUS, tflm, None)


GELUS = {  # TFLM has none
    f"gelu, {name}{', approximate' if approximate else ''}": element_model("GELU", *quantised, approximate=approximate)
    for name, quantised in {"usual": ((0.05, 3), (0.04, -100)), "fine": ((0.001, 3), (0.0007, 100))}.items()
    for approximate in (False, True)
}


EXPONENTIALS = {  # nor EXP of int8
    "exp": element_model("EXP", (0.05, 3), (1.9, -128)),
    "exp, fine": element_model("EXP", (0.001, 3), (0.004, -128)),
    "exp, negative": element_model("EXP", (0.03, 127), (1 / 256, -128)),
    "exp, saturated": element_model("EXP", (0.05, 3), (0.05, 10)),
}


def test_gelu_and_exp_equal_the_witness(witness: RuntimeWorker) -> None:
    assert_exact(GELUS | EXPONENTIALS, witness, None)


ONLY_LITERT = {
    "log": element_model("LOG", (0.05, -128), (0.04, -20), version=2),
    "log, of what is negative too": element_model("LOG", (0.7, 3), (0.04, 100), version=2),
    "log, saturated": element_model("LOG", (0.0004, -100), (0.004, 0), version=2),
    "square root": element_model("SQRT", (0.05, -128), (0.014, -128), version=2),
    "square root, saturated": element_model("SQRT", (3.0, -128), (0.01, -5), version=2),
    "square root, coarse": element_model("SQRT", (0.007, -128), (0.19, 100), version=2),
}


@needs("litert-reference")
def test_what_only_litert_has_is_exact() -> None:
    with runtime_worker("litert-reference") as litert:
        assert_exact(ONLY_LITERT, litert, None)


def test_a_square_root_of_what_may_be_negative_is_refused() -> None:
    assert_refused(element_model("SQRT", (0.05, 3), (0.05, 0)), "LiteRT stops; needed is -128")


def test_an_exponential_beyond_32_bits_is_refused() -> None:
    assert_refused(element_model("EXP", (0.7, -128), (0.05, 0)), "of the largest input is beyond 32 bits")


NEAR = st.tuples(st.floats(-4, 1).map(lambda power: float(np.float32(10.0**power))), st.sampled_from(ZERO_POINTS))
"""What a function that is computed in float32 takes on either side."""


@EVERYWHERE
@given(source=NEAR, target=NEAR, approximate=st.booleans())
def test_gelu_everywhere(witness: RuntimeWorker, source: Quantised, target: Quantised, approximate: bool) -> None:
    assert_reference_exact(element_model("GELU", source, target, approximate=approximate), witness)


@EVERYWHERE
@given(kind=st.sampled_from(["ABS", "ELU"]), source=NEAR, target=NEAR)
def test_abs_and_elu_everywhere(tflm: RuntimeWorker, kind: str, source: Quantised, target: Quantised) -> None:
    assert_reference_exact(element_model(kind, source, target), tflm)


@EVERYWHERE
@given(source=st.floats(-6, 3), target=st.floats(-2, 1), zero_point=st.sampled_from(ZERO_POINTS))
def test_rsqrt_everywhere(tflm: RuntimeWorker, source: float, target: float, zero_point: int) -> None:
    assert_reference_exact(element_model("RSQRT", (10.0**source, -128), (10.0**target, zero_point)), tflm)


@EVERYWHERE
@given(source=st.floats(-5, 1), ratio=st.floats(-2, 2), zero_points=st.tuples(*[st.sampled_from(ZERO_POINTS)] * 2))
def test_hard_swish_everywhere(
    tflm: RuntimeWorker, source: float, ratio: float, zero_points: tuple[int, int]
) -> None:  # fmt: skip
    scale = 10.0**source
    target = max(scale * 10.0**ratio, scale / 127)  # TFLM takes no finer output
    content = element_model("HARD_SWISH", (scale, zero_points[0]), (target, zero_points[1]))

    assert_reference_exact(content, tflm)


@EVERYWHERE
@given(scale=st.sampled_from(SCALES[1:]), zero_point=st.sampled_from(ZERO_POINTS))
def test_float_everywhere(tflm: RuntimeWorker, scale: float, zero_point: int) -> None:
    assert_reference_exact(float_model(scale, zero_point), tflm)


def byte_model(source: Quantised, inner: Quantised, target: Quantised) -> bytes:
    """Return uint8 input and output around one MUL."""
    builder = ModelBuilder()
    image = builder.input((1, 256), *source, dtype="uint8")
    value = builder.op("QUANTIZE", [image], (1, 256), *inner)
    product = builder.op("MUL", [value, builder.constant([[90]], 0.01, 0)], (1, 256), *inner)
    return builder.finish([builder.op("QUANTIZE", [product], (1, 256), *target, dtype="uint8")])


@pytest.mark.parametrize(
    ("source", "inner", "target"),
    [
        ((0.1, 128), (0.1, 0), (0.1, 128)),
        ((0.1, 0), (0.1, -128), (0.1, 0)),
        ((0.1, 3), (0.3, -7), (0.07, 255)),
    ],
)
def test_uint8_ends_are_exact(
    source: Quantised, inner: Quantised, target: Quantised, tflm: RuntimeWorker, witness: RuntimeWorker
) -> None:
    content = byte_model(source, inner, target)
    image = np.arange(256, dtype=np.uint8).reshape(1, 256)
    program = lowering.lower(passes.optimise(read_graph(parse_tflite(content))), LoweringSettings())
    model = build_host_model(program, memory.plan(program), flags=("-O1",))

    expected = tflm.trace(content, [image[None]])
    truth = Subject("uint8", content, image[None])

    assert not find_truth(truth, tflm, witness).complaints
    np.testing.assert_array_equal(model.run(image), expected[program.graph.output][0])


def test_float_input_saturates_beyond_what_tflm_can_convert() -> None:
    program = lowering.lower(
        passes.optimise(read_graph(parse_tflite(float_model(0.5, 3, size=6)))), LoweringSettings()
    )  # fmt: skip
    model = build_host_model(program, memory.plan(program), flags=("-O1",))

    output = model.run(np.array([[[1e30, -1e30], [np.inf, -np.inf], [np.nan, 0.25]]], np.float32))

    np.testing.assert_array_equal(output[0].T, [[62.0, -65.5], [62.0, -65.5], [0.0, 0.5]])


REFUSED = {
    "logistic output": (element_model("LOGISTIC", (0.1, 0), (1 / 255, -128)), "needed are 1/256 and -128"),
    "tanh output": (element_model("TANH", (0.1, 0), (1 / 128, 1)), "needed are 1/128 and 0"),
    "logistic input": (element_model("LOGISTIC", (20.0, 0), FIXED["LOGISTIC"]), "out of the range of TFLM's"),
    "relu6": (element_model("RELU6", (0.1, 0), (0.05, 0)), "make it the activation of the layer before"),
    "relu": (element_model("RELU", (1.0, 0), (1e-10, 0)), "times finer than the input's"),
    "hard swish": (element_model("HARD_SWISH", (1.0, 0), (0.001, 0)), "don't fit"),
    "abs": (element_model("ABS", (1.0, 0), (1e-10, 0)), "times finer than the input's"),
    "elu": (element_model("ELU", (1.0, 0), (1e-10, 0)), "times finer than the input's"),
    "rsqrt of what can be negative": (element_model("RSQRT", (1.0, -127), (0.1, 0)), "needed is -128"),
    "rsqrt, far too fine": (element_model("RSQRT", (1e-20, -128), (1e-10, 0)), "output steps"),
    "requantised": (element_model("QUANTIZE", (1.0, 0), (1e-10, 0)), "times finer than the input's"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused(name: str) -> None:
    assert_refused(*REFUSED[name])


def test_refuses_other_types_at_the_edges() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), 0.1)
    content = builder.finish([builder.op("DEQUANTIZE", [image], (1, 4), dtype="int32")])

    assert_refused(content, "is int32, needed is float32")
