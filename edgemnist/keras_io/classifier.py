"""A Keras model from elsewhere as a tf_keras model of images (height, width, channels), to be trained on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from edgemnist.keras_io.folding import Affine, without_scaling
from edgemnist.keras_io.rebuild import Way, rebuild
from edgemnist.keras_io.sources import OpenedSource
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.keras_io.turning import Held
from edgemnist.keras_io.walk import calls, is_graph
from edgemnist.keras_io.wrappers import WRAPPERS
from edgemnist.support.errors import ModelError

_SCORES_TO_SCORES = {"sigmoid": "Sigmoid", "log_softmax": "LogSoftmax", "hard_sigmoid": "HardSigmoid"}
"""What may stand at the end and keeps the order of the classes: a softmax in its place gives probabilities."""


@dataclass(frozen=True, eq=False)
class Built:
    """``exact`` is the original as a tf_keras model, float32 (count, height, width, channels) -> (count, outputs).

    ``scores`` is the same without those operators at its end that a softmax replaces; ``replaced`` are their names,
    the last first.
    """

    exact: Any
    scores: Any
    replaced: tuple[str, ...]

    def without_scaling(self) -> tuple[Built, Affine]:
        """Return the same without the scaling of pixels in front, and what that does to every pixel."""
        exact, affine = without_scaling(self.exact)
        return (self, affine) if exact is self.exact else (_built(exact), affine)


def rebuild_classifier(
    opened: OpenedSource, image_shape: tuple[int, int, int], way: Way
) -> tuple[Built, tuple[str, ...]]:
    """Return the rebuilt model, and the kinds of the layers that were left out.

    :raises UnsupportedModelError: layers that cannot be rebuilt; lists them all.
    :raises ModelError: it is no graph of Keras layers, or gives no row of scores.
    """
    _, keras = load_tensorflow()
    if opened.keras is None:
        raise ModelError(f"{str(opened.path)!r} has no Keras layers; edgemnist convert {opened.path} takes it as it is")
    keras.backend.reset_uids()  # the layers' names are in the file, which has to be the same every time
    image = keras.layers.Input(image_shape, name="image")
    outputs, dropped = rebuild(opened.keras.model, _entrance(opened, image), opened.path, way)
    return _built(keras.Model(image, _row(opened, outputs[opened.chosen]))), dropped


def _entrance(opened: OpenedSource, image: Any) -> Held:
    """Return the image as the model's first layers see it."""
    if opened.layout == "nchw":
        return Held(image, turned=True)
    height, width, channels = image.shape[1:]
    reshape = load_tensorflow()[1].layers.Reshape
    if len(opened.shape) == 3:
        return Held(image)
    sizes = (height, width) if len(opened.shape) == 2 else (height * width * channels,)
    return Held(reshape(sizes, name="as_given")(image))


def _row(opened: OpenedSource, output: Any) -> Any:
    sizes = tuple(output.shape[1:])
    width = max(sizes, default=1)
    if math.prod(sizes) != width:
        raise ModelError(
            f"{str(opened.path)!r} gives {'x'.join(map(str, ('batch', *sizes)))} for an image; a classifier gives one "
            "score for each class"
        )
    return output if len(sizes) == 1 else load_tensorflow()[1].layers.Reshape((width,), name="row")(output)


def _built(exact: Any) -> Built:
    """Find where the scores are before an activation at the end that is no softmax."""
    _, keras = load_tensorflow()
    layer = exact.output._keras_history.layer
    if type(layer).__name__ == "TFOpLambda":
        name = str(layer.get_config()["function"]).rpartition(".")[2]
        if name not in _SCORES_TO_SCORES:
            return Built(exact, exact, ())
        return Built(exact, keras.Model(exact.input, layer.input), (_SCORES_TO_SCORES[name],))
    name = getattr(getattr(layer, "activation", None), "__name__", "")
    if name not in _SCORES_TO_SCORES:
        return Built(exact, exact, ())
    if type(layer).__name__ == "Activation":
        return Built(exact, keras.Model(exact.input, layer.input), (_SCORES_TO_SCORES[name],))
    copy = type(layer).from_config(layer.get_config() | {"activation": "linear"})
    scores = copy(layer.input)
    copy.set_weights(layer.get_weights())
    return Built(exact, keras.Model(exact.input, scores), (_SCORES_TO_SCORES[name],))


def layer_kinds(model: Any) -> tuple[str, ...]:
    """Return the kinds of layers in a model and the models in it, each once, in the order of computation."""
    found: dict[str, None] = {}
    for call in calls(model):
        if is_graph(call.layer):
            found |= dict.fromkeys(layer_kinds(call.layer))
            continue
        layer = getattr(call.layer, "layer", None) if call.kind in WRAPPERS else call.layer
        if layer is not None:
            found[type(layer).__name__] = None
    return tuple(found)
