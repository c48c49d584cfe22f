"""A work folder with a small net that was really trained and converted, and reports made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import TRAINED_MODEL, WorkFolder
from edgemnist.data.loading import load_dataset
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.tflite.preprocessing import Preprocessing


@pytest.fixture(scope="session")
def converted(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder with a trained net of 1,000 parameters, its float32 and its int8 model."""
    work = WorkFolder(tmp_path_factory.mktemp("work"))
    train_small_net(work)
    assert cli.run(["convert", "--float32", "--int8", "--no-c-array", "--work", str(work.root)]) == 0
    return work.root


def train_small_net(work: WorkFolder, hidden: int = 0) -> None:
    """Train a net of 1,000 parameters on MNIST for a few seconds, and leave it as ``edgemnist train`` does.

    With ``hidden`` it has a dense layer of so many values more.
    """
    _, keras = load_tensorflow()
    dataset = load_dataset("mnist", fetch=False)
    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(4, 5, strides=3, activation="relu"),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.Flatten(),
            *([layers.Dense(hidden, activation="relu")] if hidden else []),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(dataset.train.images[:8000] / 255.0, dataset.train.labels[:8000], epochs=3, batch_size=32, verbose=0)
    path = work.path(TRAINED_MODEL)
    model.save(path)
    context = ModelContext("mnist", "test", Preprocessing(dataset.image_shape, dataset.class_names))
    work.record("train", settings=context.as_json(), results={}, outputs=[path])
