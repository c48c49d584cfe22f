"""Nets in float32: equal to TFLM to the last bit, after every operator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.compiler.generate import CodegenSettings, generate
from edgemnist.compiler.graph import PADDING_SAME, PADDING_VALID
from edgemnist.runner import RuntimeWorker
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import parse_tflite
from tests.compiler.bench import SIZE_SANITISED, SPEED, VARIANTS, Subject, Toolchain, check_exact
from tests.compiler.model_builder import ModelBuilder, edited

GNU = Toolchain("gcc -O3 with FMA", "gcc", ("-std=gnu11", "-O3", "-mfma", "-mavx2"))
"""A compiler that would take a product and a sum together, if it were not told otherwise."""

CLANG_FMA = Toolchain("clang -O2 with FMA", "clang", ("-std=gnu11", "-O2", "-mfma", "-mavx2"))


class Floats:
    """A model of float32 under construction, with weights from a seed."""

    def __init__(self, seed: int) -> None:
        self.builder = ModelBuilder()
        self.random = np.random.default_rng(seed)
        self.shapes: dict[int, tuple[int, ...]] = {}

    def input(self, shape: Sequence[int]) -> int:
        return self._known(self.builder.input(shape, None, dtype="float32"), shape)

    def constant(self, shape: Sequence[int]) -> int:
        values = self.random.normal(size=shape).astype(np.float32)
        return self.builder.constant(values, dtype="float32")

    def op(self, kind: str, inputs: Sequence[int], shape: Sequence[int], **options: Any) -> int:
        return self._known(self.builder.op(kind, list(inputs), shape, dtype="float32", **options), shape)

    def layer(self, kind: str, image: int, weights: Sequence[int], shape: Sequence[int], **options: Any) -> int:
        channels = weights[3] if kind == "DEPTHWISE_CONV_2D" else weights[0]
        bias = [self.constant((channels,))] if options.pop("bias", True) else []
        return self.op(kind, [image, self.constant(weights), *bias], shape, **options)

    def _known(self, index: int, shape: Sequence[int]) -> int:
        self.shapes[index] = tuple(shape)
        return index

    def subject(self, name: str, shape: Sequence[int], *outputs: int, witnessed: bool = False) -> Subject:
        images = np.concatenate(
            [self.random.normal(size=(3, *shape)), np.zeros((1, *shape)), self.random.normal(size=(1, *shape)) * 1e6]
        ).astype(np.float32)
        return Subject(name, self.builder.finish(outputs), images, witnessed)


def convolutions() -> list[Subject]:
    found = []
    for number, (kernel, stride, dilation, padding, activation, bias) in enumerate(
        [
            ((3, 3), 1, 1, PADDING_SAME, 1, True),
            ((1, 1), 1, 1, PADDING_VALID, 0, False),
            ((2, 3), 2, 1, PADDING_VALID, 3, True),
            ((3, 2), 1, 2, PADDING_SAME, 2, True),
        ]
    ):
        extent = [(size - 1) * dilation + 1 for size in kernel]
        sizes = [
            -(-size // stride) if padding == PADDING_SAME else (size - reach) // stride + 1
            for size, reach in zip((7, 6), extent, strict=True)
        ]
        options = {
            "padding": padding, "stride_h": stride, "stride_w": stride, "dilation_h_factor": dilation,
            "dilation_w_factor": dilation, "fused_activation_function": activation, "bias": bias,
        }  # fmt: skip
        net = Floats(number)
        image = net.input((1, 7, 6, 3))
        conv = net.layer("CONV_2D", image, (5, *kernel, 3), (1, *sizes, 5), **options)
        wide = net.layer("DEPTHWISE_CONV_2D", image, (1, *kernel, 6), (1, *sizes, 6), depth_multiplier=2, **options)
        found.append(net.subject(f"convolution {number}", (1, 7, 6, 3), conv, wide))
    return found


def groups() -> Subject:
    net = Floats(21)
    image = net.input((1, 5, 4, 6))
    return net.subject(
        "groups", (1, 5, 4, 6), net.layer("CONV_2D", image, (4, 2, 3, 3), (1, 5, 4, 4), padding=PADDING_SAME)
    )


def others() -> list[Subject]:
    net = Floats(11)
    image = net.input((1, 6, 5, 4))
    window = {"filter_height": 3, "filter_width": 2, "stride_h": 2, "stride_w": 1}
    same = net.op("AVERAGE_POOL_2D", [image], (1, 3, 5, 4), padding=PADDING_SAME, **window)
    largest = net.op("MAX_POOL_2D", [image], (1, 2, 4, 4), padding=PADDING_VALID, fused_activation_function=1, **window)
    axes = net.builder.constant([1, 2], dtype="int32")
    mean = net.op("MEAN", [same, axes], (1, 4), keep_dims=False)
    pools = net.subject("pools", (1, 6, 5, 4), largest, mean)
    net = Floats(12)
    image = net.input((1, 12))
    dense = net.layer("FULLY_CONNECTED", image, (7, 12), (1, 7), fused_activation_function=1)
    bare = net.layer("FULLY_CONNECTED", dense, (7, 7), (1, 7), bias=False)
    added = net.op("ADD", [dense, bare], (1, 7), fused_activation_function=3)
    taken = net.op("SUB", [added, net.constant((7,))], (1, 7))
    scaled = net.op("MUL", [net.constant((1, 1)), taken], (1, 7))
    clamped = net.op("RELU6", [scaled], (1, 7))
    softmax = net.op("SOFTMAX", [clamped], (1, 7), beta=0.7)
    return [pools, net.subject("elements", (1, 12), softmax, scaled)]


def test_exact_to_the_last_bit(tflm: RuntimeWorker) -> None:
    check_exact([*convolutions(), groups(), *others()], tflm, None, [SIZE_SANITISED, SPEED], VARIANTS)


@pytest.mark.parametrize("toolchain", [GNU, CLANG_FMA], ids=str)
def test_no_product_and_sum_become_one(toolchain: Toolchain, tflm: RuntimeWorker) -> None:
    check_exact([*convolutions(), *others()], tflm, None, [toolchain])


def test_the_command_makes_c_of_a_float_model(
    real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["codegen", str(real_models / "compact_float.tflite"), "--out", str(tmp_path)]) == 0
    header = (tmp_path / "model.h").read_text()
    assert "const float input[MODEL_INPUT_SIZE], float output[MODEL_OUTPUT_SIZE]" in header
    assert not (tmp_path / "model_test.c").exists()
    out = capsys.readouterr().out
    assert "none: the C library computes SOFTMAX in float32" in out
    assert "`edgemnist convert --int8`" in out


def test_what_builds_firmware_takes_int8_alone(
    real_models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(real_models / "compact_float.tflite")
    for command in (["firmware", "package", "--for", "cmake", "--out", str(tmp_path / "a.zip")], ["firmware", "build"]):
        assert cli.run([*command, model]) == 2
        assert "float32, needed is int8" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def broken(change: Any) -> bytes:
    net = Floats(1)
    image = net.input((1, 4))
    weights = np.ones((2, 4), np.float32)
    change(weights)
    constant = net.builder.constant(weights, dtype="float32")
    return net.builder.finish([net.op("FULLY_CONNECTED", [image, constant], (1, 2))])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(value: float) -> None:
    def change(weights: Any) -> None:
        weights[0, 0] = value

    with pytest.raises(UnsupportedModelError, match="holds infinity or what is no number"):
        generate(parse_tflite(broken(change)), CodegenSettings())


def test_a_shape_that_is_not_what_the_weights_give_is_refused() -> None:
    def change(file: Any) -> None:
        file.subgraphs[0].tensors[-1].shape = [1, 3]

    with pytest.raises(UnsupportedModelError, match="the file says"):
        generate(parse_tflite(edited(broken(lambda weights: None), change)), CodegenSettings())


@pytest.mark.parametrize("multiplier", [0, 1, 3])
def test_a_depth_multiplier_that_contradicts_the_weights_is_refused(multiplier: int) -> None:
    """TFLM goes by the option: with 0 it would compute nothing."""
    net = Floats(1)
    image = net.input((1, 4, 4, 3))
    layer = net.layer("DEPTHWISE_CONV_2D", image, (1, 1, 1, 6), (1, 4, 4, 6), depth_multiplier=multiplier)

    with pytest.raises(UnsupportedModelError, match=f"depth_multiplier {multiplier} makes no 6 output channels of 3"):
        generate(parse_tflite(net.builder.finish([layer])), CodegenSettings())


@pytest.mark.parametrize("axes", [[5, 6], [1, 6], [-7, 2]])
def test_a_mean_over_axes_that_are_not_there_is_refused(axes: Sequence[int]) -> None:
    net = Floats(1)
    image, axis = net.input((1, 4, 3, 2)), net.builder.constant(axes, dtype="int32")
    mean = net.op("MEAN", [image, axis], (1, 2), keep_dims=False)

    with pytest.raises(UnsupportedModelError, match=r"axis \S+ of 'input' with 4 axes"):
        generate(parse_tflite(net.builder.finish([mean])), CodegenSettings())


@pytest.mark.parametrize("beta", [0.0, -1.0, np.nan, np.inf])
def test_a_softmax_needs_a_beta_above_0(beta: float) -> None:
    net = Floats(1)
    softmax = net.op("SOFTMAX", [net.input((1, 5))], (1, 5), beta=beta)

    with pytest.raises(UnsupportedModelError, match="needed is a number above 0"):
        generate(parse_tflite(net.builder.finish([softmax])), CodegenSettings())
