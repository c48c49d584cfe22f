"""Activations and the integers that their outputs can take."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgemnist.commands.doctor.faults.base import BYTES, RELU, RELU6, Fault, Network, Place, Severity, each
from edgemnist.tflite.file import OperatorInfo, Quantisation
from edgemnist.tflite.kinds import limits_of

_SIX = 6.0
_UNUSED = 0.5
"""Share of the integers that an activation rules out, above which a bit is lost."""

_CLIPPED = _SIX / 3
"""A RELU6 whose scale ends below this cuts what calibration may only have missed."""

_FUSED = {RELU: "RELU", RELU6: "RELU6"}


def _rescaling_relu6(network: Network) -> Iterator[Place]:
    """TFLM's kernel only clamps (``Relu6Quantized``), TFLite's multiplies by the ratio of the scales too."""
    for operator in each(network.model.operators, "RELU6"):
        source, target = network.activation(operator), network.output(operator)
        if source is None or target is None or source.quantisation is None or target.quantisation is None:
            continue
        before, after = source.quantisation, target.quantisation
        if (before.scale, before.zero_point) != (after.scale, after.zero_point):
            evidence = (
                f"scale {before.scale:.6g}, zero point {before.zero_point} before, {after.scale:.6g} and "
                f"{after.zero_point} behind: what is 0.0 leaves TFLM as "
                f"{(before.zero_point - after.zero_point) * after.scale:.4g}"
            )
            yield network.at(operator, target, evidence)


def _activation_of(operator: OperatorInfo) -> int:
    if operator.kind in ("RELU", "RELU6"):
        return RELU if operator.kind == "RELU" else RELU6
    return operator.integer("fused_activation_function")


def _used(activation: int, quantisation: Quantisation, ends: tuple[int, int]) -> tuple[int, int]:
    """Return the least and largest integer that an activation leaves (TFLite ``CalculateActivationRangeQuantized``)."""
    low, high = max(ends[0], quantisation.zero_point), ends[1]
    if activation == RELU6:
        six = float(np.float32(_SIX) / np.float32(quantisation.scale))
        high = min(high, quantisation.zero_point + int(np.floor(six + 0.5)))
    return low, high


def _activated(network: Network) -> Iterator[tuple[OperatorInfo, int, Quantisation, tuple[int, int]]]:
    """Yield operators with RELU or RELU6 and 8-bit outputs: the activation, the quantisation, the ends of the type."""
    for operator in network.model.operators:
        target = network.output(operator)
        if target is None or target.quantisation is None or target.quantisation.per_channel:
            continue
        if _activation_of(operator) in _FUSED and target.dtype in BYTES and target.quantisation.scale > 0:
            yield operator, _activation_of(operator), target.quantisation, limits_of(target.dtype)


def _unused(network: Network) -> Iterator[Place]:
    for operator, activation, quantisation, ends in _activated(network):
        low, high = _used(activation, quantisation, ends)
        unused = 1 - (high - low + 1) / (ends[1] - ends[0] + 1)
        if unused > _UNUSED:
            top = (ends[1] - quantisation.zero_point) * quantisation.scale
            evidence = (
                f"{_FUSED[activation]} leaves {low}..{high}, {unused:.0%} of the integers never occur: the scale "
                f"reaches to {top:.4g}, the zero point is {quantisation.zero_point}"
            )
            yield network.at(operator, network.output(operator), evidence)


def _clipped(network: Network) -> Iterator[Place]:
    for operator, activation, quantisation, ends in _activated(network):
        top = (ends[1] - quantisation.zero_point) * quantisation.scale
        if activation == RELU6 and 0 < top < _CLIPPED:
            evidence = f"the scale ends at {top:.4g}, RELU6 at 6"
            yield network.at(operator, network.output(operator), evidence)


FAULTS = (
    Fault(
        "rescaling-relu6", Severity.WRONG,
        "a RELU6 of its own changes the scale: TFLM only clamps and does not rescale, TFLite does, so that their "
        "results differ everywhere; edgemnist's C refuses it",
        "make it the activation of the layer before: activation='relu6', or ReLU(6.0) directly behind the layer or its "
        "BatchNormalization; then the converter fuses it",
        _rescaling_relu6,
    ),
    Fault(
        "unused-activation-range", Severity.COSTS,
        "an activation rules out more than half of the integers that the output's scale provides: a bit is lost",
        "calibrate again with images as the model is fed them, so that the range begins at 0 and ends where the "
        "activation does: `edgemnist convert --int8`",
        _unused,
    ),
    Fault(
        "early-relu6", Severity.NOTE,
        "the output's scale ends far below the 6 of the activation; larger values are cut, which is right only where "
        "the calibration images were those that the model will see",
        "calibrate with more images; `edgemnist doctor MODEL --dataset NAME` counts what is cut",
        _clipped,
    ),
)  # fmt: skip
