"""A rebuilt model's first layers that only bring pixels to another range, taken out of it: they become normalisation.

What is left sees the same numbers, and quantisation-aware training, which knows no such layers, can train it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edgemnist.keras_io.rebuild import Way, rebuild
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.keras_io.turning import Held
from edgemnist.keras_io.walk import Call, calls, is_tensor

Affine = tuple[float, float]
"""(scale, offset) of ``real = value * scale + offset``."""

_PASSED = ("Reshape", "Permute")


def without_scaling(model: Any) -> tuple[Any, Affine]:
    """Return a tf_keras model without the scaling in front, and what that does to every pixel; (1, 0) is nothing.

    Only what is alike for all channels is taken out, and only where nothing else sees the pixels.
    """
    left_out, affine, seen = [], (1.0, 0.0), id(model.inputs[0])
    while True:
        takers = [call for call in calls(model) if any(id(tensor) == seen for tensor in call.inputs)]
        if len(takers) != 1:
            break
        found = _affine(takers[0])
        if found is not None:
            left_out.append(id(takers[0].layer))
            affine = affine[0] * found[0], affine[1] * found[0] + found[1]
        elif takers[0].kind not in _PASSED:
            break
        seen = id(takers[0].outputs[0])
    if not left_out:
        return model, (1.0, 0.0)
    _, keras = load_tensorflow()
    keras.backend.reset_uids()
    image = keras.Input(model.input_shape[1:], name="image")
    outputs, _ = rebuild(model, Held(image), Path(), Way(left_out=frozenset(left_out)))
    return keras.Model(image, outputs), affine


def _affine(call: Call) -> Affine | None:
    """Return the scaling that a call does, None where it does something else, or one for each channel."""
    layer = call.layer
    if call.kind == "Rescaling":
        return _single(layer.scale, layer.offset)
    if call.kind == "Normalization":
        deviation = np.maximum(np.sqrt(np.asarray(layer.variance)), 1e-7)
        return None if layer.invert else _single(1.0 / deviation, -np.asarray(layer.mean) / deviation)
    if call.kind != "TFOpLambda" or len(call.inputs) != 1:
        return None
    others = [
        value for value in (*call.arguments, *call.options.values()) if not is_tensor(value) and value is not None
    ]
    numbers = [value for value in others if not isinstance(value, str)]
    if len(numbers) != 1 or np.size(numbers[0]) != 1:
        return None
    number = float(np.asarray(numbers[0]).reshape(-1)[0])
    first = bool(call.arguments) and is_tensor(call.arguments[0])
    return _of_function(str(layer.get_config()["function"]).rpartition(".")[2], number, first)


def _of_function(name: str, number: float, first: bool) -> Affine | None:
    """Return what a function of TensorFlow does with a number; ``first``: the pixels are its first argument."""
    if name == "multiply":
        return number, 0.0
    if name == "add":
        return 1.0, number
    if name in ("truediv", "divide") and first and number:
        return 1.0 / number, 0.0
    if name in ("subtract", "sub"):
        return (1.0, -number) if first else (-1.0, number)
    return None


def _single(scale: Any, offset: Any) -> Affine | None:
    scales, offsets = (np.unique(np.asarray(value, np.float64)) for value in (scale, offset))
    return (float(scales[0]), float(offsets[0])) if len(scales) == len(offsets) == 1 else None
