"""One layer of Keras 2 or 3 as a layer of tf_keras: its class, its configuration, its weights."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from edgemnist.keras_io.activations import MADE, SAME, Naming, activated
from edgemnist.keras_io.operations import operations
from edgemnist.keras_io.tensorflow import load_tensorflow
from edgemnist.support.errors import EdgeMnistError

_IGNORED = ("name", "trainable", "dtype", "build_config", "batch_input_shape", "batch_shape", "input_shape", "seed")
_ENDS_IGNORED = ("_initializer", "_regularizer", "_constraint")
_NAMED_BY_TENSORFLOW = ("TFOpLambda", "SlicingOpLambda")
_LAST = (
    "Activation", "Dense", "EinsumDense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
    "DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D",
)  # fmt: skip
"""Layers that apply their activation last, so that it can stand after them."""

After = Callable[[Any], Any]


class RefusedError(EdgeMnistError):
    """A layer cannot be rebuilt; the message ends the sentence "Conv2D 'conv1' has ..."."""


def is_operation(layer: Any) -> bool:
    """Whether it is an operation of Keras 3, such as a sum of tensors, and no layer."""
    return not hasattr(layer, "get_weights")


def _is_keras_2(layer: Any) -> bool:
    return type(layer).__module__.startswith("tf_keras")


def why_not(layer: Any) -> str | None:
    """Return why a layer cannot be rebuilt, as far as its class tells; None where it can."""
    kind = type(layer).__name__
    if is_operation(layer):
        return None if kind in operations() else "is an operation that cannot be rebuilt"
    if kind == "Lambda":
        return "holds Python code"
    module = type(layer).__module__
    if not module.startswith(("tf_keras", "keras.")):
        return f"is of a class of its own ({module})"
    known = _is_keras_2(layer) or hasattr(load_tensorflow()[1].layers, kind)
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if known and not _is_keras_2(layer) and name not in SAME and (name not in MADE or kind not in _LAST):
        return f"has the activation {name!r}, which cannot be rebuilt"
    return None if known else "is a layer that tf-keras does not have"


def copied(layer: Any, unique: Naming, changes: Mapping[str, Any]) -> tuple[Any | None, After | None]:
    """Return a layer like ``layer``, without its weights, and the activation that has to follow; None where there is
    no need of one. ``changes`` are to its configuration.

    :raises RefusedError: it has an argument that tf-keras's layer does not have.
    """
    kind = type(layer).__name__
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    after = None
    config = _config(layer) | dict(changes)
    if not _is_keras_2(layer) and "activation" in config and "activation" not in changes:
        config["activation"] = SAME.get(name, "linear")
        after = None if name in SAME else partial(activated, name, unique=unique)
    if kind == "Activation" and (after or config["activation"] == "linear"):
        return None, after or (lambda tensor: tensor)
    named = {} if kind in _NAMED_BY_TENSORFLOW else {"name": unique(layer.name)}
    return _class(layer).from_config({**config, **named}), after


def _class(layer: Any) -> Any:
    return type(layer) if _is_keras_2(layer) else getattr(load_tensorflow()[1].layers, type(layer).__name__)


def _config(layer: Any) -> dict[str, Any]:
    found = dict(layer.get_config())
    for name in [name for name in found if name in _IGNORED or name.endswith(_ENDS_IGNORED)]:
        del found[name]
    if type(layer).__name__ == "Normalization":
        return _normalization(layer, found)
    if isinstance(found.get("axis"), (list, tuple)) and len(found["axis"]) == 1:
        found["axis"] = found["axis"][0]
    return found if _is_keras_2(layer) else _of_keras_3(layer, found)


def _normalization(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration with mean and variance in it: as weights they would not be in use after loading."""
    values = {name: np.squeeze(np.asarray(getattr(layer, name))).tolist() for name in ("mean", "variance")}
    return {**config, **values}


def _of_keras_3(layer: Any, config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration of Keras 3 as tf_keras's class takes it.

    :raises RefusedError: it says something that the class has no argument for.
    """
    known = _arguments(_class(layer))
    if "negative_slope" in config and "negative_slope" not in known and "alpha" in known:
        config["alpha"] = config.pop("negative_slope")
    defaults = inspect.signature(type(layer).__init__).parameters
    for name in [name for name in config if name not in known]:
        value = config.pop(name)
        usual = defaults[name].default if name in defaults else None
        if value not in (None, False, "channels_last", usual):
            raise RefusedError(f"has {name}={value!r}, which tf-keras does not have")
    if type(layer).__name__ == "MultiHeadAttention":
        shapes = layer.get_build_config()["shapes_dict"]
        config |= {"key_shape": shapes["value_shape"], **shapes}
    return {name: _with_plain_types(value) for name, value in config.items()}


def _arguments(kind: Any) -> set[str]:
    """Return the names of all arguments that a class takes, those handed on to its bases included."""
    return {
        name
        for base in kind.__mro__
        if base.__module__.startswith("tf_keras") and "__init__" in vars(base)
        for name in inspect.signature(base.__init__).parameters
    }


def _with_plain_types(value: Any) -> Any:
    """Return a configuration in which types are named as tf_keras names them, in layers within layers too."""
    if isinstance(value, list):
        return [_with_plain_types(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    return {
        name: _with_plain_types(entry)
        for name, entry in value.items()
        if name not in ("build_config", "batch_shape") and not name.endswith(_ENDS_IGNORED)
    }


def set_weights(copy: Any, layer: Any, *, turned: bool) -> None:
    """Give a copy the weights of its original; ``turned``: it has its channels last, the original has them first.

    :raises RefusedError: they do not fit.
    """
    if type(layer).__name__ == "Normalization":
        return
    weights = layer.get_weights()
    if type(layer).__name__ == "PReLU" and turned:
        weights = [alpha.transpose(1, 2, 0) for alpha in weights]
    have, want = [one.shape for one in weights], [tuple(one.shape) for one in copy.weights]
    if have != want:
        raise RefusedError(f"has weights of shapes {have}, tf-keras's layer {want}")
    copy.set_weights(weights)
