"""Two nets that classify small pictures, made without training, and their dataset: one in floats, one in int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.tflite.preprocessing import Preprocessing
from tests.compiler.model_builder import ModelBuilder

SIDE = 6
CLASSES = ("left", "<script>alert(1)</script>", 'right "& | `two`')
_PLACES = ((slice(None), slice(0, 2)), (slice(0, 2), slice(None)), (slice(None), slice(4, 6)))
_INPUTS = SIDE * SIDE


def draw(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images, uint8 (count, 6, 6, 1), so noisy that some can't be told, and labels, which take turns."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    images = generator.normal(100, 60, (count, SIDE, SIDE))
    for image, label in zip(images, labels, strict=True):
        image[_PLACES[label]] += 60
    return np.clip(images, 0, 255).astype(np.uint8)[..., np.newaxis], labels.astype(np.int64)


def write_dataset(folder: Path) -> Path:
    """Write the pictures as an .npz with the names of the classes."""
    path = folder / "pictures.npz"
    (train, train_labels), (test, test_labels) = draw(300, 1), draw(120, 2)
    np.savez(
        path, x_train=train, y_train=train_labels, x_test=test, y_test=test_labels, class_names=np.array(CLASSES)
    )  # fmt: skip
    return path


def write_nets(folder: Path) -> tuple[Path, Path]:
    """Write the float32 and the int8 ``.tflite``."""
    folder.mkdir(parents=True, exist_ok=True)
    weights, bias = _fitted()
    paths = folder / "model_float32.tflite", folder / "model_int8.tflite"
    for path, content in zip(paths, (_float32(weights, bias), _int8(weights, bias)), strict=True):
        path.write_bytes(content)
    return paths


def write_work(folder: Path) -> Path:
    """Return a work folder that says it has converted both nets."""
    folder.mkdir(parents=True, exist_ok=True)
    work, dataset = WorkFolder(folder), write_dataset(folder)
    context = ModelContext(str(dataset), "two layers", Preprocessing((SIDE, SIDE, 1), CLASSES))
    work.record("convert", settings=context.as_json(), results={}, outputs=write_nets(folder))
    return folder


def _fitted() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weights, (classes, inputs), and biases for pixels of 0..1, by least squares."""
    images, labels = draw(3000, 0)
    columns = np.concatenate([images.reshape(len(images), -1) / 255.0, np.ones((len(images), 1))], axis=1)
    solution = np.linalg.lstsq(columns, 8.0 * np.eye(len(CLASSES))[labels] - 4.0, rcond=None)[0]
    return solution[:-1].T, solution[-1]


def _float32(weights: NDArray[np.float64], bias: NDArray[np.float64]) -> bytes:
    builder = ModelBuilder()
    image = builder.input((1, SIDE, SIDE, 1), None, dtype="float32")
    flat = builder.op("RESHAPE", [image, builder.constant([1, _INPUTS], dtype="int32")], (1, _INPUTS), dtype="float32")
    layer = [builder.constant(weights, dtype="float32"), builder.constant(bias, dtype="float32")]
    shape = (1, len(CLASSES))
    scores = builder.op("FULLY_CONNECTED", [flat, *layer], shape, dtype="float32", version=1)
    return builder.finish([builder.op("SOFTMAX", [scores], shape, dtype="float32", version=1, beta=1.0)])


def _int8(weights: NDArray[np.float64], bias: NDArray[np.float64]) -> bytes:
    builder = ModelBuilder()
    scale, pixel = float(np.abs(weights).max()) / 15, 1 / 255  # four bits, so that some answers change
    image = builder.input((1, SIDE, SIDE, 1), pixel, -128)
    sizes = builder.constant([1, _INPUTS], dtype="int32")
    flat = builder.op("RESHAPE", [image, sizes], (1, _INPUTS), pixel, -128, new_shape=[1, _INPUTS])
    stored = builder.constant(np.round(weights / scale), scale)
    offset = builder.constant(np.round(bias / (scale * pixel)), scale * pixel, dtype="int32")
    scores = builder.op("FULLY_CONNECTED", [flat, stored, offset], (1, len(CLASSES)), 0.08, 3, name="<b>scores</b>")
    return builder.finish([builder.op("SOFTMAX", [scores], (1, len(CLASSES)), 1 / 256, -128, beta=1.0)])
