"""Small nets of Keras 2 and 3 for 12x12 pictures in colour, with weights that are drawn, not trained."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.keras_io.tensorflow import load_tensorflow

SIDE, CLASSES = 12, 4
SHAPE = (SIDE, SIDE, 3)


def keras_of(version: int) -> Any:
    """Return tf_keras, which is version 2, or Keras 3."""
    _, legacy = load_tensorflow()
    if version == 2:
        return legacy
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras  # type: ignore[import-untyped]

    return keras


def pictures(count: int = 6, shape: tuple[int, ...] = SHAPE) -> NDArray[np.float32]:
    """Return pixels of 0..255, float32 (count, *shape)."""
    return np.random.default_rng(5).integers(0, 256, (count, *shape)).astype(np.float32)


def saved(model: Any, path: Path, **options: Any) -> Path:
    """Save a model with other than its first weights, without the warning that .h5 is old."""
    random = np.random.default_rng(7)
    model.set_weights([_drawn(random, weight) for weight in model.get_weights()])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path, **options)
    return path


def _drawn(random: np.random.Generator, weight: Any) -> Any:
    """Return a weight near the given one; variances stay above 0, and counts what they are."""
    if np.issubdtype(weight.dtype, np.integer):
        return weight
    return weight + random.uniform(0.0, 0.2, weight.shape).astype(np.float32)


def ended(keras: Any, image: Any, tensor: Any, *, units: int = CLASSES, activation: str | None = "softmax") -> Any:
    """Return the model from an image to a dense layer on the mean of a tensor over the image."""
    layers = keras.layers
    return keras.Model(image, layers.Dense(units, activation=activation)(layers.GlobalAveragePooling2D()(tensor)))


def plain(keras: Any, *, units: int = CLASSES, activation: str | None = "softmax") -> Any:
    """Return a convolution and a dense layer."""
    image = keras.Input(SHAPE)
    return ended(keras, image, keras.layers.Conv2D(6, 3)(image), units=units, activation=activation)


def residual(keras: Any, *, dtype: str = "float32") -> Any:
    """Return a net with its own scaling of pixels, batch norms and a sum, as MobileNets have them."""
    layers = keras.layers
    image = keras.Input(SHAPE, dtype=dtype)
    first = layers.Conv2D(6, 3, padding="same", use_bias=False)(layers.Rescaling(1 / 127.5, -1)(image))
    first = layers.ReLU(6.0)(layers.BatchNormalization()(first))
    second = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(first))
    return ended(keras, image, layers.Dropout(0.3)(layers.Add()([first, second])))


def branches(keras: Any) -> Any:
    """Return a net with a shared layer, merging, and most of the layers that small nets have."""
    layers = keras.layers
    image = keras.Input(SHAPE)
    shared = layers.Conv2D(4, 3, padding="same", activation="relu")
    one, two = shared(image), shared(layers.ZeroPadding2D(1)(layers.Cropping2D(1)(image)))
    merged = [one, layers.Maximum()([one, two]), layers.Average()([one, two]), layers.Subtract()([one, two])]
    joined = layers.Concatenate()(merged)
    gate = layers.Conv2D(16, 1, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(joined))
    scaled = layers.PReLU(shared_axes=[1, 2])(layers.LeakyReLU()(layers.Multiply()([joined, gate])))
    wide = layers.AveragePooling2D(2)(layers.UpSampling2D(2)(layers.ELU()(scaled)))
    up = layers.Conv2DTranspose(4, 3, strides=2, padding="same", activation="tanh")(wide)
    out = layers.LayerNormalization()(layers.SeparableConv2D(6, 3, strides=2, activation="elu")(up))
    flat = layers.Flatten()(layers.Reshape((11, -1))(layers.Permute((2, 1, 3))(out)))
    return keras.Model(image, layers.Softmax()(layers.Dense(CLASSES)(flat)))


def nested(keras: Any) -> Any:
    """Return a net of any size made of models in models, with augmentation, that normalises by itself."""
    layers = keras.layers
    inner = keras.Sequential([layers.Conv2D(4, 3, activation="gelu"), layers.SpatialDropout2D(0.2)])
    base = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(4, 3, activation="swish"), inner])
    augmentation = keras.Sequential([layers.RandomFlip(), layers.RandomRotation(0.1)])
    normalise = layers.Normalization(mean=[120.0, 110.0, 100.0], variance=[3000.0, 2900.0, 3100.0])
    image = keras.Input((None, None, 3))
    return ended(keras, image, base(normalise(augmentation(image)), training=False), activation=None)


def channels_first(keras: Any) -> Any:
    """Return a net whose pictures are (3, height, width)."""
    layers, first = keras.layers, {"data_format": "channels_first"}
    image = keras.Input((3, SIDE, SIDE))
    one = layers.Conv2D(4, 3, activation="relu", **first)(image)
    one = layers.MaxPooling2D(2, **first)(layers.BatchNormalization(axis=1)(one))
    two = layers.PReLU(shared_axes=[2, 3])(layers.DepthwiseConv2D(3, padding="same", **first)(one))
    joined = layers.LeakyReLU()(layers.Concatenate(axis=1)([one, layers.Add()([one, two])]))
    return keras.Model(image, layers.Dense(CLASSES)(layers.Flatten()(joined)))


def operations(keras: Any) -> Any:
    """Return a net that computes with tensors: operations in Keras 3, TensorFlow's functions in Keras 2."""
    layers, image = keras.layers, keras.Input(SHAPE)
    scaled = (image / 255.0 - 0.5) * 2.0
    if not hasattr(keras, "ops"):
        tensorflow, _ = load_tensorflow()
        found = tensorflow.nn.leaky_relu(layers.Conv2D(6, 3, activation=tensorflow.nn.relu6)(scaled), 0.3)
        found = tensorflow.reduce_mean(tensorflow.clip_by_value(found, 0.0, 4.0), [1, 2])
        found = tensorflow.concat([found, tensorflow.maximum(found, 0.1)], -1)[:, 1:]
        return keras.Model(image, tensorflow.nn.log_softmax(layers.Dense(CLASSES)(found)))
    ops = keras.ops
    found = ops.leaky_relu(layers.Conv2D(6, 3, activation="relu6")(scaled), 0.3)
    found = ops.clip(found, 0, 4)
    found = ops.mean(ops.hard_silu(found) + ops.sigmoid(found), axis=[1, 2])
    found = ops.squeeze(ops.expand_dims(found, 1), 1)
    found = ops.concatenate([found, ops.maximum(found, 0.1)], axis=-1)
    found = layers.Flatten()(ops.transpose(ops.reshape(found, (-1, 3, 4)), (0, 2, 1)))[:, 1:]
    return keras.Model(image, ops.log_softmax(layers.Dense(CLASSES)(layers.Activation("hard_silu")(found))))


def recurrent(keras: Any) -> Any:
    """Return a net that takes a picture without channels as a sequence of rows, with attention."""
    layers, image = keras.layers, keras.Input((SIDE, SIDE))
    rows = layers.Conv1D(8, 3, activation="relu")(layers.MultiHeadAttention(2, 4)(image, image))
    return keras.Model(image, layers.Dense(CLASSES, activation="softmax")(layers.Bidirectional(layers.GRU(4))(rows)))


NETS: dict[str, Callable[[Any], Any]] = {
    function.__name__: function
    for function in (plain, residual, branches, nested, channels_first, operations, recurrent)
}
