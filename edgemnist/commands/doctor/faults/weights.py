"""Weights and biases as they were quantised."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from edgemnist.commands.doctor.faults.base import CONVOLUTIONS, Fault, Layer, Network, Place, Severity

_TOP = 127
_HALF = 64
"""A channel that stays below it wastes a bit of the eight."""

_FEW_VALUES = 16
"""A channel with fewer weights tells nothing about where they lie."""

_PILED = 0.1
"""Share of a channel's weights at the ends of the range, above which it is not the largest weight that stands there."""


def _int8_layers(network: Network) -> Iterator[tuple[Layer, NDArray[np.int32]]]:
    """Yield layers of int8 weights, and the largest of each channel, 0..128."""
    for layer in network.layers:
        if layer.weights.dtype == "int8" and layer.weights.quantisation is not None:
            yield layer, np.abs(layer.channels.astype(np.int32)).max(axis=1)


def _one_scale(network: Network) -> Iterator[Place]:
    for layer, largest in _int8_layers(network):
        quantisation = layer.weights.quantisation
        if layer.operator.kind not in CONVOLUTIONS or quantisation is None or quantisation.per_channel:
            continue
        if len(largest) > 1:
            used = largest[largest > 0]
            least = int(used.min()) if used.size else 0
            evidence = f"{len(largest)} channels share one scale; the weakest uses {least} of {_TOP} steps"
            yield network.at(layer.operator, layer.weights, evidence)


def _unused(network: Network) -> Iterator[Place]:
    for layer, largest in _int8_layers(network):
        quantisation = layer.weights.quantisation
        if quantisation is None:
            continue
        largest = largest if quantisation.per_channel else largest.max(keepdims=True)
        low = (largest > 0) & (largest < _HALF)
        if low.any():
            of = f"{int(low.sum())} of {len(largest)} scales" if len(largest) > 1 else "the scale"
            evidence = f"{of} leave over half unused; the largest weight is {int(largest[low].min())} of {_TOP}"
            yield network.at(layer.operator, layer.weights, evidence)


def _clipped(network: Network) -> Iterator[Place]:
    for layer, _ in _int8_layers(network):
        size = np.abs(layer.channels.astype(np.int32))
        at_end, below = size >= _TOP, (size >= _TOP - 16) & (size < _TOP)
        piled = (at_end.mean(axis=1) > _PILED) & (at_end.sum(axis=1) > 3 * below.sum(axis=1) + 3)
        # Nets of two or three weights have nothing between.
        piled &= np.array([len(np.unique(row)) > 3 for row in size]) & (size.shape[1] >= _FEW_VALUES)
        if piled.any():
            share = at_end[piled].mean()
            evidence = f"in {int(piled.sum())} of {len(piled)} channels {share:.0%} of the weights are -127 or 127"
            yield network.at(layer.operator, layer.weights, evidence)


def _zero_points(network: Network) -> Iterator[Place]:
    for layer, _ in _int8_layers(network):
        if layer.operator.kind not in CONVOLUTIONS:  # a dense layer's kernels do take it
            continue
        points = layer.weights.quantisation.zero_points if layer.weights.quantisation else ()
        wrong = [point for point in points if point != 0]
        if wrong:
            evidence = f"{len(wrong)} of {len(points)} zero points are not 0, such as {wrong[0]}"
            yield network.at(layer.operator, layer.weights, evidence)


def _bias_scales(network: Network) -> Iterator[Place]:
    """A bias has to have the scale input * weights (TFLite 8-bit quantisation specification)."""
    for layer, _ in _int8_layers(network):
        source, target, bias = network.activation(layer.operator), network.output(layer.operator), layer.bias
        if bias is None or bias.data is None or bias.quantisation is None or source is None or target is None:
            continue
        if source.quantisation is None or target.quantisation is None or layer.weights.quantisation is None:
            continue
        wanted = source.quantisation.scale * np.array(layer.weights.quantisation.scales)
        given = np.array(bias.quantisation.scales)
        if (
            len(given) not in (1, len(wanted))
            or target.quantisation.scale <= 0
            or bias.data.size != len(layer.channels)
        ):
            continue
        steps = np.abs(bias.data.ravel().astype(np.float64) * (given - wanted)).max() / target.quantisation.scale
        if steps > 0.5 and np.abs(given - wanted).max() > 0.01 * np.abs(wanted).min():
            evidence = (
                f"scale {given[0]:.4g}, the input's times the weights' is {wanted[0]:.4g}: off by {steps:.3g} steps"
            )
            yield network.at(layer.operator, bias, evidence)


def _no_numbers(network: Network) -> Iterator[Place]:
    for tensor in network.model.tensors:
        if tensor.data is not None and tensor.data.dtype.kind == "f":
            wrong = int((~np.isfinite(tensor.data.astype(np.float32))).sum())
            readers = network.readers.get(tensor.index, ())
            if wrong and readers:
                evidence = f"{wrong:,} of {tensor.elements:,} values are infinite or no number"
                yield network.at(readers[0], tensor, evidence)


FAULTS = (
    Fault(
        "not-a-number", Severity.WRONG,
        "a constant holds values that are no finite numbers: everything computed with them is none either",
        "train again with a lower learning rate, or find the layer that diverged; then convert again",
        _no_numbers,
    ),
    Fault(
        "weight-zero-point", Severity.WRONG,
        "int8 weights of a convolution have a zero point: TFLM takes it for 0, TFLite and LiteRT refuse the model",
        "convert the trained model again, with `edgemnist convert --int8`",
        _zero_points,
    ),
    Fault(
        "bias-scale", Severity.WRONG,
        "a bias has another scale than the product of input and weights, in which every kernel adds it",
        "convert the trained model again, with `edgemnist convert --int8`",
        _bias_scales,
    ),
    Fault(
        "one-scale-weights", Severity.COSTS,
        "a convolution's channels share one scale, where converters give each its own: small channels lose their bits",
        "convert the trained model again, with `edgemnist convert --int8`; of TensorFlow's converter, leave out "
        "_experimental_disable_per_channel",
        _one_scale,
    ),
    Fault(
        "unused-weight-range", Severity.COSTS,
        "weights use less than half of the steps that their scale gives them: a bit is lost",
        "convert the trained model again; after quantisation-aware training, train some epochs more before converting",
        _unused,
    ),
    Fault(
        "clipped-weights", Severity.COSTS,
        "many weights stand at the ends of the range: larger ones were cut off when they were quantised",
        "convert the trained model again; limit large weights in training, with weight decay or a constraint",
        _clipped,
    ),
)  # fmt: skip
