"""Inputs for a model that there are no pictures for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import TensorInfo, TfliteModel

_SEED = 0

_RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "int32": (-128, 127), "int64": (-128, 127),
           "uint32": (0, 127), "uint64": (0, 127), "bool": (0, 1)}  # fmt: skip
"""What integers are drawn from; of wide ones, which may be indices or counts, only small ones."""

_FLOATS = ("float32", "float16", "float64")

_SHAPE_OPERANDS = {"TRANSPOSE_CONV": 0, "RESHAPE": 1}
"""Which operand of an operator is the shape of its output, which nothing else will do for."""


def random_inputs(model: TfliteModel, count: int) -> tuple[tuple[NDArray[Any], ...], str]:
    """Return for each input of a model values (count, *input shape) in its type, always the same, and what they are.

    8 and 16-bit integers are uniform over their type; floats over what the quantisation behind them can hold, else over
    0..1.

    :raises UnsupportedModelError: an input is of a type that nothing can be drawn for.
    """
    generator = np.random.default_rng(_SEED)
    tensors = [model.tensors[index] for index in model.inputs]
    drawn = [_drawn(model, tensor, count, generator) for tensor in tensors]
    ranges = list(dict.fromkeys(words for _, words in drawn))
    if len(ranges) > 1:
        ranges = [
            f"{words} for {model.readable[tensor.index]!r}" for tensor, (_, words) in zip(tensors, drawn, strict=True)
        ]
    return tuple(values for values, _ in drawn), f"{count} random inputs, {', '.join(ranges)} (seed {_SEED})"


def _drawn(
    model: TfliteModel, tensor: TensorInfo, count: int, generator: np.random.Generator
) -> tuple[NDArray[Any], str]:
    """Return values for one input and their range in words."""
    shape = (count, *tensor.shape)
    wanted = _as_shape(model, tensor)
    if wanted is not None:
        return np.broadcast_to(np.array(wanted, tensor.dtype), shape).copy(), f"the shape {list(wanted)}"
    if tensor.dtype in _FLOATS:
        low, high = _range_behind(model, tensor)
        return generator.uniform(low, high, shape).astype(tensor.dtype), f"uniform over {low:.4g}..{high:.4g}"
    if tensor.dtype not in _RANGES:
        name = model.readable[tensor.index]
        raise UnsupportedModelError(f"no inputs can be drawn for {name!r}:", [f"its type is {tensor.dtype}"])
    lowest, highest = _RANGES[tensor.dtype]
    whole = generator.integers(lowest, highest, shape, endpoint=True).astype(tensor.dtype)
    return whole, f"uniform over {lowest}..{highest}"


def _as_shape(model: TfliteModel, tensor: TensorInfo) -> tuple[int, ...] | None:
    """Return the shape that an input has to hold, None where it is no shape."""
    for operator in model.operators:
        place = _SHAPE_OPERANDS.get(operator.kind, len(operator.inputs))
        if place < len(operator.inputs) and operator.inputs[place] == tensor.index:
            return model.tensors[operator.outputs[0]].shape
    return None


def _range_behind(model: TfliteModel, tensor: TensorInfo) -> tuple[float, float]:
    for operator in model.operators:
        target = model.tensors[operator.outputs[0]] if operator.outputs else None
        if operator.kind == "QUANTIZE" and operator.inputs[0] == tensor.index and target and target.quantisation:
            limits = np.iinfo(target.dtype)
            scale, zero_point = target.quantisation.scale, target.quantisation.zero_point
            return scale * (limits.min - zero_point), scale * (limits.max - zero_point)
    return 0.0, 1.0
