"""The architectures: a builder each, and one table with what each is and the recipe that suits it.

A builder takes the image and the number of outputs; ``build_model`` makes an untrained tf_keras Functional model of it:
float32 images of shape (batch, height, width, channels), normalised as the dataset says, to float32 softmax
probabilities of shape (batch, classes), or to one sigmoid (:mod:`edgemnist.training.heads`). Layer
names are fixed, so that two builds of one architecture are equal.

The ladder is for int8 on microcontrollers: few channels where the maps are large, because a layer's input and output
there decide the arena; batch norms, which conversion folds into the convolutions; ReLU, which is part of them; and
global average pooling, which needs no weights.

No architecture has dropout: augmentation regularises, and a stateful random layer could not be resumed bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.choices import unknown
from edgemnist.support.errors import InputError
from edgemnist.training import mobilenet
from edgemnist.training.blueprint import Blueprint, read_blueprint
from edgemnist.training.blueprint_layers import builder_of
from edgemnist.training.heads import SOFTMAX, activation_of, outputs_of

DEFAULT_ARCHITECTURE = "tiny"
BLUEPRINT_SUFFIX = ".toml"
"""What the name of an architecture's file ends with."""

Builder = Callable[..., Any]
"""(layers module, image tensor, outputs) -> probabilities tensor; ``alpha`` by name where a net has a width."""


@dataclass(frozen=True)
class Defaults:
    """The recipe that suits an architecture.

    ``epochs`` are for 55,000 images or more; ``learning_rate`` is the peak; ``augmentation`` scales the ranges of the
    dataset's augmentation, 0 for none; ``label_smoothing`` is the share of the target spread over all classes;
    ``averaging``: whether the moving average of the weights is what is evaluated and saved.
    """

    epochs: int
    learning_rate: float
    augmentation: float
    label_smoothing: float
    averaging: bool
    batch: int = 128


@dataclass(frozen=True)
class Architecture:
    """One row of the table.

    ``smallest_side`` is the least image height and width, in pixels. ``parameters`` (after batch-norm folding) and
    ``macs`` (multiply-accumulates, counted in the int8 model) are those for 28x28x1 images and 10 classes, or for the
    smallest images of a net that takes none of 28x28x1. ``channels`` is the number that it needs, None for any;
    ``pixels`` is the range in which it takes them, a name of ``edgemnist.tflite.pixels.NORMALISATIONS``.
    ``blueprint``: what it was built of, where it is none of the table but one of a file.
    """

    name: str
    description: str
    build: Builder
    parameters: int
    macs: int
    smallest_side: int
    defaults: Defaults
    channels: int | None = None
    pixels: str = "0..1"
    blueprint: Blueprint | None = None


def architectures() -> tuple[Architecture, ...]:
    """Return every architecture, in the order of the table."""
    return ARCHITECTURES


def find_architecture(name: str, kept: Path | None = None) -> Architecture:
    """Return the architecture of that name, or that of a file whose name ends with ``.toml``.

    ``kept``: where a work folder keeps the file of what was trained there, which is found by its name too.

    :raises InputError: there is none; the message lists all and suggests the closest. Or the file is not one of an
        architecture.
    """
    known = {row.name: row for row in ARCHITECTURES}
    if name in known:
        return known[name]
    if name.endswith(BLUEPRINT_SUFFIX):
        found = read_blueprint(Path(name))
        if found.name in known:
            raise InputError(f"{name!r}: {found.name!r} is the name of another architecture; give it one of its own")
        return architecture_of(found)
    if kept is not None and kept.is_file() and (last := read_blueprint(kept)).name == name:
        return architecture_of(last)
    raise unknown("architecture", name, known)


def architecture_of(blueprint: Blueprint) -> Architecture:
    """Return a blueprint as an architecture; its parameters and multiply-accumulates are 0: nobody has counted them."""
    recipe = blueprint.recipe
    defaults = Defaults(
        recipe.epochs, recipe.learning_rate, recipe.augmentation, recipe.label_smoothing, recipe.averaging
    )
    kinds = ", ".join(dict.fromkeys(block.kind for block in blueprint.blocks))
    return Architecture(
        blueprint.name,
        f"{len(blueprint.blocks)} blocks ({kinds})",
        builder_of(blueprint),
        0,
        0,
        blueprint.smallest_side(),
        defaults,
        blueprint=blueprint,
    )


def require_images(chosen: Architecture, image_shape: tuple[int, int, int]) -> None:
    """Check that an architecture takes images of that shape, (height, width, channels).

    :raises InputError: it does not.
    """
    height, width, channels = image_shape
    least = f"{chosen.smallest_side}x{chosen.smallest_side}x{chosen.channels or 1}"
    if chosen.channels not in (None, channels):
        raise InputError(
            f"images of {height}x{width}x{channels} have {channels} channels, {chosen.name!r} needs {chosen.channels}, "
            f"at least {least}; `edgemnist train --arch {chosen.name}` makes such of any dataset's"
        )
    if min(height, width) < chosen.smallest_side or channels < 1:
        raise InputError(
            f"images of {height}x{width}x{channels} are too small for {chosen.name!r}, which needs at least "
            f"{least}; {_smaller_choice(min(height, width))}"
        )


def build_model(
    name: str | Architecture,
    image_shape: tuple[int, int, int],
    classes: int,
    seed: int,
    *,
    alpha: float | None = None,
    head: str = SOFTMAX,
) -> Any:
    """Return an untrained tf_keras model of an architecture; ``seed`` decides its initial weights.

    ``image_shape`` is (height, width, channels) in pixels; ``classes`` is at least 2; ``alpha`` is the width multiplier
    of a net that has one, None for its default; ``head`` is one of ``heads.HEADS``.

    :raises InputError: the architecture is unknown, the image too small for it, there are fewer than 2 classes, or the
        head is for other numbers of classes.
    """
    chosen = name if isinstance(name, Architecture) else find_architecture(name)
    require_images(chosen, image_shape)
    if classes < 2:
        raise InputError(f"a classifier needs at least 2 classes, got {classes}")
    outputs = outputs_of(head, classes)
    _, keras = load_tensorflow()
    keras.utils.set_random_seed(seed)
    image = keras.Input(shape=image_shape, name="image")
    build = chosen.build if alpha is None else partial(chosen.build, alpha=alpha)
    return keras.Model(image, build(keras.layers, image, outputs), name=chosen.name.replace("-", "_"))


def _smaller_choice(side: int) -> str:
    fitting = [row.name for row in architectures() if row.smallest_side <= side and row.channels is None]
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


def _conv_block(layers: Any, x: Any, filters: int, name: str, *, stride: int = 1, padding: str = "same") -> Any:
    """Conv 3x3 without bias, batch norm, ReLU."""
    x = layers.Conv2D(filters, 3, strides=stride, padding=padding, use_bias=False, name=name)(x)
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


def _classifier(layers: Any, x: Any, outputs: int) -> Any:
    return layers.Dense(outputs, activation=activation_of(outputs), name="probabilities")(x)


def _averaged_classifier(layers: Any, x: Any, outputs: int) -> Any:
    return _classifier(layers, layers.GlobalAveragePooling2D(name="average")(x), outputs)


def _stages(*stages: tuple[int, ...]) -> Builder:
    """Return the builder of conv blocks with so many channels, with max pooling between two stages."""

    def build(layers: Any, x: Any, outputs: int) -> Any:
        for index, filters in enumerate(stages, start=1):
            if index > 1:
                x = layers.MaxPooling2D(2, name=f"pool{index - 1}")(x)
            for place, count in zip("abc", filters, strict=False):
                x = _conv_block(layers, x, count, f"conv{index}{place}")
        return _averaged_classifier(layers, x, outputs)

    return build


def _nano(layers: Any, image: Any, outputs: int) -> Any:
    """Separable blocks: as good as plain convolutions at this size, with two thirds of their multiplications."""
    x = _conv_block(layers, image, 8, "conv1")
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = _separable_block(layers, x, 16, "block1")
    x = _separable_block(layers, x, 16, "block2")
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = _separable_block(layers, x, 20, "block3")
    x = _separable_block(layers, x, 20, "block4")
    return _averaged_classifier(layers, x, outputs)


def _fast(layers: Any, image: Any, outputs: int) -> Any:
    """Strides instead of pooling, so that nothing is computed only to be thrown away; no padding at the end."""
    x = _conv_block(layers, image, 8, "conv1", stride=2)
    x = _conv_block(layers, x, 16, "conv2", stride=2)
    x = _conv_block(layers, x, 20, "conv3")
    x = _conv_block(layers, x, 16, "conv4", padding="valid")
    return _averaged_classifier(layers, x, outputs)


def _ds_cnn(layers: Any, image: Any, outputs: int) -> Any:
    x = _conv_block(layers, image, 16, "conv1", stride=2)
    x = _separable_block(layers, x, 32, "block1")
    x = _separable_block(layers, x, 32, "block2")
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = _separable_block(layers, x, 48, "block3")
    x = _separable_block(layers, x, 48, "block4")
    return _averaged_classifier(layers, x, outputs)


def _cnn(layers: Any, image: Any, outputs: int) -> Any:
    x = layers.Conv2D(32, 3, activation="relu", name="conv1")(image)
    x = layers.MaxPooling2D(2, name="pool1")(x)
    x = layers.Conv2D(64, 3, activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(2, name="pool2")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(128, activation="relu", name="hidden")(x)
    return _classifier(layers, x, outputs)


def _dense(layers: Any, image: Any, outputs: int) -> Any:
    x = layers.Flatten(name="flatten")(image)
    x = layers.Dense(128, activation="relu", name="hidden")(x)
    return _classifier(layers, x, outputs)


# Defaults: epochs, peak rate, strength of augmentation, label smoothing, weight averaging. Numbers before them:
# parameters, multiply-accumulates, smallest side. A teacher learns without label smoothing, which would take the
# likeness of classes out of its answers (Mueller, Kornblith and Hinton 2019).
# fmt: off
ARCHITECTURES = (
    Architecture("nano", "3x3 convolution, then 4 depthwise-separable blocks, 8 to 20 channels",
                 _nano, 2_066, 225_404, 4, Defaults(60, 0.01, 1.0, 0.1, True)),
    Architecture("micro", "3 pairs of 3x3 convolutions, 6 to 14 channels",
                 _stages((6, 6), (10, 10), (14, 14)), 5_052, 726_908, 4, Defaults(40, 0.01, 1.0, 0.1, True)),
    Architecture("tiny", "3 pairs of 3x3 convolutions, 8 to 18 channels; the default",
                 _stages((8, 8), (12, 12), (16, 18)), 7_392, 1_143_252, 4, Defaults(30, 0.01, 1.0, 0.1, True)),
    Architecture("small", "3 pairs of 3x3 convolutions, 8 to 24 channels",
                 _stages((8, 12), (18, 20), (24, 24)), 15_980, 2_215_824, 4, Defaults(25, 0.01, 1.0, 0.1, True)),
    Architecture("medium", "3 pairs of 3x3 convolutions, 8 to 32 channels",
                 _stages((8, 12), (20, 24), (28, 32)), 21_982, 2_695_712, 4, Defaults(25, 0.01, 1.0, 0.1, True)),
    Architecture("base", "3 pairs of 3x3 convolutions, 10 to 40 channels",
                 _stages((10, 12), (24, 28), (36, 40)), 32_402, 3_690_688, 4, Defaults(20, 0.01, 1.0, 0.1, True)),
    Architecture("large", "1 and 2 pairs of 3x3 convolutions, 16 to 88 channels: for harder images than digits",
                 _stages((16,), (32, 40), (72, 88)), 100_354, 7_339_120, 4, Defaults(20, 0.01, 1.0, 0.1, True)),
    Architecture("fast", "2 strided and 2 plain 3x3 convolutions: few multiplications",
                 _fast, 7_214, 283_840, 9, Defaults(60, 0.01, 1.0, 0.1, True)),
    Architecture("cnn-large", "16 to 96 channels: a teacher for the others, not for devices",
                 _stages((16,), (48, 48), (96, 96, 96)), 236_522, 15_693_504, 4, Defaults(12, 0.01, 1.0, 0.0, True)),
    Architecture("ds-cnn", "strided convolution, then 4 depthwise-separable blocks",
                 _ds_cnn, 7_466, 637_872, 3, Defaults(12, 0.01, 1.0, 0.1, True)),
    Architecture("cnn", "tutorial net: Conv 32, Conv 64 (3x3 valid, pooling), Dense 128",
                 _cnn, 225_034, 2_631_040, 10, Defaults(8, 0.002, 1.0, 0.1, False)),
    Architecture("dense", "tutorial net: Flatten, Dense 128",
                 _dense, 101_770, 101_632, 1, Defaults(10, 0.002, 0.0, 0.1, False)),
    Architecture(mobilenet.MOBILENET_V2, "MobileNetV2 for transfer learning, --alpha 0.35 to 1.4, on 32x32x3 and more",
                 mobilenet.mobilenet_v2, 401_898, 1_196_592, mobilenet.SMALLEST_SIDE,
                 Defaults(5, 0.005, 1.0, 0.1, True), mobilenet.CHANNELS, mobilenet.PIXELS),
)
# fmt: on
