"""LSTM and GRU over a sequence; simplify.py has brought the batch to the front."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgemnist.onnx.graph import Constant
from edgemnist.onnx.registry import Use, operator
from edgemnist.onnx.values import RefusedError, Value, layers, plain

_USUAL = {"LSTM": ["Sigmoid", "Tanh", "Tanh"], "GRU": ["Sigmoid", "Tanh"]}


@operator("LSTM")
def lstm(use: Use) -> tuple[Value, ...]:
    """Return an LSTM's outputs of every step, (batch, steps, units), and of the last one."""
    kernel, recurrent, bias = _weights(use, 4)
    order = [0, 2, 3, 1]  # ONNX has input, output, forget, cell; Keras input, forget, cell, output
    return _run(use, layers().LSTM, [_gates(kernel, order), _gates(recurrent, order), _gates(bias.sum(0), order)])


@operator("GRU")
def gru(use: Use) -> tuple[Value, ...]:
    """Return a GRU's outputs of every step, (batch, steps, units), and of the last one."""
    kernel, recurrent, bias = _weights(use, 3)
    after = bool(use.attribute("linear_before_reset", 0))
    told = bias if after else bias.sum(0)
    order = [0, 1, 2]
    return _run(use, layers().GRU, [_gates(kernel, order), _gates(recurrent, order), told], reset_after=after)


def _weights(use: Use, gates: int) -> tuple[Constant, Constant, Constant]:
    """Return the weights (inputs, gates * units), (units, gates * units) and both biases (2, gates * units)."""
    use.require("direction", "forward")
    use.require("layout", 1)
    for name in ("clip", "input_forget"):
        use.require(name, 0)
    if (functions := use.attribute("activations", _USUAL[use.node.operator])) != _USUAL[use.node.operator]:
        raise RefusedError(f"has activations {functions}; only {_USUAL[use.node.operator]}")
    for place in (4, 7):
        if use.constant(place) is not None:
            raise RefusedError("has lengths of sequences, or peepholes; export it without")
    for place in (5, 6):
        first = use.constant(place)
        if first is not None and first.any():
            raise RefusedError("begins with a state other than 0; export it without one")
    kernel, recurrent = use.weights(1), use.weights(2)
    if kernel.shape[0] != 1 or kernel.shape[1] != recurrent.shape[1]:
        raise RefusedError(f"has weights of {kernel.shape} and {recurrent.shape}; only of one direction")
    bias = use.constant(3)
    given = np.zeros((2, kernel.shape[1]), np.float32) if bias is None else bias.reshape(2, -1)
    if kernel.shape[1] != gates * recurrent.shape[2]:
        raise RefusedError(f"has {kernel.shape[1]} rows of weights for {recurrent.shape[2]} units")
    return kernel[0].T, recurrent[0].T, given


def _gates(weights: Constant, order: list[int]) -> Constant:
    """Return weights, gates along the last axis, in another order of the gates."""
    parts = np.split(weights, len(order), axis=-1)
    return np.concatenate([parts[place] for place in order], axis=-1)


def _run(use: Use, kind: Any, weights: list[Constant], **details: Any) -> tuple[Value, ...]:
    value = plain(use.value())
    if value.rank != 3:
        raise RefusedError(f"takes values of {value.rank} dimensions; only (batch, steps, features)")
    layer = kind(weights[1].shape[0], return_sequences=True, unroll=kind is layers().GRU, **details)
    steps = layer(value.tensor)
    layer.set_weights(weights)
    return Value(steps), Value(steps[:, -1])
