"""uint8 nets: exact after every operator, where int8 kernels do their work and where they can't."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from edgemnist.compiler.claims import Schema
from edgemnist.compiler.graph import UINT8
from edgemnist.compiler.ops import OPERATORS
from edgemnist.compiler.ops.uint8_layers import PLACE_CHANNELS
from edgemnist.compiler.passes import optimise
from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import SPEED, Subject, Variant, check_exact
from tests.compiler.layers import random_images
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_refused
from tests.compiler.random_graphs import random_network
from tests.compiler.uint8_nets import as_uint8, as_unsigned

SHAPE = (1, 7, 6, 4)
KERNELS = {"CONV_2D": (8, 3, 3, 4), "DEPTHWISE_CONV_2D": (1, 3, 3, 8), "FULLY_CONNECTED": (8, 4)}
WIDE = {"none": (), "some": (2, 7), "most": (0, 1, 3, 4, 6)}
"""Output channels of which a weight does not fit int8."""

VARIANTS = (Variant(fusions=()), Variant(apart=True))


def layer(kind: str, wide: Sequence[int], zero_point: int = 147, **options: Any) -> bytes:
    """Return a layer of 8 output channels in uint8."""
    builder, generator = ModelBuilder(), np.random.default_rng(len(wide) + zero_point)
    low, high = max(0, zero_point - 128), min(255, zero_point + 127)
    weights = generator.integers(low, high, KERNELS[kind], endpoint=True)
    rows = np.moveaxis(weights, -1, 0) if kind == "DEPTHWISE_CONV_2D" else weights
    for channel in wide:
        rows[channel][(0,) * (rows.ndim - 1)] = 0 if zero_point > 128 else 255
    image = builder.input(SHAPE, 0.05, 120, dtype="uint8")
    operands = [
        image,
        builder.constant(weights, 0.01, zero_point, dtype="uint8"),
        builder.constant(generator.integers(-3000, 3000, 8), 0.05 * float(np.float32(0.01)), dtype="int32"),
    ]
    options |= {"depth_multiplier": 2} if kind == "DEPTHWISE_CONV_2D" else {}
    options |= {"keep_num_dims": 1} if kind == "FULLY_CONNECTED" else {}
    output = builder.op(kind, operands, (1, 7, 6, 8), 0.13, 99, dtype="uint8", version=1, **options)
    return builder.finish([output])


def single(kind: str, before: tuple[float, int], after: tuple[float, int], **options: Any) -> bytes:
    """Return an operator of one input that keeps the shape."""
    builder = ModelBuilder()
    image = builder.input(SHAPE, *before, dtype="uint8")
    return builder.finish([builder.op(kind, [image], SHAPE, *after, dtype="uint8", version=1, **options)])


def pool(size: int, padding: int) -> bytes:
    """Return means over windows of which many are ties."""
    builder = ModelBuilder()
    image = builder.input(SHAPE, 0.1, 130, dtype="uint8")
    shape = SHAPE if padding == 0 else (1, 8 - size, 7 - size, 4)
    options: dict[str, Any] = {"filter_height": size, "filter_width": size, "padding": padding}
    return builder.finish(
        [builder.op("AVERAGE_POOL_2D", [image], shape, 0.1, 130, dtype="uint8", version=1, **options)]
    )


def joined() -> bytes:
    """Return a CONCATENATION of an image, the same in another scale, and a constant in a third one."""
    builder = ModelBuilder()
    image = builder.input(SHAPE, 0.1, 130, dtype="uint8")
    other = builder.op("QUANTIZE", [image], SHAPE, 0.07, 90, dtype="uint8", version=1)
    constant = builder.constant(np.arange(168).reshape(SHAPE), 0.2, 60, dtype="uint8")
    parts = [image, other, constant]
    return builder.finish([builder.op("CONCATENATION", parts, (1, 7, 6, 12), 0.1, 130, dtype="uint8", axis=3)])


def resized(height: int, width: int, **options: Any) -> bytes:
    """Return RESIZE_BILINEAR."""
    builder = ModelBuilder()
    image = builder.input(SHAPE, 0.1, 130, dtype="uint8")
    size = builder.constant([height, width], dtype="int32")
    shape = (1, height, width, 4)
    return builder.finish(
        [builder.op("RESIZE_BILINEAR", [image, size], shape, 0.1, 130, dtype="uint8", version=1, **options)]
    )


def largest(dtype: str) -> bytes:
    """Return ARG_MAX over the channels."""
    builder = ModelBuilder()
    image = builder.input(SHAPE, 0.1, 130, dtype="uint8")
    axis = builder.constant([3], dtype="int32")
    return builder.finish(
        [builder.op("ARG_MAX", [image, axis], SHAPE[:3], dtype=dtype, output_type=4 if dtype == "int64" else 2)]
    )


def product() -> bytes:
    """Return MUL of an image by itself, in scales whose product float32 rounds."""
    builder = ModelBuilder()
    image = builder.input(SHAPE, 0.1, 130, dtype="uint8")
    return builder.finish([builder.op("MUL", [image, image], SHAPE, 0.7, 3, dtype="uint8", version=1)])


LAYERS = {
    f"{kind}, {name} wide": layer(kind, channels) for kind in KERNELS for name, channels in WIDE.items()
} | {
    "from below": layer("CONV_2D", WIDE["some"], 61, fused_activation_function=3),
    "pointless zero point": layer("DEPTHWISE_CONV_2D", (), 128, fused_activation_function=1),
}  # fmt: skip
ELEMENTS = {
    f"{kind}, {scale}": single(kind, (scale, 117), after)
    for kind, after in (
        ("LOGISTIC", (1 / 256, 0)), ("TANH", (1 / 128, 128)), ("RELU", (0.11, 40)), ("RELU6", (6 / 255, 0)),
    )
    for scale in (0.003, 0.04, 0.1)
} | {
    "LEAKY_RELU": single("LEAKY_RELU", (0.1, 117), (0.07, 80), alpha=0.3),
    "LEAKY_RELU, falling": single("LEAKY_RELU", (0.1, 117), (0.1, 80), alpha=-0.25),
    "SOFTMAX": single("SOFTMAX", (0.1, 117), (1 / 256, 0), beta=1.0),
    "QUANTIZE": single("QUANTIZE", (0.1, 117), (0.13, 22)),
    "MUL": product(),
}  # fmt: skip
OTHERS = {
    **{f"pool, {size}, padding {padding}": pool(size, padding) for size in (2, 3) for padding in (0, 1)},
    "joined": joined(),
    "larger": resized(11, 9), "corners": resized(13, 7, align_corners=1),
    "centers": resized(5, 13, half_pixel_centers=1),
    "ARG_MAX": largest("int32"), "ARG_MAX, wide": largest("int64"),
}  # fmt: skip


def subjects(models: dict[str, bytes]) -> list[Subject]:
    """Return models with images: extremes, noise, and every value in turn."""
    rising = (np.arange(168) % 256 - 128).astype(np.int8).reshape(SHAPE)
    images = as_unsigned(np.concatenate([random_images(SHAPE, 5, 4), rising[None], -1 - rising[None]]))
    return [Subject(name, content, images) for name, content in models.items()]


@pytest.mark.parametrize("models", [LAYERS, ELEMENTS, OTHERS], ids=["layers", "elements", "others"])
def test_exact(models: dict[str, bytes], witness: RuntimeWorker) -> None:
    check_exact(subjects(models), witness, None, variants=VARIANTS)


def test_exact_with_the_bodies_of_this_machine(witness: RuntimeWorker) -> None:
    check_exact(subjects(LAYERS), witness, None, (SPEED,), (Variant(target="x86-64"),))


@pytest.mark.parametrize("seed", range(6))
def test_random_networks_are_exact(seed: int, witness: RuntimeWorker) -> None:
    found = random_network(seed, plain=True)
    content = as_uint8(found.content, weights_zero_point=(0, 3, -19, 60)[seed % 4])
    check_exact([Subject(found.name, content, as_unsigned(found.images))], witness, None, variants=VARIANTS)


@pytest.mark.parametrize(("name", "kinds"), [("none", 0), ("some", 1), ("most", 0)])
def test_few_wide_channels_leave_the_others_to_an_int8_layer(name: str, kinds: int) -> None:
    graph = optimise(read_graph(parse_tflite(layer("CONV_2D", WIDE[name]))))
    made = [node.kind for node in graph.nodes]
    assert made.count(PLACE_CHANNELS) == kinds
    assert made.count("CONV_2D") == (name != "most")
    assert made.count(f"{UINT8}CONV_2D") == (name != "none")


def test_refuses_an_operator_whose_uint8_arithmetic_is_unknown() -> None:
    assert_refused(single("HARD_SWISH", (0.1, 117), (0.1, 117)), "HARD_SWISH: not supported in uint8; convert")


def test_refuses_a_bias_in_another_scale() -> None:
    builder = ModelBuilder()
    image = builder.input((1, 4), 0.5, 3, dtype="uint8")
    weights = builder.constant(np.zeros((2, 4)), 0.5, 3, dtype="uint8")
    bias = builder.constant([1, 2], 0.5, dtype="int32")
    output = builder.op("FULLY_CONNECTED", [image, weights, bias], (1, 2), 0.5, 3, dtype="uint8", version=1)
    assert_refused(builder.finish([output]), "the bias has the scale 0.5")


def test_refuses_int8_beside_uint8() -> None:
    builder = ModelBuilder()
    image = builder.input(SHAPE, 0.1, 3, dtype="uint8")
    other = builder.constant(np.ones(SHAPE), 0.1, 3)
    assert_refused(
        builder.finish([builder.op("ADD", [image, other], SHAPE, 0.1, dtype="uint8")]), "mixes uint8 and int8"
    )


def test_no_file_has_what_only_passes_make() -> None:
    inner = {kind for kind, operator in OPERATORS.items() if not operator.of_files}
    assert PLACE_CHANNELS in inner
    assert all(isinstance(OPERATORS[kind].kinds[kind], Schema) for kind in inner)
