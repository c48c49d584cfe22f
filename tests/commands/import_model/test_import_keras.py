"""Keras models of one's own through ``import``: what it leaves, and that the rest of the chain goes on from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist import cli
from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.import_model.settings import ImportSettings
from edgemnist.commands.import_model.stage import run_import
from edgemnist.keras_io.saving import load_model
from edgemnist.keras_io.tensorflow import load_model_optimization, load_tensorflow
from edgemnist.tflite.file import read_tflite
from edgemnist.tflite.preprocessing import OutputKind
from tests.commands.convert.conftest import CLASSES, SIDE, draw, fit, save, training_images
from tests.commands.convert.conftest import quadrants as quadrants
from tests.keras_io.nets import keras_of


def net(keras: Any, *, units: int = len(CLASSES), activation: str | None = "softmax", rescale: bool = False) -> Any:
    """Return a net of 8x8 images; with ``rescale`` it takes pixels of 0..255."""
    layers = keras.layers
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            layers.Input((SIDE, SIDE, 1)),
            *([layers.RandomFlip(), layers.Rescaling(1 / 127.5, offset=-1)] if rescale else []),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.ReLU(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(units, activation=activation),
        ]
    )


@pytest.fixture(scope="module")
def halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an .npz of two classes: is the bright patch in the upper or the lower half?"""
    path = tmp_path_factory.mktemp("data") / "halves.npz"
    (x_train, y_train), (x_test, y_test) = draw(1200, 1), draw(400, 2)
    np.savez(path, x_train=x_train, y_train=y_train // 2, x_test=x_test, y_test=y_test // 2)
    return path


def test_pruning_qat_conversion_and_parity_go_on_from_a_net_of_keras_3(
    quadrants: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keras = keras_of(3)
    model = net(keras)
    trained = fit(keras, model, training_images() * 2 - 1)
    whole = net(keras, rescale=True)
    whole.set_weights([*whole.get_weights()[: -len(trained.get_weights())], *trained.get_weights()])
    work = ["--work", str(tmp_path / "work")]
    path = str(save(whole, tmp_path / "net.keras"))
    assert cli.run(["import", path, "--dataset", str(quadrants), *work, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    images, labels = draw(400, 2)
    right = float(
        (np.asarray(whole(images[..., None].astype(np.float32), training=False)).argmax(axis=1) == labels).mean()
    )
    assert result["accuracy"] == result["original_accuracy"] == pytest.approx(right) and right > 0.9
    assert result["max_difference"] < 1e-5 and result["engine"] == f"keras {keras.__version__}"
    assert (result["normalisation"], result["output"][:13], result["warnings"]) == ("-1..1", "probabilities", [])
    assert result["notes"] == [
        "pixels 0..255: the model has its own Rescaling(1/127.5, -1)",
        "left out, as they work in training alone: RandomFlip",
        "its own scaling is taken out of the net: here pixels in -1..1 go in",
    ]
    for command in ("prune --epochs 2", "qat --epochs 1", "convert --int8"):
        assert cli.run([*command.split(), *work]) == 0
    assert cli.run(["parity", *work, "--require-exact", "tflm,host-c", "--runtime", "tflm", "--runtime", "host-c"]) == 0
    content = read_tflite(tmp_path / "work" / "model_int8.tflite")
    assert [operator.kind for operator in content.operators] == [
        "CONV_2D", "MAX_POOL_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX",
    ]  # fmt: skip
    assert float(WorkFolder(tmp_path / "work").stages()["prune"].results["accuracy"]) > 0.9


@pytest.mark.parametrize(
    ("activation", "said"), [("sigmoid", "the probability of the second class"), (None, "sigmoid appended")]
)
def test_one_output_for_two_classes(activation: str | None, said: str, halves: Path, tmp_path: Path) -> None:
    _, keras = load_tensorflow()
    model = net(keras, units=1, activation=activation)
    loss = keras.losses.BinaryCrossentropy(from_logits=activation is None)
    model.compile(keras.optimizers.Adam(0.01), loss)
    model.fit(training_images(), draw(1200, 1)[1] // 2, epochs=2, verbose=0)
    path = save(model, tmp_path / "net.h5")
    result = run_import(ImportSettings(model=path, dataset=str(halves)), WorkFolder(tmp_path / "work"))
    assert result.output.startswith(said)
    assert result.accuracy == result.original_accuracy > 0.9
    context = ModelContext.from_json(WorkFolder(tmp_path / "work").stages()["train"].settings)
    assert context.preprocessing.output is OutputKind.ONE_PROBABILITY
    images, labels = draw(50, 3)
    found = np.asarray(load_model(result.model_path)(images[..., None].astype(np.float32) / 255))
    assert ((found[:, 0] > 0.5) == (labels // 2)).mean() > 0.9


def test_a_model_after_qat_leaves_the_float_one_and_the_one_with_ranges(quadrants: Path, tmp_path: Path) -> None:
    _, keras = load_tensorflow()
    model = load_model_optimization().quantization.keras.quantize_model(fit(keras, net(keras), training_images()))
    fit(keras, model, training_images())
    path = save(model, tmp_path / "net.h5")
    work = WorkFolder(tmp_path / "work")
    result = run_import(ImportSettings(model=path, dataset=str(quadrants)), work)
    assert result.max_difference < 1e-5 and result.original_accuracy > 0.9
    assert result.qat_accuracy is not None and result.qat_accuracy > 0.9 and result.accuracy > 0.9
    assert work.latest_model(needed_by="the test")[0] == result.qat_path
    assert work.latest_float_model(needed_by="the test")[0] == result.model_path
    kinds = [[type(layer).__name__ for layer in load_model(one).layers] for one in (result.model_path, result.qat_path)]
    assert ["TFOpLambda" in one for one in kinds] == [False, True]
    entrance = next(layer for layer in load_model(result.qat_path).layers if type(layer).__name__ == "TFOpLambda")
    assert [entrance.inbound_nodes[0].call_kwargs[end] for end in ("min", "max")] == [0.0, 1.0]  # all pixels there are


def test_pictures_are_brought_to_the_size_and_channels_of_the_model(quadrants: Path, tmp_path: Path) -> None:
    keras = keras_of(3)
    layers = keras.layers
    first = [layers.Input((16, 12, 3), dtype="uint8"), layers.Rescaling(1 / 255)]
    path = save(keras.Sequential([*first, layers.Flatten(), layers.Dense(4)]), tmp_path / "net.keras")
    settings = ImportSettings(model=path, dataset=str(quadrants), even_so=True)  # it is not trained
    result = run_import(settings, WorkFolder(tmp_path / "work"))
    assert (result.image_shape, result.max_difference < 1e-4) == ((16, 12, 3), True)
    context = ModelContext.from_json(WorkFolder(tmp_path / "work").stages()["train"].settings)
    assert context.preprocessing.image_shape == (16, 12, 3)
    assert context.preprocessing.normalisation.of_channel(0) == pytest.approx((1 / 255, 0.0))
    named = ["--normalisation", "0..1", "--work", str(tmp_path)]
    assert cli.run(["import", str(path), "--dataset", str(quadrants), *named]) == 2


def two_outputs(keras: Any, path: Path) -> Any:
    image = keras.Input((SIDE, SIDE, 1))
    flat = keras.layers.Flatten()(image)
    return keras.Model(image, [keras.layers.Dense(units, name=name)(flat) for units, name in ((2, "a"), (4, "b"))])


def not_rebuilt(keras: Any, path: Path) -> Any:
    image = keras.Input((SIDE, SIDE, 1))
    return keras.Model(image, keras.layers.Dense(4)(keras.layers.Flatten()(keras.ops.erf(image))))


def three_classes(keras: Any, path: Path) -> Any:
    return net(keras, units=3)


def one_of_four(keras: Any, path: Path) -> Any:
    return net(keras, units=1, activation="sigmoid")


def not_a_number(keras: Any, path: Path) -> Any:
    model = net(keras)
    model.set_weights([np.full_like(weight, np.nan) for weight in model.get_weights()])
    return model


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (two_outputs, "name the one with the classes, such as --output b"),
        (not_rebuilt, "is an operation that cannot be rebuilt"),
        (three_classes, "3 classes apart"),
        (one_of_four, "2 classes apart with its one output"),
        (not_a_number, "NaN"),
    ],
)
def test_what_cannot_be_imported_is_said_and_nothing_is_left(
    make: Any, message: str, quadrants: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "net.keras"
    make(keras_of(3), path).save(path)
    assert cli.run(["import", str(path), "--dataset", str(quadrants), "--work", str(tmp_path / "work")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


def test_a_savedmodel_without_keras_is_sent_to_convert(
    quadrants: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensorflow, keras = load_tensorflow()
    net(keras).save(tmp_path / "of_keras", save_format="tf")
    usual = ["--dataset", str(quadrants), "--work", str(tmp_path / "work")]
    assert cli.run(["import", str(tmp_path / "of_keras"), *usual, "--normalisation", "0..1", "--even-so"]) == 0
    module = tensorflow.Module()
    spec = tensorflow.TensorSpec((None, SIDE, SIDE, 1), tensorflow.float32)
    module.run = tensorflow.function(lambda image: tensorflow.reshape(image, (-1, SIDE * SIDE)), input_signature=[spec])
    tensorflow.saved_model.save(module, str(tmp_path / "other"), signatures=module.run)
    capsys.readouterr()
    assert cli.run(["import", str(tmp_path / "other"), *usual]) == 2
    assert f"edgemnist convert {tmp_path / 'other'} takes it as it is" in capsys.readouterr().err
