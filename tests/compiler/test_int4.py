"""Layers with weights of 4 bits: equal to TFLM, and in flash as small as in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.graph import PADDING_VALID
from edgemnist.compiler.reader import read_graph
from edgemnist.runner import RuntimeWorker
from edgemnist.runner.client import runtime_worker
from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.int16_nets import Int16Net, convolution, int16_images
from tests.compiler.model_builder import ModelBuilder, edited
from tests.compiler.operators import assert_exact, assert_exact_at_limits, assert_reference_exact, assert_refused


def packed(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Return values -8..7 as the file has them: two in a byte, without a gap between rows."""
    flat = np.append(values.reshape(-1), np.zeros(values.size % 2, np.int64)) & 15
    return (flat[0::2] | flat[1::2] << 4).astype(np.uint8)


def layer(
    kind: str, image: Sequence[int], weights: Sequence[int], shape: Sequence[int], *, bias: bool = True,
    scales: int | None = None, **options: Any,
) -> bytes:  # fmt: skip
    """Return a net of one layer; ``scales``: how many its weights have, by default one for each channel."""
    builder, random = ModelBuilder(), np.random.default_rng(len(kind) + weights[0])
    axis = 3 if kind == "DEPTHWISE_CONV_2D" else 0
    channels, values = weights[axis], random.integers(-8, 8, weights)
    steps = list(random.uniform(0.02, 0.08, channels if scales is None else scales))
    entry = builder.input(image, 0.05, -7)
    operands = [entry, builder.tensor(weights, steps, dtype="int4", axis=axis, data=packed(values))]
    operands += [builder.constant(random.integers(-900, 900, channels), dtype="int32")] if bias else []
    scale = 0.1 * float(np.sqrt(values.size / channels))
    return builder.finish([builder.op(kind, operands, shape, scale, 5, **options)])


IMAGE = (1, 7, 6, 3)
TABLE = {
    "odd rows": layer("CONV_2D", IMAGE, (4, 3, 3, 3), (1, 7, 6, 4)),
    "even rows": layer("CONV_2D", (1, 5, 4, 4), (5, 2, 2, 4), (1, 4, 3, 5), padding=PADDING_VALID),
    "dilation": layer("CONV_2D", IMAGE, (2, 3, 2, 3), (1, 7, 6, 2), dilation_w_factor=2, dilation_h_factor=2),
    "groups": layer("CONV_2D", (1, 4, 4, 6), (4, 3, 3, 3), (1, 4, 4, 4), bias=False, fused_activation_function=1),
    "depthwise": layer("DEPTHWISE_CONV_2D", IMAGE, (1, 3, 3, 3), (1, 7, 6, 3), depth_multiplier=1),
    "multiplier": layer(
        "DEPTHWISE_CONV_2D", IMAGE, (1, 3, 2, 6), (1, 4, 3, 6), depth_multiplier=2, stride_h=2, stride_w=2,
        fused_activation_function=3,
    ),
    "dense": layer("FULLY_CONNECTED", (1, 13), (4, 13), (1, 4), scales=1),
    "dense, even": layer("FULLY_CONNECTED", (1, 3, 12), (5, 12), (1, 3, 5), scales=1, bias=False, keep_num_dims=True),
}  # fmt: skip


def test_exact(tflm: RuntimeWorker) -> None:
    assert_exact(TABLE, tflm, None)


def test_exact_at_the_limits_of_overlap(tflm: RuntimeWorker) -> None:
    assert_exact_at_limits({name: TABLE[name] for name in ("even rows", "depthwise", "multiplier")}, tflm)


def test_a_second_witness(tflm: RuntimeWorker, witness: RuntimeWorker) -> None:
    for name in ("odd rows", "depthwise", "multiplier", "dense"):
        assert_reference_exact(TABLE[name], tflm, witness)


def test_two_weights_take_a_byte() -> None:
    (step,) = generate(parse_tflite(TABLE["odd rows"]), CodegenSettings()).program.steps
    assert (step.function, step.arrays[0].bytes) == ("em_int4_conv_2d", 4 * 14)


def test_refuses_a_dense_layer_with_several_scales() -> None:
    assert_refused(layer("FULLY_CONNECTED", (1, 12), (4, 12), (1, 4)), "TFLM takes one; convert per tensor")


def test_refuses_weights_of_another_size() -> None:
    def change(file: Any) -> None:
        file.buffers[file.subgraphs[0].tensors[1].buffer].data = np.zeros(3, np.uint8)

    with pytest.raises(ModelError, match="type int4 needs 54 bytes, the file has 3"):
        read_graph(parse_tflite(edited(TABLE["odd rows"], change)))


def test_refuses_sums_that_overflow() -> None:
    def change(file: Any) -> None:
        bias = np.full(4, 2**31 - 20_000, np.int32).view(np.uint8)
        file.buffers[file.subgraphs[0].tensors[2].buffer].data = bias

    assert_refused(edited(TABLE["odd rows"], change), "a 32-bit accumulator can overflow")


def test_layers_of_all_widths_in_one_net(tflm: RuntimeWorker) -> None:
    """Their kernels lie in one C file, with the bodies of this machine."""
    net = Int16Net((1, 6, 5, 4))
    wide = convolution(net, net.input, (4, 3, 3, 4))
    pooled = net.op(
        "AVERAGE_POOL_2D", [wide], (1, 3, 2, 4), filter_height=2, filter_width=2, stride_h=2, stride_w=2, padding=1
    )
    narrow = net.builder.op("QUANTIZE", [pooled], (1, 3, 2, 4), 0.05, -7)
    weights = net.builder.constant(net.random.integers(-127, 128, (5, 3, 3, 4)), [0.004])
    conv = net.builder.op("CONV_2D", [narrow, weights], (1, 3, 2, 5), 0.1, 3)
    values = net.random.integers(-8, 8, (4, 3, 3, 5))
    small = net.builder.tensor(values.shape, [0.05], dtype="int4", data=packed(values))
    content = net.finish(net.builder.op("CONV_2D", [conv, small], (1, 3, 2, 4), 0.3, 5))
    images = int16_images((1, 6, 5, 4))
    with runtime_worker("host-c") as generated:
        np.testing.assert_array_equal(generated.invoke(content, [images]), tflm.invoke(content, [images]))
