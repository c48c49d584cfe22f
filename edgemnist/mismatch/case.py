"""One operator with the bytes that went in, what the oracle made of them and what was found: a rule is tried on it."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import Graph, Node
from edgemnist.compiler.ops import OPERATORS
from edgemnist.harness.compare import same
from edgemnist.mismatch.compare import Sample
from edgemnist.mismatch.one_operator import activations_of
from edgemnist.tflite.file import Quantisation, TensorInfo, TfliteModel

RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


@dataclass(frozen=True, eq=False)
class Case:
    """An operator and images of it that differ from the oracle's; arrays are (images, *tensor shape).

    ``unsigned``: it was made of a uint8 operator.
    """

    model: TfliteModel
    index: int
    sample: Sample
    unsigned: bool = False

    @property
    def kind(self) -> str:
        """The operator's, as the schema has it."""
        return self.model.operators[self.index].kind

    @property
    def images(self) -> int:
        """How many there are."""
        return len(self.sample.oracle)

    @property
    def output(self) -> TensorInfo:
        """The operator's output tensor."""
        return self.model.tensors[self.model.operators[self.index].outputs[0]]

    @functools.cached_property
    def operands(self) -> tuple[NDArray[Any] | None, ...]:
        """Each input in the operator's order: (images, *shape), a constant with images = 1, None for an absent one."""
        given = dict(zip(activations_of(self.model, self.index), self.sample.inputs, strict=True))
        operands: list[NDArray[Any] | None] = []
        for tensor in self.model.operators[self.index].inputs:
            data = None if tensor == -1 else self.model.tensors[tensor].data
            operands.append(given.get(tensor) if data is None else data[np.newaxis])
        return tuple(operands)

    def operand(self, position: int) -> TensorInfo | None:
        """Return the tensor at a position of the operator's inputs, None where there is none."""
        inputs = self.model.operators[self.index].inputs
        if position >= len(inputs) or inputs[position] == -1:
            return None
        return self.model.tensors[inputs[position]]

    @functools.cached_property
    def graph(self) -> Graph:
        """The operator alone, as the compiler has it; unchecked."""
        tensors = {tensor.index: tensor for tensor in self.model.tensors}
        inputs = activations_of(self.model, self.index)
        return Graph(tensors, (self.node,), tuple(inputs[:1]), (self.output.index,), self.model.sha256, {})

    @functools.cached_property
    def node(self) -> Node:
        """The same as a node of that graph."""
        operator = self.model.operators[self.index]
        return Node(operator.kind, operator.inputs, operator.outputs, operator.options, (operator.index,))

    @functools.cached_property
    def is_compiled(self) -> bool:
        """Whether the compiler takes the operator, so that its references know all of it."""
        operator = OPERATORS.get(self.kind)
        try:
            return operator is not None and not operator.check(self.node, self.graph)
        except (LookupError, ValueError, TypeError):
            return False

    @functools.cached_property
    def has_integers(self) -> bool:
        """Whether its first input and its output are integers of 8 bits with a quantisation."""
        ends = (self.operand(0), self.output)
        return all(one is not None and one.dtype in ("int8", "uint8") and one.quantisation for one in ends)

    def quantisation(self, tensor: TensorInfo | None) -> Quantisation:
        """Return a tensor's quantisation, the identity where it has none."""
        return (tensor.quantisation if tensor is not None else None) or Quantisation((1.0,), (0,))

    @functools.cached_property
    def limits(self) -> tuple[int, int]:
        """The output type's range, whole numbers."""
        return RANGES.get(self.output.dtype, (-128, 127))

    def stored(self, values: NDArray[Any], limits: tuple[int, int] | None = None) -> NDArray[Any]:
        """Return whole numbers limited to a range, by default that of the type, in the output's type and shape."""
        low, high = limits or self.limits
        return np.clip(values, low, high).astype(self.output.dtype).reshape(self.sample.found.shape)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a rule makes of a case: shape and dtype of its output. ``detail`` says in which of several ways.
    ``within``: how far each element may be off, where the rule can't say more; None where it is to the bit.
    """

    values: NDArray[Any]
    detail: str = ""
    within: NDArray[Any] | None = None

    def alike(self, found: NDArray[Any]) -> NDArray[np.bool_]:
        """Return which elements of an output are as predicted."""
        equal = same(self.values, found)
        if self.within is None:
            return equal
        with np.errstate(invalid="ignore"):
            return np.asarray(equal | (np.abs(self.values.astype(np.float64) - found) <= self.within))


Predictions = Iterator[Prediction]


def first_of(operands: Sequence[NDArray[Any] | None]) -> NDArray[np.int64]:
    """Return the first operand as int64.

    :raises ValueError: there is none.
    """
    if not operands or operands[0] is None:
        raise ValueError("the operator has no input")
    return operands[0].astype(np.int64)
