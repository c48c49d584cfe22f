"""Which range of pixels a Keras model takes, where its first layers tell by bringing them to another range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgemnist.keras_io.walk import Call, calls, is_graph, is_tensor

_LEAST_DIVISOR = 50.0
"""Nets divide pixels of 0..255 by 127.5, 255 or about their deviation of 50 or more; those of 0..1 by less than 1."""

_MULTIPLY, _DIVIDE = ("Multiply", "math.multiply", "multiply"), ("TrueDivide", "Divide", "math.truediv", "math.divide")
_SHIFT = ("Subtract", "Add", "math.subtract", "math.add", "__operators__.add", "subtract", "add")
_PASSED = ("Dropout", "Identity", "ZeroPadding2D", "Reshape", "Resizing", "CenterCrop", "Cast")


def own_pixels(model: Any) -> tuple[str | None, tuple[str, ...]]:
    """Return "0..255" and a line with the evidence where the first layers bring such pixels to another range.

    None where they don't tell: such a model may have been trained on any range.
    """
    call = _first_scaling(model)
    found = None if call is None else _scaling(call)
    if call is None or found is None or found[0] < _LEAST_DIVISOR:
        return None, ()
    return "0..255", (f"pixels 0..255: the model has its own {found[1]}",)


def _first_scaling(model: Any) -> Call | None:
    """Return the first call on the way from the input that changes the range of what it sees."""
    if not is_graph(model):
        return None
    followed = {id(model.inputs[0])}
    for call in calls(model):
        if not any(id(tensor) in followed for tensor in call.inputs):
            continue
        if is_graph(call.layer):
            inner = _first_scaling(call.layer)
            if inner is not None:
                return inner
        elif not (call.kind.startswith("Random") or call.kind in _PASSED or _name(call) in _SHIFT):
            return call
        followed.update(map(id, call.outputs))
    return None


def _scaling(call: Call) -> tuple[float, str] | None:
    """Return by how much a call divides, and how to say that."""
    layer = call.layer
    if call.kind == "Rescaling":
        scale = float(np.max(np.abs(np.asarray(layer.scale))))
        shift = np.asarray(layer.offset).reshape(-1).tolist()
        said = f"Rescaling({_fraction(scale)}{', ' + ', '.join(f'{one:g}' for one in shift) if any(shift) else ''})"
        return (1.0 / scale, said) if scale else None
    if call.kind == "Normalization":
        deviation = float(np.sqrt(np.max(np.asarray(layer.variance))))
        mean = float(np.mean(np.asarray(layer.mean)))
        return deviation, f"Normalization (mean {mean:.4g}, deviation {deviation:.4g})"
    numbers = list(_numbers(call))
    if len(numbers) != 1 or numbers[0] == 0:
        return None
    if _name(call) in _DIVIDE:
        return abs(numbers[0]), f"division by {numbers[0]:g}"
    return (1.0 / abs(numbers[0]), f"product with {_fraction(numbers[0])}") if _name(call) in _MULTIPLY else None


def _name(call: Call) -> str:
    """Return the name of an operation, or that of the TensorFlow function of a layer that Keras 2 made of one."""
    if call.kind in ("TFOpLambda", "SlicingOpLambda"):
        return str(call.layer.get_config()["function"])
    return call.kind


def _numbers(call: Call) -> Iterator[float]:
    for value in [*call.arguments, *call.options.values()]:
        if not is_tensor(value) and not isinstance(value, (str, bool, type(None), list, tuple, dict)):
            array = np.asarray(value)
            if array.size == 1:
                yield float(array.reshape(-1)[0])


def _fraction(scale: float) -> str:
    return f"1/{1 / scale:g}" if 0 < scale < 1 and abs(1 / scale * 2 - round(1 / scale * 2)) < 1e-3 else f"{scale:g}"
