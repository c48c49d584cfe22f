"""Nets of both Keras versions rebuilt in tf_keras: the same outputs, and what is left out or refused is named."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.keras_io.classifier import Built, rebuild_classifier
from edgemnist.keras_io.rebuild import Way
from edgemnist.keras_io.sources import open_source
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import UnsupportedModelError
from tests.keras_io.nets import CLASSES, NETS, SHAPE, SIDE, keras_of, pictures, plain, saved

VERSIONS = (2, 3)


def rebuilt(path: Path, shape: tuple[int, int, int] = SHAPE) -> tuple[Built, tuple[str, ...]]:
    return rebuild_classifier(open_source(path, as_keras=True), shape, Way())


@pytest.mark.parametrize(
    ("name", "version"),
    [pair for pair in itertools.product(NETS, VERSIONS) if pair != ("recurrent", 2)],
)
def test_computes_what_the_original_does(name: str, version: int, tmp_path: Path) -> None:
    path = saved(NETS[name](keras_of(version)), tmp_path / "net.keras")
    shape = (SIDE, SIDE, 1) if name == "recurrent" else SHAPE
    images = pictures(shape=shape) / (1.0 if name in ("residual", "nested", "operations") else 255.0)
    source = open_source(path).bind(shape)
    expected = source.predict(source.arrange(images))
    built, _ = rebuilt(path, shape)
    assert np.ptp(expected, axis=0).max() > 1e-4  # else any net would pass
    np.testing.assert_allclose(np.asarray(built.exact(images)), expected, atol=1e-5, rtol=1e-5)
    assert built.exact.input_shape == (None, *shape)
    assert all(type(layer).__module__.startswith("tf_keras") for layer in built.exact.layers)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_works_in_training_alone_is_left_out_and_named(version: int, tmp_path: Path) -> None:
    built, dropped = rebuilt(saved(NETS["nested"](keras_of(version)), tmp_path / "net.keras"))
    kinds = [type(layer).__name__ for layer in built.exact.layers]
    assert kinds == ["InputLayer", "Normalization", "Conv2D", "Conv2D", "GlobalAveragePooling2D", "Dense"]
    assert dropped == ("RandomFlip", "RandomRotation", "SpatialDropout2D")


def test_channels_come_last_without_a_transposition_at_the_entrance(tmp_path: Path) -> None:
    built, _ = rebuilt(saved(NETS["channels_first"](keras_of(3)), tmp_path / "net.keras"))
    kinds = [type(layer).__name__ for layer in built.exact.layers]
    assert kinds.count("Permute") == 1 and kinds.index("Permute") == kinds.index("Flatten") - 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_scaling_in_front_is_taken_out(version: int, tmp_path: Path) -> None:
    for name in ("residual", "operations"):
        built, _ = rebuilt(saved(NETS[name](keras_of(version)), tmp_path / f"{name}.keras"))
        rest, (scale, offset) = built.without_scaling()
        assert (scale, offset) == pytest.approx((2 / 255, -1.0))
        images = pictures()
        np.testing.assert_allclose(rest.exact(images * scale + offset), built.exact(images), atol=1e-5)
        assert len(rest.exact.layers) < len(built.exact.layers)
        assert rest.replaced == built.replaced


def test_a_scaling_that_something_passes_by_stays(tmp_path: Path) -> None:
    _, keras = load_tensorflow()
    image = keras.Input(SHAPE)
    both = keras.layers.Concatenate()([keras.layers.Rescaling(1 / 255)(image), image])
    model = keras.Model(image, keras.layers.Dense(CLASSES)(keras.layers.Flatten()(both)))
    built, _ = rebuilt(saved(model, tmp_path / "net.keras"))
    rest, affine = built.without_scaling()
    assert affine == (1.0, 0.0) and rest is built


@pytest.mark.parametrize(
    ("version", "end", "replaced"),
    [(2, "sigmoid", ("Sigmoid",)), (3, "sigmoid", ("Sigmoid",)), (3, "log_softmax", ("LogSoftmax",)), (3, None, ())],
)
def test_scores_are_found_before_an_activation_at_the_end(
    version: int, end: str | None, replaced: tuple[str, ...], tmp_path: Path
) -> None:
    built, _ = rebuilt(saved(plain(keras_of(version), activation=end), tmp_path / "net.keras"))
    images = pictures(2) / 255.0
    scores, exact = (np.asarray(model(images)) for model in (built.scores, built.exact))
    assert built.replaced == replaced
    expected = {"sigmoid": 1 / (1 + np.exp(-scores)), "log_softmax": scores - np.log(np.exp(scores).sum(-1))[:, None]}
    np.testing.assert_allclose(exact, expected.get(str(end), scores), atol=1e-5)


def test_every_layer_that_cannot_be_rebuilt_is_listed(tmp_path: Path) -> None:
    keras = keras_of(3)
    layers, image = keras.layers, keras.Input(SHAPE)
    found = layers.Conv2D(4, 3, activation="sparse_plus", name="one")(image)
    found = keras.ops.erf(layers.Conv2D(4, 3, activation="glu", name="two")(found))
    path = saved(keras.Model(image, layers.Dense(CLASSES)(layers.Flatten()(found))), tmp_path / "net.keras")
    with pytest.raises(UnsupportedModelError, match=f"edgemnist convert {path}") as refused:
        rebuilt(path)
    assert len(refused.value.problems) == 3
    assert "'sparse_plus'" in refused.value.problems[0] and refused.value.problems[2].startswith("Erf ")


def test_shared_layers_stay_shared(tmp_path: Path) -> None:
    built, _ = rebuilt(saved(NETS["branches"](keras_of(3)), tmp_path / "net.keras"))
    shared: list[Any] = [layer for layer in built.exact.layers if len(layer.inbound_nodes) == 2]
    assert [type(layer).__name__ for layer in shared] == ["Conv2D"]
