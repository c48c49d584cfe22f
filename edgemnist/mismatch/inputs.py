"""Inputs for a model that there are no pictures for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import TensorInfo, TfliteModel

_SEED = 0


def random_inputs(model: TfliteModel, count: int) -> tuple[NDArray[Any], str]:
    """Return inputs of shape (count, *input shape) in the input's type, always the same, and what they are in words.

    Integers are uniform over their type; floats over what the quantisation behind them can hold, else over 0..1.

    :raises UnsupportedModelError: the input is of a type that nothing can be drawn for.
    """
    tensor = model.input()
    generator, shape = np.random.default_rng(_SEED), (count, *tensor.shape)
    if tensor.dtype == "float32":
        low, high = _range_behind(model, tensor)
        drawn = generator.uniform(low, high, shape).astype(np.float32)
        return drawn, f"{count} random inputs, uniform over {low:.4g}..{high:.4g} (seed {_SEED})"
    if tensor.dtype not in ("int8", "uint8", "int16"):
        raise UnsupportedModelError(f"no inputs can be drawn for {tensor.name!r}:", [f"its type is {tensor.dtype}"])
    limits = np.iinfo(tensor.dtype)
    whole = generator.integers(limits.min, limits.max, shape, endpoint=True).astype(tensor.dtype)
    return whole, f"{count} random inputs, uniform over {limits.min}..{limits.max} (seed {_SEED})"


def _range_behind(model: TfliteModel, tensor: TensorInfo) -> tuple[float, float]:
    for operator in model.operators:
        target = model.tensors[operator.outputs[0]] if operator.outputs else None
        if operator.kind == "QUANTIZE" and operator.inputs[0] == tensor.index and target and target.quantisation:
            limits = np.iinfo(target.dtype)
            scale, zero_point = target.quantisation.scale, target.quantisation.zero_point
            return scale * (limits.min - zero_point), scale * (limits.max - zero_point)
    return 0.0, 1.0
