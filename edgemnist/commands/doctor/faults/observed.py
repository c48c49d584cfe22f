"""What can only be seen on images."""

from __future__ import annotations

from collections.abc import Iterator

from edgemnist.commands.doctor.faults.base import BYTES, RELU6, Fault, Network, Observed, Place, Severity
from edgemnist.tflite.file import OperatorInfo, TensorInfo
from edgemnist.tflite.kinds import FIXED_RANGES, limits_of

_SATURATED = 0.01
"""Share of values at an end of the range, above which it is not only the largest that stand there."""

_UNUSED = 0.25
"""Share of the integers that are enough for all values, below which two bits are lost."""


def _seen(network: Network) -> Iterator[tuple[OperatorInfo, TensorInfo, Observed]]:
    for operator in network.model.operators:
        for index in operator.outputs:
            if index in network.observed:
                yield operator, network.model.tensors[index], network.observed[index]


def _quantised(network: Network) -> Iterator[tuple[OperatorInfo, TensorInfo, Observed]]:
    """Yield what computes values with a scale that was calibrated; operators that only hand values on are left out."""
    for operator, tensor, seen in _seen(network):
        source = network.activation(operator)
        same = source is not None and source.quantisation == tensor.quantisation and operator.kind != "ADD"
        if tensor.dtype in BYTES and tensor.quantisation is not None and operator.kind not in FIXED_RANGES and not same:
            yield operator, tensor, seen


def _saturated(network: Network) -> Iterator[Place]:
    for operator, tensor, seen in _quantised(network):
        low, high = limits_of(tensor.dtype)
        quantisation = tensor.quantisation
        if quantisation is None:
            continue
        # At the low end a zero point there stands for all that a RELU cut, at the high end RELU6 may end there.
        ends = [("low", seen.at_low)] if quantisation.zero_point != low else []
        six = quantisation.zero_point + round(6.0 / quantisation.scale)
        if operator.integer("fused_activation_function") != RELU6 or six > high:
            ends.append(("high", seen.at_high))
        for name, share in ends:
            if share > _SATURATED:
                value = low if name == "low" else high
                real = (value - quantisation.zero_point) * quantisation.scale
                evidence = f"{share:.1%} of the values of {network.images} images are {value}, that is {real:.4g}"
                yield network.at(operator, tensor, evidence)


def _unused(network: Network) -> Iterator[Place]:
    for operator, tensor, seen in _quantised(network):
        low, high = int(seen.low.min()), int(seen.high.max())
        share = (high - low + 1) / 256
        if share < _UNUSED:
            yield network.at(
                operator, tensor, f"{network.images} images gave {low}..{high}: {share:.0%} of the integers"
            )


def _constant(network: Network) -> Iterator[Place]:
    for operator, tensor, seen in _seen(network):
        same = int((seen.low == seen.high).sum())
        if same and operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED") and network.images > 1:
            evidence = f"{same} of {len(seen.low)} channels had one value for all {network.images} images"
            yield network.at(operator, tensor, evidence)


FAULTS = (
    Fault(
        "saturated-range", Severity.WRONG,
        "values were cut off at the end of a tensor's range: it was calibrated with smaller ones",
        "calibrate again with images as the model is fed them: `edgemnist convert --int8`; where only calibration and "
        "feeding differ, say so with --normalisation",
        _saturated, needs_images=True,
    ),
    Fault(
        "unused-range", Severity.COSTS,
        "values take less than a quarter of a tensor's range: it was calibrated with larger ones",
        "calibrate again with images as the model is fed them: `edgemnist convert --int8`; where only calibration and "
        "feeding differ, say so with --normalisation",
        _unused, needs_images=True,
    ),
    Fault(
        "still-channels", Severity.NOTE,
        "channels had the same value on all images; for others they may change",
        "look at more images with --images; train again with fewer channels in those layers",
        _constant, needs_images=True,
    ),
)  # fmt: skip
