"""Plants channels that are constant or that nobody reads into a model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.compiler.model_builder import edited

CODES = {3: 0, 4: 3, 9: 0}
"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED in the schema, each with its weights' axis of output channels."""

CLAMPED = 2**28
"""A bias beyond all products of a small layer."""


def planted(content: bytes, seed: int, share: float = 0.4) -> bytes:
    """Return the model with about ``share`` of its layers' channels dead.

    Outputs lose their weights (and maybe their bias), get a scale so small that every sum is rounded to nothing, or a
    bias so large that every sum is clamped; of inputs all weights become 0.
    """
    draw = np.random.default_rng(seed)

    def change(model: Any) -> None:
        graph = model.subgraphs[0]
        for operator in graph.operators:
            axis = CODES.get(model.operatorCodes[operator.opcodeIndex].builtinCode)
            if axis is not None:
                _plant(model, [graph.tensors[index] for index in operator.inputs[1:]], axis, draw, share)

    return edited(content, change)


def _plant(model: Any, constants: list[Any], axis: int, draw: np.random.Generator, share: float) -> None:
    weights = _values(model, constants[0], np.int8)
    rows = np.moveaxis(weights, axis, 0)
    bias = _values(model, constants[1], np.int32) if len(constants) > 1 else np.zeros(len(rows), np.int32)
    scales = list(constants[0].quantization.scale)
    for channel in np.flatnonzero(draw.random(len(rows)) < share):
        way = draw.integers(5)
        if way < 2:
            rows[channel] = 0
            bias[channel] *= way
        elif way == 2 and len(scales) == len(rows):
            scales[channel] *= 1e-12
        elif way == 2 or len(constants) == 1:
            rows[channel] = 0
        else:
            bias[channel] = CLAMPED * (-1) ** int(way)
    if axis == 0:
        rows[..., draw.random(rows.shape[-1]) < share / 3] = 0
    constants[0].quantization.scale = scales
    _store(model, constants[0], weights)
    if len(constants) > 1:
        _store(model, constants[1], bias)


def _values(model: Any, tensor: Any, dtype: type) -> NDArray[Any]:
    raw = bytes(bytearray(model.buffers[tensor.buffer].data))
    return np.frombuffer(raw, dtype).reshape(tensor.shape).copy()


def _store(model: Any, tensor: Any, values: NDArray[Any]) -> None:
    model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
