"""An operator of a model as a model of its own, so that it can be fed any bytes."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.operator_file import operator_file


@dataclass(frozen=True, eq=False)
class OneOperator:
    """The operator ``index`` of a model alone. ``inputs``: its activations in order, each once; ``outputs``: all."""

    model: TfliteModel
    index: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    @functools.cached_property
    def content(self) -> bytes:
        """It as a file, in which tensors have other numbers."""
        return operator_file(self.model.content, self.index, self.inputs)


def activations_of(model: TfliteModel, index: int) -> tuple[int, ...]:
    """Return what the operator reads that is no constant, in order, each once."""
    inputs = dict.fromkeys(model.operators[index].inputs)
    return tuple(tensor for tensor in inputs if tensor != -1 and model.tensors[tensor].data is None)


def one_operator(model: TfliteModel, index: int) -> OneOperator:
    """Return an operator of a model that can be run alone.

    :raises UnsupportedModelError: the operator's result depends on more than its inputs: variables, other graphs.
    """
    operator = model.operators[index]
    variables = [
        model.tensors[tensor] for tensor in operator.inputs if tensor != -1 and model.tensors[tensor].is_variable
    ]
    if variables or model.subgraphs != 1:
        what = f"it keeps the variable {variables[0].name!r}" if variables else f"the file has {model.subgraphs} graphs"
        raise UnsupportedModelError(f"operator {index} {operator.kind} can't be run alone:", [what])
    return OneOperator(model, index, activations_of(model, index), operator.outputs)
