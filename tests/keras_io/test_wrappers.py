"""Wrappers of tensorflow-model-optimization: taken off on loading, with the masks and the ranges that they hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgemnist.keras_io.classifier import rebuild_classifier
from edgemnist.keras_io.rebuild import Way
from edgemnist.keras_io.sources import load_source, open_source
from edgemnist.keras_io.tensorflow import load_model_optimization, load_tensorflow
from tests.keras_io.nets import CLASSES, SHAPE, ended, pictures


def net(keras: Any) -> Any:
    layers = keras.layers
    keras.utils.set_random_seed(4)
    image = keras.Input(SHAPE)
    found = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(6, 3, use_bias=False)(image)))
    return ended(keras, image, layers.DepthwiseConv2D(3, activation="relu")(found))


def trained(model: Any, callbacks: Any = ()) -> Any:
    """Train for two steps, in which masks are made and ranges are learned."""
    labels = np.arange(32) % CLASSES
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(pictures(32) / 255.0, labels, batch_size=16, epochs=1, verbose=0, callbacks=list(callbacks))
    return model


@pytest.fixture(scope="module")
def quantised() -> Any:
    """Return a model after quantisation-aware training."""
    _, keras = load_tensorflow()
    return trained(load_model_optimization().quantization.keras.quantize_model(net(keras)))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5")
def test_pruning_masks_are_applied(tmp_path: Path) -> None:
    _, keras = load_tensorflow()
    sparsity = load_model_optimization().sparsity.keras
    schedule = sparsity.ConstantSparsity(0.5, 0, -1, 1)
    model = trained(sparsity.prune_low_magnitude(net(keras), schedule), [sparsity.UpdatePruningStep()])
    dense = next(layer for layer in model.layers if "dense" in layer.name).layer
    dense.kernel.assign(dense.kernel + 1.0)  # as the last update of a training leaves values under the mask
    model.save(tmp_path / "net.h5")
    source = load_source(tmp_path / "net.h5", SHAPE)
    assert source.notes == ("the wrappers of pruning were taken off, their masks applied",)
    kernel = next(one for one in source.owner.kept if one.shape == dense.kernel.shape)
    assert np.count_nonzero(kernel.numpy() == 0) == kernel.numpy().size // 2
    opened = open_source(tmp_path / "net.h5")
    assert not any("prune" in layer.name for layer in rebuild_classifier(opened, SHAPE, Way())[0].exact.layers)


@pytest.mark.parametrize("suffix", [".keras", ""])
def test_learned_ranges_stay_and_kernels_are_rounded_as_in_training(
    suffix: str, quantised: Any, tmp_path: Path
) -> None:
    """A SavedModel has no suffix. A ``.keras`` file holds the kernels twice, and Keras does not load it by itself."""
    quantised.save(tmp_path / f"net{suffix}")
    opened, images = open_source(tmp_path / f"net{suffix}"), pictures() / 255.0
    expected = np.asarray(quantised(images, training=False))
    rounded, _ = rebuild_classifier(opened, SHAPE, Way(rounded=True))
    np.testing.assert_allclose(np.asarray(rounded.exact(images)), expected, atol=1e-6)
    np.testing.assert_allclose(opened.bind(SHAPE, as_saved=True).predict(images), expected, atol=1e-6)
    source = opened.bind(SHAPE)
    assert source.notes[0].startswith("the wrappers of quantisation-aware training were taken off")
    np.testing.assert_allclose(source.predict(images), expected, atol=0.05)  # its kernels are not rounded
    calls = [layer.get_config() for layer in rounded.exact.layers if type(layer).__name__ == "TFOpLambda"]
    assert {call["function"] for call in calls} == {"quantization.fake_quant_with_min_max_vars"} and len(calls) == 5
    without, _ = rebuild_classifier(opened, SHAPE, Way(ranges=False))
    assert not any(type(layer).__name__ == "TFOpLambda" for layer in without.exact.layers)
    exact, coarse = (model.exact.get_layer("conv2d").get_weights()[0] for model in (without, rounded))
    assert not np.array_equal(exact, coarse)
    np.testing.assert_allclose(exact, coarse, atol=0.01)


def test_annotations_alone_are_nothing(tmp_path: Path) -> None:
    _, keras = load_tensorflow()
    model = net(keras)
    load_model_optimization().quantization.keras.quantize_annotate_model(model).save(tmp_path / "net.keras")
    source = load_source(tmp_path / "net.keras", SHAPE)
    images = pictures() / 255.0
    np.testing.assert_allclose(source.predict(images), np.asarray(model(images)), atol=1e-6)
