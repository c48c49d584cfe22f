"""What a fault is, and a model as faults look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel
from edgemnist.tflite.kinds import OUTPUT_AXIS, ModelKind, model_kind

RELU, RELU6 = 1, 3
"""Numbers of the fused activations (TFLite schema, ActivationFunctionType)."""

BYTES = ("int8", "uint8")

_TRANSPOSED_BIAS, _BIAS = 3, 2
"""Positions of the bias, that of TRANSPOSE_CONV first; weights are input 1 (TFLite schema)."""

CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")


class Severity(Enum):
    """How bad a fault is."""

    WRONG = "wrong"
    """Some target gives other results than the model was made for, or none."""

    COSTS = "costs"
    """It takes accuracy, memory or time that it need not take."""

    NOTE = "note"
    """It is as many models have it, and does no harm by itself."""


@dataclass(frozen=True)
class Place:
    """Where a fault is and the numbers that show it: ``operator`` and ``tensor`` are positions in the file.

    ``label``: the tensor's name for people.
    """

    operator: int | None
    kind: str
    tensor: int | None
    name: str
    evidence: str
    label: str = ""

    @property
    def where(self) -> str:
        """The place for people."""
        tensor = f"tensor {self.tensor} {(self.label or self.name)!r}" if self.tensor is not None else ""
        operator = f"operator {self.operator} {self.kind}" if self.operator is not None else ""
        return ", ".join(part for part in (operator, tensor) if part)


@dataclass(frozen=True, eq=False)
class Layer:
    """An operator with constant weights. ``channels``: the weights, shape (output channels, weights of each).

    ``bias`` is None where there is none or it is computed.
    """

    operator: OperatorInfo
    weights: TensorInfo
    bias: TensorInfo | None
    channels: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Observed:
    """What a tensor held over all images: least and largest value of each channel (its last axis), shape (channels,).

    ``at_low`` and ``at_high``: the shares of elements that are the least and the largest integer of the type, in 0..1.
    """

    low: NDArray[Any]
    high: NDArray[Any]
    at_low: float
    at_high: float


@dataclass(frozen=True, eq=False)
class Network:
    """A model, and what was seen of its tensors on images; ``observed`` is empty where none were run."""

    model: TfliteModel
    observed: Mapping[int, Observed]
    images: int = 0

    @cached_property
    def kind(self) -> ModelKind:
        """Its arithmetic."""
        return model_kind(self.model)

    @cached_property
    def writers(self) -> Mapping[int, OperatorInfo]:
        """The operator that writes a tensor."""
        return {index: operator for operator in self.model.operators for index in operator.outputs}

    @cached_property
    def readers(self) -> Mapping[int, tuple[OperatorInfo, ...]]:
        """The operators that read a tensor, each once."""
        found: dict[int, list[OperatorInfo]] = {}
        for operator in self.model.operators:
            for index in set(operator.inputs):
                found.setdefault(index, []).append(operator)
        return {index: tuple(operators) for index, operators in found.items()}

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """The operators with constant weights that make sense, of a type that numpy has.

        Weights that a DEQUANTIZE unpacks are among them.
        """
        found = (self._layer(operator) for operator in self.model.operators if operator.kind in OUTPUT_AXIS)
        return tuple(layer for layer in found if layer is not None)

    def _layer(self, operator: OperatorInfo) -> Layer | None:
        axis = OUTPUT_AXIS[operator.kind]
        bias = _TRANSPOSED_BIAS if operator.kind == "TRANSPOSE_CONV" else _BIAS
        weights = self.constant(operator, 1)
        if weights is None or weights.data is None or weights.data.ndim <= axis or weights.is_sparse:
            return None
        if weights.data.dtype.name != weights.dtype or not weights.elements:
            return None
        rows = np.moveaxis(weights.data, axis, 0)
        if weights.quantisation is not None and len(weights.quantisation.scales) not in (1, len(rows)):
            return None
        return Layer(operator, weights, self.constant(operator, bias), rows.reshape(len(rows), -1))

    def constant(self, operator: OperatorInfo, position: int) -> TensorInfo | None:
        """Return an operator's input where it is a constant of the file, also behind a DEQUANTIZE; else None."""
        index = operator.inputs[position] if position < len(operator.inputs) else -1
        writer = self.writers.get(index)
        if writer is not None and writer.kind == "DEQUANTIZE" and writer.inputs:
            index = writer.inputs[0]
        return None if index < 0 or self.model.tensors[index].data is None else self.model.tensors[index]

    def activation(self, operator: OperatorInfo) -> TensorInfo | None:
        """Return the first input that is computed or given, None where there is none."""
        given = (self.model.tensors[index] for index in operator.inputs if index != -1)
        return next((tensor for tensor in given if tensor.data is None), None)

    def output(self, operator: OperatorInfo) -> TensorInfo | None:
        """Return the first output, None where there is none."""
        index = operator.outputs[0] if operator.outputs else -1
        return None if index < 0 else self.model.tensors[index]

    def at(self, operator: OperatorInfo | None, tensor: TensorInfo | None, evidence: str) -> Place:
        """Return a place."""
        number, kind = (None, "") if operator is None else (operator.index, operator.kind)
        if tensor is None:
            return Place(number, kind, None, "", evidence)
        return Place(number, kind, tensor.index, tensor.name, evidence, self.model.readable[tensor.index])


Look = Callable[[Network], Iterable[Place]]


@dataclass(frozen=True)
class Fault:
    """What can be wrong: ``what`` is said where it is found, ``remedy`` what to do; ``look`` finds the places.

    ``needs_images``: it can only be seen on images.
    """

    name: str
    severity: Severity
    what: str
    remedy: str
    look: Look
    needs_images: bool = False


def each(operators: Iterable[OperatorInfo], *kinds: str) -> Iterator[OperatorInfo]:
    """Yield the operators of some kinds."""
    return (operator for operator in operators if operator.kind in kinds)
