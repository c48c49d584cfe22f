"""An operator of the float net as a model of its own, with its own weights or with what int8 left of them."""

from __future__ import annotations

import enum
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.mismatch.one_operator import OneOperator, one_operator
from edgemnist.quantisation_error.pairing import Layer, Pair
from edgemnist.quantisation_error.ranges import dequantise
from edgemnist.tflite.file import Quantisation, TfliteModel
from edgemnist.tflite.kinds import OUTPUT_AXIS


class Weights(enum.Enum):
    """Which weights a layer has: its own, those of the int8 net, its own quantised with a scale for each channel."""

    FLOAT = "float"
    FILE = "as in the file"
    PER_CHANNEL = "a scale for each channel"


def weights_of(pair: Pair, layer: Layer, which: Weights) -> dict[int, NDArray[np.float32]]:
    """Return the values of a layer's constants by their tensors in the float net."""
    found = {}
    for mine, other in layer.constants:
        own = np.asarray(pair.float_model.tensors[mine].data, np.float32)
        tensor = pair.quantised(other)
        if which is Weights.PER_CHANNEL and own.ndim > 1 and layer.kind in OUTPUT_AXIS:
            found[mine] = _per_channel(own, OUTPUT_AXIS[layer.kind])
        elif which is Weights.FLOAT or tensor.quantisation is None or tensor.data is None:
            found[mine] = own
        else:
            found[mine] = dequantise(tensor.data, tensor.quantisation, leading=0).reshape(own.shape)
    return found


def _per_channel(values: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return weights rounded to -127..127 times a scale for each channel."""
    others = tuple(one for one in range(values.ndim) if one != axis)
    scales = np.maximum(np.abs(values).max(axis=others), np.float32(1e-12)) / np.float32(127)
    quantisation = Quantisation(tuple(map(float, scales)), (0,) * len(scales), axis)
    shape = [1] * values.ndim
    shape[axis] = -1
    return dequantise(np.clip(np.rint(values / scales.reshape(shape)), -127, 127), quantisation, leading=0)


def float_operator(pair: Pair, layer: Layer, which: Weights) -> OneOperator:
    """Return a layer of the float net alone, with the weights that are asked for.

    :raises UnsupportedModelError: it can't be run alone.
    """
    cut = one_operator(pair.float_model, layer.float_index)
    if which is Weights.FLOAT or not layer.constants:
        return cut
    content = _with_constants(pair.float_model, weights_of(pair, layer, which))
    return replace(cut, model=replace(cut.model, content=content))


def _with_constants(model: TfliteModel, values: dict[int, NDArray[np.float32]]) -> bytes:
    """Return a model's file with other constants of the same sizes, written where the old ones stand.

    Once one operator is cut out of it, only that one can read them, whoever else shares them in the whole model.
    """
    import tflite

    changed = bytearray(model.content)
    root: Any = tflite.Model.GetRootAs(model.content, 0)
    for tensor, new in values.items():
        table = root.Buffers(root.Subgraphs(0).Tensors(tensor).Buffer())._tab
        start = table.Vector(table.Offset(_DATA_FIELD))
        size = table.VectorLen(table.Offset(_DATA_FIELD))
        raw = np.ascontiguousarray(new, "<f4").tobytes()
        if len(raw) != size:
            raise ValueError(f"constant {model.tensors[tensor].name!r} has {size} bytes, {len(raw)} were given")
        changed[start : start + size] = raw
    return bytes(changed)


_DATA_FIELD = 4
"""Place of the field in the schema's table Buffer."""
