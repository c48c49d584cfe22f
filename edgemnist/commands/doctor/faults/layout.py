"""Leftovers of channels that came first: PyTorch's and ONNX's order of the axes, turned around for each layer."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgemnist.commands.doctor.faults.base import Fault, Network, Place, Severity, each
from edgemnist.tflite.derived import image_input_of

TO_CHANNELS_LAST, TO_CHANNELS_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)
_SMALLEST_SIDE = 8
_LONGEST_RATIO = 2
"""Of a picture: pixels of its shorter side, and how many times as long the other may be. Else it may be a signal."""


def _turns(network: Network) -> Iterator[Place]:
    for operator in each(network.model.operators, "TRANSPOSE"):
        source, order = network.activation(operator), network.constant(operator, 1)
        if source is None or order is None or order.data is None or len(source.shape) != 4:
            continue
        axes = tuple(int(axis) for axis in np.ravel(order.data))
        if axes not in (TO_CHANNELS_LAST, TO_CHANNELS_FIRST):
            continue
        # Where only one size is not 1, or their order stays, nothing moves.
        moved = [axis for axis in axes if source.shape[axis] != 1]
        if moved == sorted(moved):
            continue
        what = "first to last" if axes == TO_CHANNELS_LAST else "last to first"
        yield network.at(operator, source, f"channels from {what}: {list(source.shape)}, {source.bytes:,} bytes moved")


def _channels_first(network: Network) -> Iterator[Place]:
    for index in network.model.inputs:
        tensor = network.model.tensors[index]
        _, *shape = tensor.shape or (1,)
        if len(shape) != 3 or shape[0] not in (1, 3) or min(shape[1:]) < _SMALLEST_SIDE:
            continue
        if max(shape[1:]) > _LONGEST_RATIO * min(shape[1:]):
            continue
        if image_input_of(tuple(shape), tensor.name).layout == "nchw":
            yield network.at(None, tensor, f"shape {list(tensor.shape)}: {shape[0]} channels before height and width")


_REMEDY = (
    "import the original with `edgemnist import`, which builds it with channels last, and convert that; other "
    "converters have an option for the order of the input's axes"
)

FAULTS = (
    Fault(
        "channels-first-input", Severity.NOTE,
        "the input takes channels first; cameras and image files give them last",
        _REMEDY, _channels_first,
    ),
    Fault(
        "layout-transposes", Severity.COSTS,
        "the order of axes is turned between layers: leftovers of channels first, which move every value",
        _REMEDY, _turns,
    ),
)  # fmt: skip
