"""A linear classifier of small colour pictures, made without training: five kinds of coloured patches on noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.harness.search import Pictures
from edgemnist.tflite.preprocessing import Preprocessing
from tests.compiler.model_builder import ModelBuilder

SIDE = 12
CLASSES = ("red left", "red top", "green left", "yellow below", "dark right")
_PATCHES = (
    ((slice(None), slice(0, 5)), (230, 20, 20)),
    ((slice(0, 5), slice(None)), (230, 20, 20)),
    ((slice(None), slice(0, 5)), (20, 230, 20)),
    ((slice(7, 12), slice(None)), (230, 210, 20)),
    ((slice(None), slice(7, 12)), (10, 10, 10)),
)


def draw_tiles(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images, uint8 (count, 12, 12, 3), and labels, which take turns."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    images = generator.normal(120, 25, (count, SIDE, SIDE, 3))
    for image, label in zip(images, labels, strict=True):
        place, colour = _PATCHES[label]
        image[place] = generator.normal(colour, 25, image[place].shape)
    return np.clip(images, 0, 255).astype(np.uint8), labels.astype(np.int64)


def tile_pictures(seed: int = 2) -> Pictures:
    """Return 500 labelled pictures, which no fit would change."""
    images, labels = draw_tiles(500, seed)
    return Pictures({"pad": images}, labels, len(CLASSES))


def write_tile_model(path: Path, given: Preprocessing) -> Path:
    """Write a float32 ``.tflite`` that is right for pictures that are fed as given: least squares, then a softmax."""
    images, labels = draw_tiles(2000, 1)
    inputs = given.real_input(images).reshape(len(images), -1).astype(np.float64)
    columns = np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)
    ridge = np.eye(columns.shape[1]) * 1e-3 * len(images) * float(columns.var())
    solution = np.linalg.solve(columns.T @ columns + ridge, columns.T @ (12 * np.eye(len(CLASSES))[labels] - 6))
    builder = ModelBuilder()
    image = builder.tensor((1, *_shape(given)), dtype="float32", name="image")
    builder._inputs.append(image)
    weights = builder.constant(solution[:-1].T, dtype="float32")
    bias = builder.constant(solution[-1], dtype="float32")
    shape = builder.constant([1, inputs.shape[1]], dtype="int32")
    flat = builder.op("RESHAPE", [image, shape], (1, inputs.shape[1]), dtype="float32")
    scores = builder.op("FULLY_CONNECTED", [flat, weights, bias], (1, len(CLASSES)), dtype="float32", version=1)
    output = builder.op("SOFTMAX", [scores], (1, len(CLASSES)), dtype="float32", version=1, beta=1.0)
    path.write_bytes(builder.finish([output]))
    return path


def _shape(given: Preprocessing) -> tuple[int, int, int]:
    return (3, SIDE, SIDE) if given.layout == "nchw" else (SIDE, SIDE, 3)
