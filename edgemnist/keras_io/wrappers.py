"""What tensorflow-model-optimization wraps around layers while training, and what those layers are without it.

A pruning wrapper's kernel is what its mask leaves. A quantising wrapper's layer stays in float32, with a fake
quantisation of fixed ends wherever the wrapper learned a range; the converter takes those ends instead of calibrating.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTISERS = ("QuantizeWrapper", "QuantizeWrapperV2", "QuantizeLayer")
WRAPPERS = (*QUANTISERS, "QuantizeAnnotate", "PruneLowMagnitude")

Range = tuple[float, float]
Array = NDArray[np.float32]


def kind_of(layer: Any) -> str:
    """Return the name of a layer's class."""
    return type(layer).__name__


def all_layers(model: Any) -> list[Any]:
    """Return the layers of a model and of the models in it."""
    found = []
    for layer in getattr(model, "layers", []):
        found += [layer, *all_layers(layer)] if hasattr(layer, "layers") else [layer]
    return found


def is_quantised(model: Any) -> bool:
    """Whether a model has ranges that were learned in a quantisation-aware training."""
    return any(kind_of(layer) in QUANTISERS for layer in all_layers(model))


def weights_of(wrapper: Any, *, rounded: bool) -> dict[str, Array]:
    """Return the weights of a wrapped layer by the end of their names, such as ``kernel:0``.

    Pruning masks are applied; with ``rounded`` quantised kernels are as inference with int8 has them.
    """
    found = {_end(weight): weight.numpy() for weight in (*wrapper.layer.weights, *wrapper.weights)}
    for weight, mask, *_ in getattr(wrapper, "pruning_vars", None) or ():
        found[_end(weight)] = weight.numpy() * mask.numpy()
    if rounded:
        for weight, quantiser, variables in getattr(wrapper, "_weight_vars", ()):
            found[_end(weight)] = quantiser(weight, training=False, weights=variables).numpy()
    return found


def _end(weight: Any) -> str:
    return str(weight.name).rpartition("/")[2]


def activation_of(layer: Any) -> Any:
    """Return the activation of a layer, without what quantises it; None where it has none."""
    found = getattr(layer, "activation", None)
    if found is not None and kind_of(found) == "QuantizeAwareActivation":
        found = found.activation
    return None if kind_of(found) == "NoOpActivation" else found


def learned_range(wrapper: Any) -> tuple[Range | None, bool]:
    """Return the range of a quantising wrapper's output, and whether it is that before its activation."""
    ends, before = range_variables(wrapper)
    return (None if ends is None else (float(ends[0]), float(ends[1]))), before


def range_variables(wrapper: Any) -> tuple[tuple[Any, Any] | None, bool]:
    """Return the variables of the range of a quantising wrapper's output, lower end first, or None.

    Beside them stands whether the range is that before the activation, as it is where that squashes.
    """
    if kind_of(wrapper) == "QuantizeLayer":
        return _ends(wrapper.quantizer_vars), False
    for activation in getattr(wrapper, "_quantize_activations", ()):
        for variables, before in (("_pre_activation_vars", True), ("_post_activation_vars", False)):
            if getattr(activation, variables, None):
                return _ends(getattr(activation, variables)), before
    return _ends(getattr(wrapper, "_output_quantizer_vars", None)), False


def _ends(variables: Mapping[str, Any] | None) -> tuple[Any, Any] | None:
    return (variables["min_var"], variables["max_var"]) if variables else None
