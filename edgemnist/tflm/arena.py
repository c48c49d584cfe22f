"""The margin on the measured arena: buffers that CMSIS-NN's kernels ask for and the reference kernels do not.

Sizes are upper bounds of the ``*_get_buffer_size`` functions of CMSIS-NN (commit 4ab83cc3, which TFLM of 2026-08-20
pins) over its plain, DSP and Helium (MVE) versions. TFLM's own figures for these builds are in
``tests/convert/test_tflm_project.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel

HANDLE_BYTES = 16
"""What TFLM keeps for each buffer (a handle, an index, alignment), rounded up."""

_HELIUM_CHANNEL_BLOCK = 124  # CH_IN_BLOCK_MVE

LINEAR_PLANNER_BYTES = 8_224
"""The object by which TFLM lays tensors out without sharing: the places of 1,024 buffers, on a 64-bit core."""

UNKNOWN = frozenset({"BATCH_MATMUL", "SVDF", "TRANSPOSE_CONV", "UNIDIRECTIONAL_SEQUENCE_LSTM"})
"""Operators with CMSIS-NN buffers for which no bound is computed here."""


@dataclass(frozen=True)
class ArenaMargin:
    """Bytes on top of the measured arena.

    ``general`` suffices for TFLM's reference kernels and for CMSIS-NN without Helium; ``helium`` for CMSIS-NN on
    Cortex-M55 and M85. ``unknown``: kinds in the model whose CMSIS-NN buffers are not in these figures.
    """

    general: int
    helium: int
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Buffers:
    """Bytes of one operator: ``scratch`` while it runs, ``kept`` between runs (Helium only)."""

    scratch: int
    helium_scratch: int
    helium_kept: int = 0


def arena_margin(model: TfliteModel) -> ArenaMargin:
    """Return the margin for a model.

    Operators run one after another, so the largest buffer counts once; what is kept counts for every operator.
    """
    needs = [_BUFFERS[operator.kind](model, operator) for operator in model.operators if operator.kind in _BUFFERS]
    scratch = [need.scratch for need in needs if need.scratch]
    helium = [need.helium_scratch for need in needs if need.helium_scratch]
    kept = [need.helium_kept for need in needs if need.helium_kept]
    return ArenaMargin(
        general=max(scratch, default=0) + HANDLE_BYTES * len(scratch),
        helium=max(helium, default=0) + sum(kept) + HANDLE_BYTES * (len(helium) + len(kept)),
        unknown=tuple(sorted(UNKNOWN & {operator.kind for operator in model.operators})),
    )


def kept_bytes(model: TfliteModel) -> int:
    """Return the bytes on top of arena and margin with which no tensor and no buffer shares memory with another."""
    activations = (_round_up(tensor.bytes, 16) for tensor in model.tensors if tensor.data is None)
    needs = [_BUFFERS[operator.kind](model, operator) for operator in model.operators if operator.kind in _BUFFERS]
    buffers = (_round_up(max(need.scratch, need.helium_scratch), 16) for need in needs)
    return sum(activations) + sum(buffers) + LINEAR_PLANNER_BYTES


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step


def _convolution(model: TfliteModel, operator: OperatorInfo) -> _Buffers:
    """Two im2col columns of int16, or with Helium four of int8 in whole vectors of 16."""
    _, height, width, channels = _filter(model, operator).shape
    column = height * width * channels
    return _Buffers(2 * 2 * _round_up(column, 4), 4 * _round_up(column, 16))


def _depthwise_convolution(model: TfliteModel, operator: OperatorInfo) -> _Buffers:
    """One column of int16; with Helium four of a block of channels, or, of a single channel, as a convolution."""
    _, height, width, channels = _filter(model, operator).shape
    taps = height * width
    block = 4 * _HELIUM_CHANNEL_BLOCK * taps
    single = 4 * _round_up(taps, 16) + channels * taps
    return _Buffers(2 * channels * taps, max(block, single) if _input_channels(model, operator) == 1 else block)


def _fully_connected(model: TfliteModel, operator: OperatorInfo) -> _Buffers:
    """Sums of the weights, kept, with Helium; an output of more than two dimensions runs as a 1x1 convolution."""
    weights, output = _filter(model, operator), model.tensors[operator.outputs[0]]
    outputs, inputs = weights.shape[0], weights.shape[-1]
    if len(output.shape) > 2 and inputs % 4 == 0:
        # Multipliers and shifts for every output, and Arm's compiler wants two columns of int16.
        scratch = 2 * 4 * outputs + 2 * 2 * inputs
        return _Buffers(scratch, scratch)
    return _Buffers(0, 0, 4 * outputs)


def _average_pool(model: TfliteModel, operator: OperatorInfo) -> _Buffers:
    """One int32 a channel; none with Helium."""
    return _Buffers(4 * _input_channels(model, operator), 0)


_BUFFERS: Mapping[str, Callable[[TfliteModel, OperatorInfo], _Buffers]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise_convolution,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _average_pool,
}


def _filter(model: TfliteModel, operator: OperatorInfo) -> TensorInfo:
    return model.tensors[operator.inputs[1]]


def _input_channels(model: TfliteModel, operator: OperatorInfo) -> int:
    return model.tensors[operator.inputs[0]].shape[-1]
