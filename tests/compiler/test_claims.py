"""Claims of a file that are not true: each is refused when it is read, in a sentence, and none is believed."""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.compiler import claims, memory_picture, self_test
from edgemnist.compiler.claims import MOST_OPERATORS
from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.ops import overlaps
from edgemnist.compiler.ops.reshape import with_unknown
from edgemnist.compiler.reader import read_graph
from edgemnist.compiler.targets import ANY
from edgemnist.support.errors import ModelError
from edgemnist.support.limits import LARGEST_TENSOR
from edgemnist.tflite.file import parse_tflite
from tests.compiler.layers import Arithmetic, Layers, Window
from tests.compiler.model_builder import ModelBuilder, edited

REPOSITORY = Path(__file__).resolve().parents[2]


def many_kinds() -> bytes:
    """Return a net with an operator of each kind that claims something about its shape."""
    layers = Layers.seeded(1)
    builder = layers.builder
    value = layers.conv(layers.input((1, 4, 4, 2)), 4)
    value = layers.depthwise(value)
    parts = [builder.tensor((1, 4, 4, 2), value.scale, value.zero_point) for _ in range(2)]
    builder.multi_op("SPLIT", [builder.constant(3, dtype="int32"), value.index], parts, num_splits=2)
    joined = builder.op("CONCATENATION", parts, (1, 4, 4, 4), value.scale, value.zero_point, axis=3)
    leaky = builder.op("LEAKY_RELU", [joined], (1, 4, 4, 4), value.scale, value.zero_point, alpha=0.1)
    axes = builder.constant([1, 2], dtype="int32")
    mean = builder.op("MEAN", [leaky, axes], (1, 4), value.scale, value.zero_point)
    one = builder.constant([1], dtype="int32")
    wide = builder.op("EXPAND_DIMS", [mean, one], (1, 1, 4), value.scale, value.zero_point)
    flat = builder.op("SQUEEZE", [wide], (1, 4), value.scale, value.zero_point, squeeze_dims=[1])
    shape = builder.constant([1, -1], dtype="int32")
    shaped = builder.op("RESHAPE", [flat, shape], (1, 4), value.scale, value.zero_point, new_shape=[1, -1])
    dense = layers.dense(replace_index(value, shaped, (1, 4)), 3)
    result = layers.op("SOFTMAX", [dense], (1, 3), 1 / 256, -128, beta=1.0)
    return layers.finish(result)


def replace_index(value: Any, index: int, shape: tuple[int, ...]) -> Any:
    return type(value)(index, shape, value.scale, value.zero_point)


KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "SPLIT", "CONCATENATION", "LEAKY_RELU", "MEAN", "EXPAND_DIMS", "SQUEEZE",
         "RESHAPE", "FULLY_CONNECTED", "SOFTMAX")  # fmt: skip


def operator(model: Any, kind: str) -> Any:
    """Return an operator in the schema's object form."""
    return model.subgraphs[0].operators[KINDS.index(kind)]


def result_of(model: Any, kind: str) -> Any:
    """Return an operator's output tensor."""
    return model.subgraphs[0].tensors[operator(model, kind).outputs[0]]


def weights(model: Any, kind: str) -> Any:
    """Return an operator's second input tensor."""
    return model.subgraphs[0].tensors[operator(model, kind).inputs[1]]


def option(kind: str, name: str, value: Any) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        assert hasattr(operator(model, kind).builtinOptions, name)
        setattr(operator(model, kind).builtinOptions, name, value)

    return change


def shape(kind: str, *sizes: int) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        result_of(model, kind).shape = list(sizes)

    return change


def without_options(kind: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        operator(model, kind).builtinOptions, operator(model, kind).builtinOptionsType = None, 0

    return change


def foreign_options(kind: str, other: str) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        own, taken = operator(model, kind), operator(model, other)
        own.builtinOptions, own.builtinOptionsType = taken.builtinOptions, taken.builtinOptionsType

    return change


def scale(kind: str, value: float) -> Callable[[Any], None]:
    def change(model: Any) -> None:
        result_of(model, kind).quantization.scale = [value]

    return change


def variable(model: Any) -> None:
    weights(model, "FULLY_CONNECTED").isVariable = True


def wrong_axis(model: Any) -> None:
    weights(model, "CONV_2D").quantization.quantizedDimension = 3


def axis_below_0(model: Any) -> None:
    result_of(model, "CONV_2D").quantization.quantizedDimension = -1


def shape_of_bytes(model: Any) -> None:
    """The shape of the RESHAPE is said to be int8 numbers."""
    tensor = weights(model, "RESHAPE")
    tensor.type, tensor.shape = 9, [8]


def list_of_lists(model: Any) -> None:
    """The axes of the MEAN are said to be rows of numbers."""
    weights(model, "MEAN").shape = [2, 1]


def absent_list(model: Any) -> None:
    operator(model, "MEAN").inputs = [operator(model, "MEAN").inputs[0], -1]


def absent_bias(model: Any) -> None:
    operator(model, "DEPTHWISE_CONV_2D").inputs = [*operator(model, "DEPTHWISE_CONV_2D").inputs[:2], -1]


def no_zero_point(model: Any) -> None:
    result_of(model, "CONV_2D").quantization.zeroPoint = []


def one_more(model: Any) -> None:
    operator(model, "SOFTMAX").inputs = [*operator(model, "SOFTMAX").inputs, 0]


def one_fewer(model: Any) -> None:
    operator(model, "MEAN").inputs = operator(model, "MEAN").inputs[:1]


def zero_point_outside(model: Any) -> None:
    result_of(model, "CONV_2D").quantization.zeroPoint = [128]


def two_sets_of_weights(model: Any) -> None:
    tensor = weights(model, "DEPTHWISE_CONV_2D")
    buffer = model.buffers[tensor.buffer]
    tensor.shape, buffer.data = [2, *tensor.shape[1:]], np.concatenate([buffer.data, buffer.data])


def input_with_a_value(model: Any) -> None:
    graph = model.subgraphs[0]
    graph.tensors[graph.inputs[0]].buffer = len(model.buffers)
    buffer = type(model.buffers[0])()
    buffer.data = np.zeros(32, np.uint8)
    model.buffers.append(buffer)


def no_utf8(model: Any) -> None:
    result_of(model, "MEAN").name = b"\xff\xfe"


CHANGES: dict[str, tuple[Callable[[Any], None], str]] = {
    "a mean of fewer elements": (shape("MEAN", 1, 1), r"MEAN: the mean of '.*' is \[1, 4\], the file says \[1, 1\]"),
    "a mean that keeps its axes": (option("MEAN", "keepDims", True), r"is \[1, 1, 1, 4\], the file says \[1, 4\]"),
    "a reshape to what is not asked for": (shape("RESHAPE", 4, 1), r"RESHAPE: .* is \[1, 4\], the file says \[4, 1\]"),
    "a shape of bytes": (shape_of_bytes, "the shape or axis must be an integer constant"),
    "a squeeze of another axis": (option("SQUEEZE", "squeezeDims", [2]), "SQUEEZE: .* has no shape"),
    "a squeeze that leaves the axis": (shape("SQUEEZE", 1, 1, 4), r"is \[1, 4\], the file says \[1, 1, 4\]"),
    "an axis elsewhere": (shape("EXPAND_DIMS", 1, 4, 1), r"is \[1, 1, 4\], the file says \[1, 4, 1\]"),
    "a split into more": (option("SPLIT", "numSplits", 4), "num_splits is 4 and there are 2 parts"),
    "a join of less": (shape("CONCATENATION", 1, 4, 4, 3), "don't make"),
    "a dense layer that keeps its axes": (shape("FULLY_CONNECTED", 3, 1), r"is \[1, 3\], the file says \[3, 1\]"),
    "a multiplier that makes other channels": (option("DEPTHWISE_CONV_2D", "depthMultiplier", 3), "depth_multiplier 3"),
    "depthwise weights for two": (two_sets_of_weights, "weights have a first axis of 2, needed is 1"),
    "an input with a value": (input_with_a_value, "input 'input' has a value in the file"),
    "scales along another axis": (wrong_axis, "have scales along axis 3, not 0"),
    "no options": (without_options("CONV_2D"), "has no options, needed are Conv2DOptions"),
    "somebody else's options": (foreign_options("CONV_2D", "SOFTMAX"), "has SoftmaxOptions, needed are Conv2DOptions"),
    "options of an operator that has others": (foreign_options("RESHAPE", "MEAN"), "allowed are ReshapeOptions"),
    "alpha that is no number": (option("LEAKY_RELU", "alpha", math.nan), "alpha is nan"),
    "alpha without end": (option("LEAKY_RELU", "alpha", -math.inf), "alpha is -inf"),
    "beta that is no number": (option("SOFTMAX", "beta", math.nan), "beta is nan"),
    "beta without end": (option("SOFTMAX", "beta", math.inf), "beta is inf"),
    "a negative beta": (option("SOFTMAX", "beta", -1.0), "beta is -1"),
    "a scale that is no number": (scale("CONV_2D", math.nan), "has the scale nan"),
    "a negative scale": (scale("CONV_2D", -0.1), "has the scale -0.1"),
    "a bias that is named as absent": (absent_bias, "DEPTHWISE_CONV_2D: an input is there and said to be absent"),
    "a list that is absent": (absent_list, "MEAN: the axes must be an integer constant"),
    "a list with rows": (list_of_lists, "MEAN: the constant of the axes has 2 axes, allowed are 1"),
    "no zero point": (no_zero_point, "has no scale and zero point"),
    "a bias of another type": (
        option("FULLY_CONNECTED", "quantizedBiasType", 4),
        "quantized_bias_type is 4, not int32",
    ),
    "a scale of hardly anything": (scale("CONV_2D", 1e-35), r"has the scale 1\.0.*e-35, allowed are 1e-30\.\.1e\+30"),
    "scales along no axis": (axis_below_0, "has its scales along axis -1, allowed are 0 and above"),
    "a zero point outside of the type": (zero_point_outside, r"the zero point 128, allowed are -128..127"),
    "a list without room": (option("SQUEEZE", "squeezeDims", [1] * 9), "squeeze_dims has 9 numbers, allowed are 8"),
    "an operand too few": (one_fewer, "MEAN: has 1 inputs, needed are 2;"),
    "an operand too many": (one_more, "SOFTMAX: has 2 inputs, needed are 1"),
    "a constant that may change": (variable, "is a variable"),
    "a name that is no text": (no_utf8, "no UTF-8"),
    "more elements than 64 bits count": (
        shape("CONV_2D", 1, 2**31 - 2, 2**31 - 2, 4),
        "elements, allowed are 16,777,216",
    ),
}


def test_the_net_itself_is_taken() -> None:
    assert [node.kind for node in read_graph(parse_tflite(many_kinds())).nodes] == list(KINDS)


@pytest.mark.parametrize("name", CHANGES)
def test_a_false_claim_is_refused(name: str) -> None:
    change, said = CHANGES[name]

    with pytest.raises(ModelError, match=said):
        read_graph(parse_tflite(edited(many_kinds(), change)))


def test_a_constant_that_an_operator_writes_is_refused() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4))
    constant = builder.constant(np.ones((1, 4), np.int8), 1.0, 0)
    builder.multi_op("RELU", [image], [constant])
    content = builder.finish([builder.op("ADD", [image, constant], (1, 4), 1.0)])

    with pytest.raises(ModelError, match="RELU: writes 'tensor_1', which has a value already"):
        read_graph(parse_tflite(content))


def test_claims_of_operators_that_nobody_needs_are_checked_too() -> None:
    """An interpreter executes them."""
    layers = Layers.seeded(0)
    value = layers.input((1, 4))
    layers.op("ADD", [value, layers.builder.constant([1, 2], dtype="int32")], (1, 4), pot_scale_int16=False)
    content = layers.finish(layers.op("RELU", [value], (1, 4)))

    with pytest.raises(ModelError, match=r"operator 0 ADD: .* is int32"):
        read_graph(parse_tflite(content))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda negation: setattr(negation, "inputs", [0, 0]), "NEG: has 2 inputs, needed are 1"),
        (
            lambda negation: setattr(negation, "builtinOptionsType", 9),
            "NEG: has SoftmaxOptions, allowed are NegOptions",
        ),
    ],
)
def test_tables_of_operators_that_only_floats_have_are_checked(change: Callable[[Any], None], reason: str) -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), None, dtype="float32")
    content = builder.finish([builder.op("NEG", [image], (1, 4), dtype="float32")])

    with pytest.raises(ModelError, match=reason):
        read_graph(parse_tflite(edited(content, lambda model: change(model.subgraphs[0].operators[0]))))


def test_a_constant_that_is_added_needs_a_scale() -> None:
    builder = ModelBuilder()
    operands = [builder.input((1, 4), 0.05), builder.constant([[1, 2, 3, 4]], 0.0)]

    with pytest.raises(ModelError, match="has the scale 0"):
        read_graph(parse_tflite(builder.finish([builder.op("ADD", operands, (1, 4), 0.05)])))


@pytest.mark.parametrize(
    ("elements", "wanted", "shape"),
    [
        (12, (3, 4), (3, 4)), (12, (-1, 4), (3, 4)), (12, (-1,), (12,)), (12, (-1, -1), None), (12, (5, -1), None),
        (12, (0, -1), None), (12, (-2, -6), None), (1, (), ()),
    ],
)  # fmt: skip
def test_unknown_sizes_are_worked_out(elements: int, wanted: tuple[int, ...], shape: tuple[int, ...] | None) -> None:
    assert with_unknown(elements, wanted) == shape


def chain(operators: int) -> bytes:
    layers = Layers.seeded(0)
    value = layers.input((1, 4))
    for _ in range(operators):
        value = layers.op("RELU", [value], value.shape)
    return layers.finish(value)


def test_too_many_operators_are_refused_soon() -> None:
    content = chain(MOST_OPERATORS + 1)
    start = time.process_time()

    with pytest.raises(ModelError, match=rf"has {MOST_OPERATORS + 1:,} operators .* allowed are {MOST_OPERATORS:,};"):
        read_graph(parse_tflite(content))
    assert time.process_time() - start < 2


def test_constants_that_grow_are_refused_before_they_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgemnist.compiler.folding.LARGEST_FOLDED", 1000)
    builder = ModelBuilder()
    image = builder.input((1, 4))
    grown = builder.constant(np.arange(100, dtype=np.int8), 1.0)
    for size in (400, 1600):
        grown = builder.op("CONCATENATION", [grown] * 4, (size,), 1.0, axis=0)
    content = builder.finish([builder.op("RELU", [image], (1, 4), 1.0), grown][:1])

    with pytest.raises(ModelError, match="more than 1,000 bytes of constants are computed from others"):
        read_graph(parse_tflite(content))


def test_a_constant_of_another_shape_than_is_said_is_refused() -> None:
    layers = Layers.seeded(0)
    builder = layers.builder
    value = layers.dense(layers.input((1, 4)), 4, Arithmetic())
    folded = builder.op("SHAPE", [value.index], (3,), dtype="int32")
    content = layers.finish(layers.op("RESHAPE", [value, folded], (1, 4)))

    with pytest.raises(ModelError, match=r"SHAPE: its constant result is \[2\], the file says \[3\]"):
        read_graph(parse_tflite(content))


def test_constants_that_many_operators_read_are_counted_for_each() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 64), 0.1)
    weights = builder.constant(np.ones((64, 64), np.int8), 0.1)
    for _ in range(300):
        image = builder.op("FULLY_CONNECTED", [image, weights, -1], (1, 64), 0.1)

    with pytest.raises(ModelError, match=r"constants are 1,228,800 bytes, .* allowed are 1,048,576; use fewer layers"):
        read_graph(parse_tflite(builder.finish([image])))


LARGE = (1, 4096, 4096, 1)


def large(kind: str) -> bytes:
    """Return one operator on as many elements as are allowed, in a file of 1 kB."""
    builder = ModelBuilder()
    value = builder.input(LARGE, 0.1)
    window: dict[str, Any] = {"padding": 0, "stride_h": 1, "stride_w": 1}
    if kind == "CONV_2D":
        weights = builder.constant(np.ones((1, 3, 3, 1), np.int8), [0.1])
        return builder.finish([builder.op(kind, [value, weights, -1], LARGE, 0.1, **window)])
    if kind == "ADD":
        row = builder.op("MAX_POOL_2D", [value], (1, 1, 4096, 1), 0.1, padding=1, stride_h=1, stride_w=1,
                         filter_height=4096, filter_width=1)  # fmt: skip
        return builder.finish([builder.op(kind, [value, row], LARGE, 0.1)])
    if kind == "RESHAPE":
        shape = builder.constant([1, 2**24], dtype="int32")
        return builder.finish([builder.op(kind, [value, shape], (1, 2**24), 0.1)])
    if kind == "CONCATENATION":
        return builder.finish([builder.op(kind, [value, value], (1, 4096, 8192, 1), 0.1, axis=2)])
    order = builder.constant([0, 2, 1, 3], dtype="int32")
    return builder.finish([builder.op("TRANSPOSE", [value, order], LARGE, 0.1)])


@pytest.mark.parametrize("kind", ["CONV_2D", "ADD", "RESHAPE", "TRANSPOSE"])
def test_the_largest_tensors_take_little_time_and_memory(kind: str) -> None:
    model, start = parse_tflite(large(kind)), time.process_time()
    tracemalloc.start()
    files = generate(model, CodegenSettings(target=ANY)).files
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "model.c" in files
    assert "model_test.c" not in files  # its expected outputs would take long
    assert time.process_time() - start < 5
    assert most < 100 * 2**20


@pytest.mark.parametrize("kind", ["CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "AVERAGE_POOL_2D"])
def test_windows_of_many_values_have_no_self_test(kind: str) -> None:
    """49 times the values of a tensor that is small enough took gigabytes, or ten seconds."""
    builder, shape = ModelBuilder(), (1, 1024, 1024, 1)
    value = builder.input(shape, 0.1)
    options: dict[str, Any] = {"padding": 0, "stride_h": 1, "stride_w": 1}
    weights: list[int] = []
    if "CONV" in kind:
        weights = [builder.constant(np.ones((1, 7, 7, 1), np.int8), [0.1])]
    else:
        options |= {"filter_height": 7, "filter_width": 7}
    if kind == "DEPTHWISE_CONV_2D":
        options["depth_multiplier"] = 1
    content = builder.finish([builder.op(kind, [value, *weights], shape, 0.1, **options)])

    assert "model_test.c" not in generate(parse_tflite(content), CodegenSettings()).files


def of_floats(kind: str, shape: tuple[int, ...], result: tuple[int, ...], *constants: Any, **options: Any) -> bytes:
    """Return a model of one operator in float32."""
    builder = ModelBuilder()
    operands = [builder.constant(value, dtype=value.dtype.name) for value in constants]
    image = builder.input(shape, None, dtype="float32")
    return builder.finish([builder.op(kind, [image, *operands], result, dtype="float32", **options)])


def of_matrices(size: int) -> bytes:
    """Return the product of an input with itself."""
    builder = ModelBuilder()
    image = builder.input((1, size, size), 0.01)
    return builder.finish([builder.op("BATCH_MATMUL", [image, image], (1, size, size), 10.0)])


def of_pixels(channels: int, size: int) -> bytes:
    """Return a convolution of single pixels."""
    layers = Layers.seeded(1)
    return layers.finish(layers.conv(layers.input((1, size, size, channels)), channels, Window((1, 1))))


_WINDOW = {"padding": 1, "filter_height": 1000, "filter_width": 1000}
LONG = {
    "a window": lambda: of_floats("AVERAGE_POOL_2D", (1, 1000, 1000, 1), (1, 1, 1, 1), **_WINDOW),
    "a mean": lambda: of_floats("MEAN", (1, 1400, 1400, 1), (1, 1), np.array([1, 2], np.int32)),
    "features": lambda: of_floats("FULLY_CONNECTED", (1, 250_000), (1, 1), np.ones((1, 250_000), np.float32)),
    "matrices": lambda: of_matrices(1440),
    "single pixels": lambda: of_pixels(1000, 45),
}


@pytest.mark.parametrize("name", LONG)
def test_what_takes_long_to_compute_has_no_self_test(name: str) -> None:
    """Each took from 10 seconds to minutes, most in a file of a few hundred bytes."""
    model, start = parse_tflite(LONG[name]()), time.process_time()

    assert "model_test.c" not in generate(model, CodegenSettings()).files
    assert time.process_time() - start < 5


def test_a_tensor_of_more_elements_is_refused() -> None:
    with pytest.raises(ModelError, match="33,554,432 elements, allowed are 16,777,216"):
        read_graph(parse_tflite(large("CONCATENATION")))


def test_budgets_are_those_that_the_documentation_tells() -> None:
    told = (REPOSITORY / "docs" / "limits.md").read_text(encoding="utf-8")
    for sentence in (
        f"up to {claims.MOST_OPERATORS:,} operators ({claims.MOST_OPERATORS_OF_LARGE:,} in a file of over 1 MB)",
        f"2^{int(math.log2(LARGEST_TENSOR))} elements and {claims.MOST_AXES} axes in a tensor",
        f"{claims.LARGEST_FOLDED // 2**20} MB of constants",
        f"2^{int(math.log2(self_test.LARGEST_TENSOR))} elements in a tensor, or over "
        f"2^{int(math.log2(self_test.MOST_COMPUTED))} in all",
        f"over 2^{int(math.log2(overlaps.MOST_BLOCKS))} blocks",
        f"{self_test.WINDOW_VALUES} values count as one element",
        f"{self_test.PRODUCTS} products of a layer, too",
        f"of float32 as {self_test.FLOAT_TEXT}",
        f"over {memory_picture.MOST_DRAWN} steps",
    ):
        assert sentence in told
