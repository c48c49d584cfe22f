"""The architectures: one decorated function each, and the table made of them.

A function takes the image shape and the number of classes and returns an untrained tf_keras Functional model:
float32 images of shape (batch, height, width, channels), normalised as the dataset says, to float32 softmax
probabilities of shape (batch, classes). Layer names are fixed, so that two builds of one architecture are equal.

No architecture has dropout: augmentation regularises, and a stateful random layer could not be resumed bit by bit.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgemnist.errors import InputError
from edgemnist.tensorflow_setup import load_tensorflow

DEFAULT_ARCHITECTURE = "tiny"

Builder = Callable[[Any, Any, int], Any]
"""(layers module, image tensor, classes) -> class probabilities tensor."""


@dataclass(frozen=True)
class Architecture:
    """One row of the table: what it is and the recipe that suits it.

    ``epochs`` are for 55,000 images or more, ``learning_rate`` is the peak; ``smallest_side`` is the least image
    height and width, in pixels; ``parameters`` is the count for 28x28x1 images and 10 classes after batch-norm folding.
    """

    name: str
    description: str
    build: Builder
    parameters: int
    smallest_side: int
    epochs: int
    learning_rate: float
    batch: int
    augment: bool


_table: dict[str, Architecture] = {}


def architecture(
    name: str,
    description: str,
    *,
    parameters: int,
    smallest_side: int,
    epochs: int,
    learning_rate: float,
    batch: int = 128,
    augment: bool = True,
) -> Callable[[Builder], Builder]:
    """Enter the decorated builder into the table under ``name``."""

    def enter(build: Builder) -> Builder:
        _table[name] = Architecture(
            name, description, build, parameters, smallest_side, epochs, learning_rate, batch, augment
        )
        return build

    return enter


def architectures() -> tuple[Architecture, ...]:
    """Return every architecture, in the order of definition."""
    return tuple(_table.values())


def find_architecture(name: str) -> Architecture:
    """Return the architecture of that name.

    :raises InputError: there is none; the message lists all and suggests the closest.
    """
    if name in _table:
        return _table[name]
    close = difflib.get_close_matches(name.lower(), _table, n=1)
    suggestion = f"; did you mean {close[0]!r}?" if close else ""
    raise InputError(f"unknown architecture {name!r}, known are {', '.join(_table)}{suggestion}")


def build_model(name: str, image_shape: tuple[int, int, int], classes: int, seed: int) -> Any:
    """Return an untrained tf_keras model; ``seed`` decides its initial weights.

    ``image_shape`` is (height, width, channels) in pixels; ``classes`` is at least 2.

    :raises InputError: the architecture is unknown, the image too small for it, or there are fewer than 2 classes.
    """
    chosen = find_architecture(name)
    height, width, channels = image_shape
    if min(height, width) < chosen.smallest_side or channels < 1:
        raise InputError(
            f"images of {height}x{width}x{channels} are too small for {name!r}, which needs at least "
            f"{chosen.smallest_side}x{chosen.smallest_side}x1; {_smaller_choice(min(height, width))}"
        )
    if classes < 2:
        raise InputError(f"a classifier needs at least 2 classes, got {classes}")
    _, keras = load_tensorflow()
    keras.utils.set_random_seed(seed)
    image = keras.Input(shape=image_shape, name="image")
    return keras.Model(image, chosen.build(keras.layers, image, classes), name=name.replace("-", "_"))


def _smaller_choice(side: int) -> str:
    fitting = [row.name for row in architectures() if row.smallest_side <= side]
    return f"use --arch {' or '.join(fitting)}, or larger images" if fitting else "use larger images"


def folded_parameters(model: Any) -> int:
    """Return the number of parameters after batch norms are folded into the convolutions before them.

    A folded batch norm leaves one bias per channel; this is what a converted model holds.
    """
    count = 0
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            count += int(layer.moving_mean.shape[0])
        else:
            count += sum(int(weight.shape.num_elements()) for weight in layer.weights)
    return count


def _conv_block(layers: Any, x: Any, filters: int, name: str, stride: int = 1) -> Any:
    """Conv 3x3 same without bias, batch norm, ReLU."""
    x = layers.Conv2D(filters, 3, strides=stride, padding="same", use_bias=False, name=name)(x)
    return _normalised(layers, x, name)


def _separable_block(layers: Any, x: Any, filters: int, name: str) -> Any:
    """Depthwise 3x3 and pointwise 1x1 convolution, each with batch norm and ReLU."""
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name=f"{name}_depthwise")(x)
    x = _normalised(layers, x, f"{name}_depthwise")
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_pointwise")(x)
    return _normalised(layers, x, f"{name}_pointwise")


def _normalised(layers: Any, x: Any, name: str) -> Any:
    x = layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _classifier(layers: Any, x: Any, classes: int) -> Any:
    return layers.Dense(classes, activation="softmax", name="probabilities")(x)


def _paired_stages(layers: Any, x: Any, stages: tuple[tuple[int, int], ...], classes: int) -> Any:
    """Pairs of conv blocks with max pooling between them, then global average pooling and the classifier."""
    for index, filters in enumerate(stages, start=1):
        if index > 1:
            x = layers.MaxPooling2D(2, name=f"pool{index - 1}")(x)
        for place, count in zip("ab", filters, strict=True):
            x = _conv_block(layers, x, count, f"conv{index}{place}")
    return _classifier(layers, layers.GlobalAveragePooling2D(name="average")(x), classes)


@architecture(
    "tiny",
    "3 pairs of 3x3 convolutions, 8 to 18 channels, batch norm; the default",
    parameters=7_392,
    smallest_side=4,
    epochs=12,
    learning_rate=0.01,
)
def _tiny(layers: Any, image: Any, classes: int) -> Any:
    return _paired_stages(layers, image, ((8, 8), (12, 12), (16, 18)), classes)


@architecture(
    "small",
    "like tiny with 8 to 24 channels",
    parameters=15_980,
    smallest_side=4,
    epochs=15,
    learning_rate=0.01,
)
def _small(layers: Any, image: Any, classes: int) -> Any:
    return _paired_stages(layers, image, ((8, 12), (18, 20), (24, 24)), classes)


@architecture(
    "ds-cnn",
    "strided convolution, then 4 depthwise-separable blocks, batch norm: fewest multiplications",
    parameters=7_466,
    smallest_side=3,
    epochs=12,
    learning_rate=0.01,
)
def _ds_cnn(layers: Any, image: Any, classes: int) -> Any:
    x = _conv_block(layers, image, 16, "conv1", stride=2)
    x = _separable_block(layers, x, 32, "block1")
    x = _separable_block(layers, x, 32, "block2")
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = _separable_block(layers, x, 48, "block3")
    x = _separable_block(layers, x, 48, "block4")
    return _classifier(layers, layers.GlobalAveragePooling2D(name="average")(x), classes)


@architecture(
    "cnn",
    "the classic tutorial net: Conv 32, Conv 64 (3x3 valid, max pooling), Dense 128",
    parameters=225_034,
    smallest_side=10,
    epochs=8,
    learning_rate=0.002,
)
def _cnn(layers: Any, image: Any, classes: int) -> Any:
    x = layers.Conv2D(32, 3, activation="relu", name="conv1")(image)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(64, 3, activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(128, activation="relu", name="hidden")(x)
    return _classifier(layers, x, classes)


@architecture(
    "dense",
    "the classic tutorial net: Flatten, Dense 128",
    parameters=101_770,
    smallest_side=1,
    epochs=10,
    learning_rate=0.002,
    augment=False,
)
def _dense(layers: Any, image: Any, classes: int) -> Any:
    x = layers.Flatten(name="flatten")(image)
    x = layers.Dense(128, activation="relu", name="hidden")(x)
    return _classifier(layers, x, classes)
