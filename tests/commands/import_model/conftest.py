"""A net that was trained in Keras and written as ONNX the way PyTorch lays nets out: channels first, flattened so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgemnist.keras_io.tensorflow import load_tensorflow
from tests.commands.convert.conftest import CLASSES, SIDE, draw, fit
from tests.onnx.nets import model, node, save

FILTERS = 8


def shifted(images: Any) -> Any:
    """Return images as the net takes them: mean 0.3, deviation 0.25 of pixels in 0..1."""
    return ((images[..., np.newaxis] / 255.0 - 0.3) / 0.25).astype(np.float32)


@pytest.fixture(scope="session")
def trained() -> Any:
    """Return a Keras net of 8x8 images that finds the bright quadrant."""
    _, keras = load_tensorflow()
    layers = keras.layers
    keras.utils.set_random_seed(1)
    net = keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 1)),
            layers.Conv2D(FILTERS, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(len(CLASSES)),
            layers.Softmax(),
        ]
    )
    return fit(keras, net, shifted(draw(1200, 1)[0]))


def as_onnx(trained: Any, *, batch: int | str = "n", end: str = "", flat: bool = False, channels: int = 1) -> Any:
    """Return the net as ONNX; ``end`` is the operator after the logits, none where it is empty."""
    kernel, bias, matrix, offset = trained.get_weights()
    rows = matrix.reshape(SIDE // 2, SIDE // 2, FILTERS, -1).transpose(2, 0, 1, 3).reshape(len(matrix), -1)
    constants = {
        "w": np.repeat(kernel.transpose(3, 2, 0, 1), channels, axis=1),
        "b": bias,
        "m": rows,
        "o": offset,
        "s": np.asarray([-1, 1, SIDE, SIDE], np.int64),
    }
    nodes = [
        *([node("Reshape", "x s", "i")] if flat else []),
        node("Conv", f"{'i' if flat else 'x'} w b", "c", pads=[1, 1, 1, 1]),
        node("Relu", "c", "r"),
        node("MaxPool", "r", "p", kernel_shape=[2, 2], strides=[2, 2]),
        node("Flatten", "p", "f"),
        node("Gemm", "f m o", "g" if end else "y"),
        *([node(end, "g", "y")] if end else []),
    ]
    return model(nodes, constants, (batch, SIDE * SIDE) if flat else (batch, channels, SIDE, SIDE))


@pytest.fixture(scope="session")
def net_file(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the net as an .onnx file that ends in logits."""
    made: onnx.ModelProto = as_onnx(trained)
    return save(made, tmp_path_factory.mktemp("onnx") / "net.onnx")
