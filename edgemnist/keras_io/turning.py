"""Channels first to channels last: which tensors have been turned, and what a layer takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from edgemnist.keras_io.activations import Naming
from edgemnist.keras_io.operations import ELEMENTWISE, Build
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.keras_io.walk import Call, flat

_FIRST_TO_LAST = (0, 2, 3, 1)
_ALIKE = (
    "Activation", "ReLU", "LeakyReLU", "ELU", "ThresholdedReLU", "Rescaling", "Add", "Subtract", "Multiply", "Average",
    "Maximum", "Minimum", "TFOpLambda",
)  # fmt: skip
"""Layers that treat each element alike, however the elements lie."""

_ALONG_AXIS = ("BatchNormalization", "Concatenate", "Softmax", "PReLU")


@dataclass(frozen=True, eq=False)
class Held:
    """A tensor; ``turned`` where it has its channels last and the original's has them first."""

    tensor: Any
    turned: bool = False


def wanted(layer: Any, given: Sequence[Held], *, upright: bool) -> bool:
    """Whether a layer is to get its inputs turned: it has its channels first, or does not care and one is turned."""
    if upright and getattr(layer, "data_format", None) == "channels_first":
        return all(len(value.tensor.shape) == 4 for value in given)
    kind = type(layer).__name__
    alike = kind in _ALONG_AXIS or (kind in _ALIKE and (kind != "TFOpLambda" or len(given) == 1))
    return alike and any(value.turned for value in given) and all(len(value.tensor.shape) == 4 for value in given)


def changes(layer: Any, turned: bool) -> dict[str, Any]:
    """Return what changes in a layer's configuration where its inputs are turned."""
    if not turned:
        return {}
    if type(layer).__name__ == "PReLU":
        return {"shared_axes": [_FIRST_TO_LAST.index(axis) for axis in layer.shared_axes or ()] or None}
    if type(layer).__name__ in _ALONG_AXIS:
        axis = layer.axis[0] if isinstance(layer.axis, (list, tuple)) else layer.axis
        return {"axis": _FIRST_TO_LAST.index(axis % 4)}
    return {"data_format": "channels_last"} if hasattr(layer, "data_format") else {}


def taker(turned: bool, unique: Naming) -> Callable[[Any], Any]:
    """Return the function from an argument, or a list of them, to what a layer gets for it."""

    def take(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [take(entry) for entry in value]
        if not isinstance(value, Held):
            return value
        return (channels_last(value, unique) if turned else plain(value, unique)).tensor

    return take


def operation(call: Call, arguments: Any, options: Any, build: Build, unique: Naming) -> Held:
    """Return what an operation of Keras 3 makes of its arguments."""
    given = [value for value in flat((arguments, options)) if isinstance(value, Held)]
    numbers = [value for value in flat((arguments, options)) if not isinstance(value, Held)]
    alike = call.kind in ELEMENTWISE and all(len(value.tensor.shape) == 4 for value in given)
    single = all(getattr(value, "ndim", 0) == 0 for value in numbers)
    turned = alike and single and any(value.turned for value in given)
    take = taker(turned, unique)
    return Held(build(call.layer, [*map(take, arguments), *map(take, options.values())], unique), turned)


def channels_last(value: Held, unique: Naming) -> Held:
    """Return a value turned."""
    if value.turned:
        return value
    layers = load_tensorflow()[1].layers
    return Held(layers.Permute((2, 3, 1), name=unique("channels_last"))(value.tensor), True)


def plain(value: Held, unique: Naming) -> Held:
    """Return a value as the original has it."""
    if not value.turned:
        return value
    layers = load_tensorflow()[1].layers
    height, width, channels = value.tensor.shape[1:]
    if channels == 1 or (height, width) == (1, 1):
        return Held(layers.Reshape((channels, height, width), name=unique("channels_first"))(value.tensor))
    return Held(layers.Permute((3, 1, 2), name=unique("channels_first"))(value.tensor))
