"""Quantisation-aware training: wrappers that round as int8 inference does, and a plain model of what they learned.

The wrappers are tensorflow-model-optimization's (Jacob et al. 2018): kernels rounded per channel, activations with
ranges that follow what they see. Its models can't be read back from a .keras file, so what is kept is a plain Keras
model: the layers of the original with the new weights, and a fake quantisation with fixed ends wherever a range was
learned. The converter takes those ends instead of calibrating.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.keras_io.tensorflow import load_model_optimization, load_tensorflow
from edgemnist.keras_io.wrappers import QUANTISERS, Range, kind_of, range_variables
from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.normalisation import Normalisation

_WITH_NORM = ("Conv2D", "DepthwiseConv2D", "Dense")
_SQUASHING = ("softmax", "sigmoid")
_PREFIX = "quant_"
_SMALLEST_RANGE = 1e-3
"""A layer that is always zero still needs a scale above 0."""


def wrap(model: Any, *, keep_zeros: bool) -> Any:
    """Return a copy of the model with quantising wrappers; with ``keep_zeros`` weights that are 0 stay 0.

    :raises UnsupportedModelError: it has layers that tensorflow-model-optimization can't quantise; lists them all.
    """
    optimization = load_model_optimization()
    quantisation = optimization.quantization.keras
    _require_supported(model, quantisation.default_8bit.Default8BitQuantizeRegistry())
    annotated = quantisation.quantize_annotate_model(model)
    if not keep_zeros:
        return quantisation.quantize_apply(annotated)
    scheme = optimization.experimental.combine.Default8BitPrunePreserveQuantizeScheme()
    return quantisation.quantize_apply(annotated, scheme)


def _require_supported(model: Any, registry: Any) -> None:
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer" and not _is_folded(layer)]
    problems = [f"{layer.name} ({type(layer).__name__})" for layer in layers if not registry.supports(layer)]
    if problems:
        raise UnsupportedModelError(
            "tensorflow-model-optimization can't quantise these layers while training; "
            "convert the model with `edgemnist convert --int8`, which calibrates instead:",
            problems,
        )


def _is_folded(layer: Any) -> bool:
    """Whether a layer is a batch norm that the wrappers' layout rules fold into the layer before it.

    They do not where an activation stands between the two, also one that ends the layer before.
    """
    before = layer.inbound_nodes[0].inbound_layers if layer.inbound_nodes else None
    linear = getattr(getattr(before, "activation", None), "__name__", "linear") == "linear"
    return type(layer).__name__ == "BatchNormalization" and type(before).__name__ in _WITH_NORM and linear


def start_ranges(wrapped: Any, model: Any, images: NDArray[np.float32], normalisation: Normalisation) -> None:
    """Set the wrappers' ranges to those of the model's activations over ``images`` (normalised, float32, 4 dimensions).

    They start at -6..6 otherwise, and would spend thousands of steps on the way to what they see.
    """
    variables = _range_variables(wrapped)
    seen = _activations(model, [name for name in variables if name], images)
    seen[""] = np.asarray(normalisation.ends(), np.float32)
    for name, (low, high) in variables.items():
        low.assign(min(0.0, float(seen[name].min())))
        high.assign(max(_SMALLEST_RANGE, float(seen[name].max())))


def _activations(model: Any, names: list[str], images: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """Return what the named layers put out before a softmax or sigmoid of theirs, if they have one."""
    _, keras = load_tensorflow()
    layers = [model.get_layer(name) for name in names]
    ends = [layer.input if _squashes(layer) else layer.output for layer in layers]
    values = keras.Model(model.input, ends)(images, training=False)
    found = {}
    for layer, value in zip(layers, values if len(layers) > 1 else [values], strict=True):
        array = np.asarray(value)
        found[layer.name] = array @ layer.kernel.numpy() + layer.bias.numpy() if _squashes(layer) else array
    return found


def _activation_of(layer: Any) -> str:
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _squashes(layer: Any) -> bool:
    """Whether a dense layer ends in a softmax or sigmoid: the wrappers learn the range before those."""
    return type(layer).__name__ == "Dense" and _activation_of(layer) in _SQUASHING


def _range_variables(wrapped: Any) -> dict[str, tuple[Any, Any]]:
    """Return the lower and upper end of every activation with a range, by the name of its layer; "" is the input."""
    found = {}
    for layer in wrapped.layers:
        name = "" if kind_of(layer) == "QuantizeLayer" else layer.name.removeprefix(_PREFIX)
        ends, _ = range_variables(layer) if kind_of(layer) in QUANTISERS else (None, False)
        if ends is not None:
            found[name] = ends
    return found


def learned_ranges(wrapped: Any, normalisation: Normalisation) -> dict[str, Range]:
    """Return every activation's range by the name of its layer; "" is the input, whose range is that of pixels."""
    ranges = {name: (float(low), float(high)) for name, (low, high) in _range_variables(wrapped).items()}
    return {**ranges, "": normalisation.ends()}


def plain_model(model: Any, wrapped: Any, normalisation: Normalisation) -> Any:
    """Return a tf_keras model like ``model`` with the wrapped one's weights and learned ranges.

    A softmax or sigmoid that ends a layer becomes a layer of its own, because the range before it was learned.
    """
    _, keras = load_tensorflow()
    keras.backend.reset_uids()  # the names of the fake quantisations count up from here, so that equal models are equal
    ranges, weights = (
        learned_ranges(wrapped, normalisation),
        {weight.name: weight.numpy() for weight in wrapped.weights},
    )
    image = keras.Input(shape=model.input_shape[1:], name=model.input_names[0])
    tensors = {id(model.input): _fake_quantised(image, ranges.get(""))}
    for layer in model.layers:
        if type(layer).__name__ == "InputLayer":
            continue
        copy = type(layer).from_config(_linear_config(layer))
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        taken = [tensors[id(tensor)] for tensor in inputs]
        output = _fake_quantised(copy(taken if len(taken) > 1 else taken[0]), ranges.get(layer.name))
        copy.set_weights([weights[weight.name] for weight in layer.weights])
        tensors[id(layer.output)] = _squashed(keras, layer, output) if _squashes(layer) else output
    return keras.Model(image, tensors[id(model.output)], name=model.name)


def _squashed(keras: Any, layer: Any, tensor: Any) -> Any:
    if _activation_of(layer) == "softmax":
        return keras.layers.Softmax(name="softmax")(tensor)
    return keras.layers.Activation("sigmoid", name=f"{layer.name}_sigmoid")(tensor)


def _linear_config(layer: Any) -> dict[str, Any]:
    config: dict[str, Any] = layer.get_config()
    return {**config, "activation": "linear"} if _squashes(layer) else config


def _fake_quantised(tensor: Any, ends: Range | None) -> Any:
    tensorflow, _ = load_tensorflow()
    if ends is None:
        return tensor
    return tensorflow.quantization.fake_quant_with_min_max_vars(tensor, *ends)
