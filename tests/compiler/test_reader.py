"""The reader: what it folds and drops, and what it refuses, everything at once and in words."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.compiler.graph import PADDING_VALID
from edgemnist.compiler.lowering import lower
from edgemnist.compiler.memory import plan
from edgemnist.compiler.ops.base import LoweringSettings
from edgemnist.compiler.passes import optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import EdgeMnistError, ModelError, UnsupportedModelError
from edgemnist.tflite.file import parse_tflite, read_tflite
from tests.compiler.bench import Subject, check_exact
from tests.compiler.layers import Layers, Value, Window, random_images
from tests.compiler.model_builder import ModelBuilder, edited
from tests.compiler.random_graphs import random_network

SHAPE = (1, 5, 6, 2)


def refusal(content: bytes) -> str:
    """Return the message with which the compiler refuses a model."""
    with pytest.raises(ModelError) as caught:
        read_graph(parse_tflite(content))
    return str(caught.value)


# What is taken


def dynamic_batch(layers: Layers, features: Value) -> Value:
    """SHAPE, STRIDED_SLICE, PACK and RESHAPE: how a converter flattens when the batch is not fixed."""
    builder = layers.builder
    shape = builder.op("SHAPE", [features.index], (4,), dtype="int32")
    bounds = [builder.constant([value], dtype="int32") for value in (0, 1, 1)]
    batch = builder.op("STRIDED_SLICE", [shape, *bounds], (), dtype="int32", shrink_axis_mask=1)
    size = int(np.prod(features.shape))
    target = builder.op(
        "PACK", [batch, builder.constant(size, dtype="int32")], (2,), dtype="int32", values_count=2, axis=0
    )
    return layers.op("RESHAPE", [features, target], (1, size))


def product_of_sizes(layers: Layers, features: Value) -> Value:
    """SHAPE, STRIDED_SLICE, REDUCE_PROD, CONCATENATION: another way to flatten."""
    builder = layers.builder
    shape = builder.op("SHAPE", [features.index], (4,), dtype="int32")
    first = [builder.constant([value], dtype="int32") for value in (0, 1, 1)]
    rest = [builder.constant([value], dtype="int32") for value in (1, 4, 1)]
    batch = builder.op("STRIDED_SLICE", [shape, *first], (1,), dtype="int32")
    sizes = builder.op("STRIDED_SLICE", [shape, *rest], (3,), dtype="int32")
    size = int(np.prod(features.shape))
    product = builder.op(
        "REDUCE_PROD", [sizes, builder.constant([0], dtype="int32")], (1,), dtype="int32", keep_dims=True
    )
    target = builder.op("CONCATENATION", [batch, product], (2,), dtype="int32", version=1, axis=0)
    return layers.op("RESHAPE", [features, target], (1, size))


@pytest.mark.parametrize("flatten", [dynamic_batch, product_of_sizes])
def test_what_a_dynamic_batch_leaves_behind_is_folded(
    flatten: Callable[[Layers, Value], Value], tflm: RuntimeWorker
) -> None:
    layers = Layers.seeded(0)
    features = layers.conv(layers.input(SHAPE, signature=(-1, *SHAPE[1:])), 3)
    content = layers.finish(layers.dense(flatten(layers, features), 4))

    graph = read_graph(parse_tflite(content))

    assert [node.kind for node in graph.nodes] == ["CONV_2D", "RESHAPE", "FULLY_CONNECTED"]
    if flatten is dynamic_batch:  # TFLM has no REDUCE_PROD
        check_exact([Subject("dynamic batch", content, random_images(SHAPE, 0))], tflm, None)


@pytest.mark.parametrize(("kind", "shape"), [("SQUEEZE", (1, 1, 4)), ("EXPAND_DIMS", (4,))])
def test_a_constant_under_another_shape_is_folded(kind: str, shape: tuple[int, ...], tflm: RuntimeWorker) -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), 0.1)
    operands = [builder.constant(np.arange(4).reshape(shape), 0.1)]
    operands += [builder.constant(0, dtype="int32")] if kind == "EXPAND_DIMS" else []
    options: dict[str, Any] = {"squeeze_dims": [0]} if kind == "SQUEEZE" else {}
    turned = builder.op(kind, operands, (1, 4), 0.1, **options)
    content = builder.finish([builder.op("ADD", [image, turned], (1, 4), 0.2)])

    assert [node.kind for node in read_graph(parse_tflite(content)).nodes] == ["ADD"]
    check_exact([Subject(kind, content, random_images((1, 4), 0))], tflm, None)


def test_files_of_old_converters_are_read(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    layers = Layers.seeded(0)
    output = layers.dense(layers.conv(layers.input(SHAPE), 3), 4)

    content = layers.builder.finish([output.index], old_codes=True)

    assert parse_tflite(content).operators[0].kind == "CONV_2D"
    check_exact([Subject("old", content, random_images(SHAPE, 0))], tflm, witness)


def test_operators_that_the_output_does_not_need_are_dropped(tflm: RuntimeWorker) -> None:
    layers = Layers.seeded(0)
    image = layers.input(SHAPE)
    kept = layers.conv(image, 3)
    layers.op("EXP", [image], SHAPE)  # not supported, and not needed
    layers.op("CUSTOM:my_layer", [kept], SHAPE)
    layers.conv(kept, 2)

    content = layers.finish(kept)

    assert [node.kind for node in read_graph(parse_tflite(content)).nodes] == ["CONV_2D"]


# What is refused


def test_an_operator_that_there_is_not_is_refused_where_nothing_reads_it() -> None:
    layers = Layers.seeded(0)
    image = layers.input(SHAPE)
    kept = layers.conv(image, 3)
    layers.op("EXP", [image], SHAPE)

    def change(model: Any) -> None:
        exponential = model.operatorCodes[model.subgraphs[0].operators[1].opcodeIndex]
        exponential.builtinCode, exponential.deprecatedBuiltinCode = 217, 127

    assert "nothing reads it, but no interpreter has a kernel" in refusal(edited(layers.finish(kept), change))


def test_every_problem_is_named_at_once() -> None:
    layers = Layers.seeded(0)
    image = layers.input(SHAPE)
    doubled = layers.op("ADD_N", [image, image], SHAPE)
    squared = layers.op("SQUARE", [doubled], SHAPE)
    custom = layers.op("CUSTOM:my_layer", [squared], SHAPE)
    weights = layers.builder.constant(np.ones((2, 3, 3, 2)), [0.1, 0.1], 0, dtype="float32")
    output = layers.op("CONV_2D", [custom, weights], (1, 5, 6, 2))

    message = refusal(layers.finish(output))

    for expected in (
        "operator 0 ADD_N (also 1 SQUARE, 2 CUSTOM:my_layer): not supported", "replace the layer",
        "operator 3 CONV_2D: weights", "float32",
    ):  # fmt: skip
        assert expected in message
    assert "supported are ABS, ADD, " in message


def test_a_float_model_is_refused_where_only_int8_will_do(real_models: Path) -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        compile_model(read_tflite(real_models / "compact_float.tflite"), CodegenSettings())

    assert "float32, needed is int8" in str(caught.value)
    assert "edgemnist convert --int8" in str(caught.value)


def test_of_several_graphs_the_first_is_taken() -> None:
    layers = Layers.seeded(0)
    output = layers.conv(layers.input(SHAPE), 2)

    graph = read_graph(parse_tflite(layers.builder.finish([output.index], subgraphs=2)))

    assert (len(graph.nodes), graph.further) == (1, 1)


def test_a_batch_of_several_images_is_refused_where_images_come_one_by_one() -> None:
    layers = Layers.seeded(0)
    image = layers.input((2, 5, 6, 2))
    model = parse_tflite(layers.finish(layers.op("RELU", [image], image.shape)))

    compile_model(model, CodegenSettings(), any_net=True)
    with pytest.raises(UnsupportedModelError, match=r"shape \[2, 5, 6, 2\], needed is batch 1"):
        compile_model(model, CodegenSettings())


def test_several_outputs_of_one_operator_are_refused() -> None:
    layers = Layers.seeded(0)
    image = layers.input(SHAPE)
    both = [layers.builder.tensor(SHAPE, 0.1, 0) for _ in range(2)]
    layers.builder.multi_op("RELU", [image.index], both)

    assert "operator 0 RELU: has 2 outputs, needed is 1" in refusal(layers.builder.finish(both[:1]))


def test_a_tensor_that_is_written_twice_is_refused() -> None:
    layers = Layers.seeded(0)
    image = layers.input(SHAPE)
    output = layers.op("RELU", [image], SHAPE)
    layers.builder.multi_op("RELU", [output.index], [image.index])
    layers.builder.multi_op("RELU", [image.index], [output.index])

    message = refusal(layers.finish(output))

    assert "operator 1 RELU (also 2 RELU): writes 'input' (also 'relu_1'), which has a value already" in message


@pytest.mark.parametrize(("dtype", "scale"), [("int8", None), ("int64", None), ("int16", None)])
def test_an_input_that_c_has_no_constants_for_is_refused(dtype: str, scale: float | None) -> None:
    builder = ModelBuilder()
    image = builder.tensor((1, 6), scale, dtype=dtype, name="image")
    builder._inputs.append(image)
    target = builder.constant([1, 2, 3], dtype="int32")
    output = builder.op("RESHAPE", [image, target], (1, 2, 3), scale, dtype=dtype)

    assert f"tensor 'image' is {dtype}" in refusal(builder.finish([output]))


@pytest.mark.parametrize("value", [None, np.ones(SHAPE, np.int8)], ids=["never written", "constant"])
def test_an_output_that_is_not_computed_is_refused(value: Any) -> None:
    layers = Layers.seeded(0)
    layers.conv(layers.input(SHAPE), 2)
    output = layers.builder.tensor(SHAPE, 0.1, 0, data=value, name="result")

    assert "the output 'result' does not depend on the input" in refusal(layers.builder.finish([output]))


def test_a_variable_is_refused() -> None:
    layers = Layers.seeded(0)
    image = layers.input(SHAPE)
    state = Value(layers.builder.tensor(SHAPE, 0.1, 0, name="state", variable=True), SHAPE, 0.1, 0)

    assert "'state' is read before it is written" in refusal(layers.finish(layers.add(image, state)))


def convolution(**changes: Any) -> bytes:
    """Return a CONV_2D of a 5x6x2 image with 3 filters of 3x3, or what ``changes`` make of it."""
    details: dict[str, Any] = {
        "input": (1, 5, 6, 2), "weights": (3, 3, 3, 2), "scales": [0.1, 0.2, 0.3], "zeros": 0, "axis": 0,
        "bias": (3,), "output": (1, 5, 6, 3), "input_scale": 0.1, "input_zero": 0, "output_scale": 0.5,
        "output_zero": 0, "padding": 0, "stride_h": 1, "stride_w": 1, "dilation": 1, "activation": 0,
    }  # fmt: skip
    details |= changes
    builder = ModelBuilder()
    image = builder.input(details["input"], details["input_scale"], details["input_zero"])
    weights = builder.constant(np.ones(details["weights"]), details["scales"], details["zeros"], axis=details["axis"])
    inputs = [image, weights]
    if details["bias"] is not None:
        inputs.append(builder.constant(np.ones(details["bias"]), 0.01, dtype="int32"))
    return builder.finish([
        builder.op(
            "CONV_2D", inputs, details["output"], details["output_scale"], details["output_zero"],
            padding=details["padding"], stride_h=details["stride_h"], stride_w=details["stride_w"],
            dilation_h_factor=details["dilation"], fused_activation_function=details["activation"],
        )
    ])  # fmt: skip


def test_the_convolution_itself_is_taken() -> None:
    assert len(read_graph(parse_tflite(convolution())).nodes) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"output": (1, 5, 5, 3)}, "[1, 5, 5, 3]"),
        ({"output": (1, 5, 6, 4)}, "[1, 5, 6, 4]"),
        ({"output": (1, 30, 3)}, "[1, 30, 3]"),
        ({"input": (1, 30, 2)}, "[1, 30, 2]"),
        ({"weights": (3, 3, 2)}, "[3, 3, 2]"),
        ({"weights": (3, 9, 9, 2), "padding": PADDING_VALID}, "kernel"),
        ({"scales": [0.1, 0.2]}, "2 scales"),
        ({"axis": 3, "scales": [0.1, 0.2]}, "2 scales"),
        ({"scales": [0.1, float("nan"), 0.1]}, "scale"),
        ({"zeros": 3}, "zero point 0"),
        ({"bias": (4,)}, "bias"),
        ({"input_scale": 0.0}, "scale"),
        ({"output_scale": float("inf")}, "scale"),
        ({"output_scale": -0.5}, "scale"),
        ({"output_zero": 128}, "zero point"),
        ({"stride_h": 0}, "stride"),
        ({"stride_w": -1}, "stride"),
        ({"dilation": 0}, "dilation"),
        ({"activation": 4}, "fused activation 4"),
        ({"weights": (3, 3, 3, 3)}, "groups"),
    ],
)
def test_a_convolution_that_makes_no_sense_is_refused(changes: dict[str, Any], reason: str) -> None:
    message = refusal(convolution(**changes))

    assert reason in message
    assert "operator 0 CONV_2D" in message


@cache
def small_models() -> list[bytes]:
    return [random_network(seed, operators=4).content for seed in range(30)]


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_file_is_refused_or_compiled_but_never_crashes_the_compiler(seed: int) -> None:
    generator = random.Random(seed)
    outcomes = {"compiled": 0, "refused": 0}
    for _ in range(150):
        content = bytearray(generator.choice(small_models()))
        for _ in range(generator.choice((1, 1, 2, 5))):
            position = generator.randrange(len(content))
            content[position] = generator.choice((0, 1, 127, 128, 255, generator.randrange(256)))
        if generator.random() < 0.1:
            del content[generator.randrange(len(content)) :]
        try:
            graph = read_graph(parse_tflite(bytes(content)))
        except EdgeMnistError:
            outcomes["refused"] += 1
        else:
            lower(optimise(graph), LoweringSettings())
            outcomes["compiled"] += 1
    assert min(outcomes.values()) > 20


def test_damage_that_changes_no_structure_still_plans() -> None:
    content = random_network(3).content

    assert plan(lower(optimise(read_graph(parse_tflite(content))), LoweringSettings())).size > 0


def test_a_pool_of_the_wrong_size_is_refused() -> None:
    layers = Layers.seeded(0)
    image = layers.input(SHAPE)
    pooled = layers.op("MAX_POOL_2D", [image], (1, 4, 4, 2), filter_height=2, filter_width=2, padding=PADDING_VALID)

    assert "[1, 4, 4, 2]" in refusal(layers.finish(pooled))


def test_a_dense_layer_of_the_wrong_size_is_refused() -> None:
    layers = Layers.seeded(0)
    image = layers.input((1, 10))
    weights = layers.builder.constant(np.ones((3, 5)), 0.1)

    assert "operator 0 FULLY_CONNECTED" in refusal(
        layers.finish(layers.op("FULLY_CONNECTED", [image, weights], (1, 3)))
    )


def test_an_image_that_a_depthwise_layer_does_not_fit_is_refused() -> None:
    layers = Layers.seeded(0)
    image = layers.input(SHAPE)
    weights = layers.builder.constant(np.ones((1, 3, 3, 4)), 0.1)
    output = layers.op("DEPTHWISE_CONV_2D", [image, weights], (1, 5, 6, 6), depth_multiplier=2)

    assert "operator 0 DEPTHWISE_CONV_2D" in refusal(layers.finish(output))
    assert Window().kernel == (3, 3)


@pytest.mark.parametrize("seed", range(0, 30, 3))
def test_a_tensor_of_another_size_than_its_operator_makes_is_refused(seed: int) -> None:
    content = random_network(seed).content
    model = parse_tflite(content)
    for index in {index for node in read_graph(model).nodes for index in node.outputs}:
        for axis in range(1, len(model.tensors[index].shape)):
            for delta in (-1, 1):
                refusal(edited(content, partial(change_size, index, axis, delta)))


def change_size(index: int, axis: int, delta: int, model: Any) -> None:
    """Add ``delta`` to one size of a tensor's shape."""
    tensor = model.subgraphs[0].tensors[index]
    tensor.shape = [size + (delta if position == axis else 0) for position, size in enumerate(tensor.shape)]
