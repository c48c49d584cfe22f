"""A small real problem that trains in seconds: which quadrant of an 8x8 image is bright."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.commands.convert.settings import ConversionSettings
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.tflite.kinds import ModelKind
from edgemnist.tflite.preprocessing import Preprocessing

CLASSES = ("top left", "top right", "bottom left", "bottom right")
SIDE = 8
INT8 = ConversionSettings(modes=(ModelKind.INT8,), calibration=100)
FLOAT32 = ConversionSettings(modes=(ModelKind.FLOAT32,))


def draw(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images, uint8 (count, 8, 8), and labels: noise, and a 3x3 bright patch within the label's quadrant."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    images = random.integers(0, 60, (count, SIDE, SIDE), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        row, column = 4 * (label // 2) + random.integers(0, 2), 4 * (label % 2) + random.integers(0, 2)
        image[row : row + 3, column : column + 3] = random.integers(200, 256, (3, 3))
        image[0, 0], image[-1, -1] = 0, 255
    return images, labels.astype(np.int64)


@pytest.fixture(scope="session")
def quadrants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an .npz with 1,200 training and 400 test images."""
    path = tmp_path_factory.mktemp("data") / "quadrants.npz"
    (x_train, y_train), (x_test, y_test) = draw(1200, 1), draw(400, 2)
    np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return path


def build(keras: Any, *, input_shape: tuple[int, ...] = (SIDE, SIDE, 1), rescale: float | None = None) -> Any:
    """Return an untrained net of either Keras; its dense layer is large enough for dynamic-range quantisation."""
    layers = keras.layers
    first = [layers.Input(input_shape)]
    if rescale is not None:
        first.append(layers.Rescaling(rescale))
    return keras.Sequential(
        [
            *first,
            layers.Reshape((SIDE, SIDE, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(16, activation="relu"),
            layers.Dense(len(CLASSES), activation="softmax"),
        ]
    )


def fit(keras: Any, model: Any, images: NDArray[Any]) -> Any:
    """Train for a few seconds on the 1,200 training images, given as the model takes them; return the model."""
    keras.utils.set_random_seed(3)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(images, draw(1200, 1)[1], epochs=6, batch_size=32, verbose=0)
    return model


def training_images() -> NDArray[np.float32]:
    """Return the training images in 0..1, float32 (1200, 8, 8, 1)."""
    return (draw(1200, 1)[0][..., np.newaxis] / 255.0).astype(np.float32)


def save(model: Any, path: Path, **options: Any) -> Path:
    """Save without the warning that .h5 is old."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path, **options)
    return path


@pytest.fixture(scope="session")
def legacy_model() -> Any:
    """Return a trained tf_keras model."""
    _, keras = load_tensorflow()
    keras.utils.set_random_seed(3)
    return fit(keras, build(keras), training_images())


@pytest.fixture(scope="session")
def keras_3_model() -> Any:
    """Return a trained Keras 3 model that takes pixels in 0..255."""
    load_tensorflow()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras  # type: ignore[import-untyped]

    keras.utils.set_random_seed(3)
    return fit(keras, build(keras, rescale=1 / 255), training_images() * 255)


@pytest.fixture(scope="session")
def trained_file(legacy_model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the trained tf_keras model as a .keras file."""
    return save(legacy_model, tmp_path_factory.mktemp("model") / "trained.keras")


def make_work_folder(root: Path, trained: Path, dataset: Path) -> WorkFolder:
    """Return a work folder as training leaves it."""
    work = WorkFolder(root)
    work.root.mkdir(parents=True)
    shutil.copy(trained, work.path(TRAINED_MODEL))
    context = ModelContext(str(dataset), "quadrants", Preprocessing((SIDE, SIDE, 1), CLASSES))
    work.record("train", settings=context.as_json(), results={}, outputs=[work.path(TRAINED_MODEL)])
    return work


@pytest.fixture
def work(tmp_path: Path, trained_file: Path, quadrants: Path) -> WorkFolder:
    """Return a fresh work folder with a trained model."""
    return make_work_folder(tmp_path / "artifacts", trained_file, quadrants)


@pytest.fixture
def snapshot() -> Callable[[Path], dict[str, bytes]]:
    """Return a function that maps every file of a folder to its content."""
    return lambda folder: {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
