"""Layers on several images at once: the kernel of one image is called for each, with every body and fusion."""

from __future__ import annotations

import numpy as np
import pytest

from edgemnist.compiler.generate import CodegenSettings, compile_model
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.compiler.targets import TOLD_APART
from edgemnist.runner import RuntimeWorker
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import SIZE_SANITISED, SPEED, VARIANTS, Subject, Variant, check_exact
from tests.compiler.model_builder import ModelBuilder
from tests.compiler.operators import assert_exact, assert_refused, inputs_for
from tests.compiler.test_operators_float import hybrid

IMAGE = (0.05, -7)


def _convolved(
    builder: ModelBuilder,
    value: int,
    shape: tuple[int, ...],
    channels: int,
    kernel: int,
    dtype: str = "int8",
    **options: int,
) -> int:
    random = np.random.default_rng(shape[-1] + kernel)
    weights, bias = (
        random.integers(-127, 128, (shape[-1], kernel, kernel, channels)),
        random.integers(-99, 99, shape[-1]),
    )
    given = {"padding": PADDING_SAME, "stride_h": 1, "stride_w": 1, **options}
    if dtype == "float32":
        operands = [builder.constant(weights / 99, dtype=dtype), builder.constant(bias / 99, dtype=dtype)]
        return builder.op("CONV_2D", [value, *operands], shape, dtype=dtype, **given)  # type: ignore[arg-type]
    scales = [0.003 + 0.001 * channel for channel in range(shape[-1])]
    operands = [
        builder.constant(weights, scales, [0] * shape[-1]),
        builder.constant(bias, [IMAGE[0] * scale for scale in scales], [0] * shape[-1], dtype="int32"),
    ]
    return builder.op("CONV_2D", [value, *operands], shape, *IMAGE, **given)  # type: ignore[arg-type]


def net(images: int, height: int = 5, width: int = 6, channels: int = 3) -> bytes:
    """Return a net of every kind of layer with a kernel of one image, a residual and fused pools among them."""
    builder = ModelBuilder()
    value = image = builder.input((images, height, width, channels), *IMAGE)
    value = _convolved(builder, value, (images, height, width, channels), channels, 3)
    value = builder.op("ADD", [value, image], (images, height, width, channels), *IMAGE)
    filters = builder.constant(
        np.random.default_rng(1).integers(-127, 128, (1, 3, 3, channels)), [0.01] * channels, [0] * channels, axis=3
    )
    bias = builder.constant(np.arange(channels), [0.01 * IMAGE[0]] * channels, [0] * channels, dtype="int32")
    options = {"padding": PADDING_SAME, "stride_h": 1, "stride_w": 1, "depth_multiplier": 1}
    shape = (images, height, width, channels)
    value = builder.op("DEPTHWISE_CONV_2D", [value, filters, bias], shape, *IMAGE, **options)  # type: ignore[arg-type]
    value = _convolved(builder, value, (images, height, width, 8), channels, 1)
    value = builder.op(
        "MAX_POOL_2D", [value], (images, height // 2, width // 2, 8), *IMAGE, padding=PADDING_VALID, stride_h=2,
        stride_w=2, filter_height=2, filter_width=2,
    )  # fmt: skip
    value = _convolved(builder, value, (images, height // 2, width // 2, 4), 8, 3)
    value = builder.op(
        "AVERAGE_POOL_2D", [value], (images, height // 2, width // 2, 4), *IMAGE, padding=PADDING_SAME, stride_h=1,
        stride_w=1, filter_height=2, filter_width=2,
    )  # fmt: skip
    return builder.finish([value])


def floats(images: int) -> bytes:
    builder = ModelBuilder()
    value = builder.input((images, 4, 5, 2), None, dtype="float32")
    return builder.finish([_convolved(builder, value, (images, 4, 5, 3), 2, 3, "float32")])


def _subject(name: str, content: bytes) -> Subject:
    return Subject(name, content, inputs_for(content)[0])


def test_exact(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    subjects = [_subject(f"{images} images", net(images)) for images in (1, 3)]
    subjects += [_subject("wide", net(2, 7, 5, 16)), _subject("floats", floats(3))]
    check_exact(subjects, tflm, witness, [SIZE_SANITISED], VARIANTS[:2])


@pytest.mark.parametrize("target", [one.name for one in TOLD_APART if "x86-64" in one.name])
def test_exact_with_bodies_of_this_computer(tflm: RuntimeWorker, target: str) -> None:
    check_exact([_subject("3 images", net(3, channels=8))], tflm, None, [SPEED], [Variant(target=target)])


def test_an_image_takes_what_it_takes_alone() -> None:
    one, three = (compile_model(parse_tflite(net(images)), CodegenSettings(), any_net=True)[0] for images in (1, 3))
    assert three.macs == 3 * one.macs
    assert three.constant_bytes == one.constant_bytes
    assert [step.images for step in three.steps] == [3] * len(three.steps)


def test_another_number_of_images_is_refused() -> None:
    builder = ModelBuilder()
    value = _convolved(builder, builder.input((3, 4, 4, 2), *IMAGE), (2, 4, 4, 2), 2, 3)
    assert_refused(builder.finish([value]), "needed are")


def test_too_many_images_are_refused() -> None:
    assert_refused(net(257, 2, 2, 2), "needed are .1 to 256, height")


def test_each_image_of_a_hybrid_layer_is_quantised_by_itself(witness: RuntimeWorker) -> None:
    options = {"padding": PADDING_VALID, "stride_h": 1, "stride_w": 1}
    content = hybrid("CONV_2D", (3, 4, 5, 2), (3, 2, 2, 2), (3, 3, 4, 3), 0, **options)
    assert_exact({"hybrid": content}, witness, None)
