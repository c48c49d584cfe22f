"""Releases of one net: with dead channels, which the compiler leaves out, with none, and with a wider layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgemnist.runner.run import run_model
from tests.compiler.model_builder import ModelBuilder

SIDE, CLASSES = 6, 3


def release(channels: int = 8, dead: int = 0) -> bytes:
    """Return a convolution and a dense layer, of fixed weights; ``dead`` of the channels are always 0."""
    builder, generator = ModelBuilder(), np.random.default_rng(0)
    image = builder.input((1, SIDE, SIDE, 1), 1 / 255, -128)
    kernels, offsets = generator.integers(-100, 100, (channels, 3, 3, 1)), generator.integers(0, 500, channels)
    kernels[channels - dead :], offsets[channels - dead :] = 0, -5
    bias = builder.constant(offsets, 0.01 / 255, dtype="int32")
    shape, inputs = (1, SIDE, SIDE, channels), SIDE * SIDE * channels
    found = builder.op(
        "CONV_2D", [image, builder.constant(kernels, 0.01), bias], shape, 0.05, -128,
        padding=0, fused_activation_function=1, stride_h=1, stride_w=1,
    )  # fmt: skip
    sizes = builder.constant([1, inputs], dtype="int32")
    flat = builder.op("RESHAPE", [found, sizes], (1, inputs), 0.05, -128, new_shape=[1, inputs])
    weights = builder.constant(generator.integers(-100, 100, (CLASSES, inputs)), 0.002)
    scores = builder.op(
        "FULLY_CONNECTED", [flat, weights, builder.constant([0] * CLASSES, 0.0001, dtype="int32")], (1, CLASSES), 0.2, 3
    )
    return builder.finish([builder.op("SOFTMAX", [scores], (1, CLASSES), 1 / 256, -128, beta=1.0)])


def write_releases(folder: Path) -> Path:
    """Write small.tflite, whose dead channels cost nothing, full.tflite without any, and wide.tflite with more.

    :returns: their dataset, of which small.tflite gets all right, as its labels are its answers.
    """
    for name, content in (("small", release(dead=4)), ("full", release()), ("wide", release(16))):
        (folder / f"{name}.tflite").write_bytes(content)
    generator = np.random.default_rng(1)
    light = generator.uniform(0, 1.5, (220, 1, 1, 1))
    images = np.clip(generator.normal(128, 60, (220, SIDE, SIDE, 1)) * light, 0, 255).astype(np.uint8)
    answers = run_model("tflm", folder / "small.tflite", images).outputs.reshape(len(images), -1).argmax(axis=1)
    path = folder / "noise.npz"
    np.savez(path, x_train=images[:100], y_train=answers[:100], x_test=images[100:], y_test=answers[100:])
    return path
