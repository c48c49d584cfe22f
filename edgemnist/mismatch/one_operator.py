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
    """Return what the operator is given that is neither a constant nor its state, in order, each once.

    A tensor without elements is none either: a constant of that size has no data in the file.
    """
    given = {index: model.tensors[index] for index in model.operators[index].inputs if index != -1}
    return tuple(
        index for index, one in given.items() if one.data is None and not one.is_variable and 0 not in one.shape
    )


def variables_of(model: TfliteModel, index: int) -> tuple[str, ...]:
    """Return the names of the variables that an operator keeps from one input to the next."""
    inputs = (model.tensors[tensor] for tensor in model.operators[index].inputs if tensor != -1)
    return tuple(tensor.name for tensor in inputs if tensor.is_variable)


def one_operator(model: TfliteModel, index: int, *, with_state: bool = False) -> OneOperator:
    """Return an operator of a model that can be run alone.

    :param with_state: whether it may keep variables; in a file of its own they begin with zero.
    :raises UnsupportedModelError: the operator's result depends on more than that: variables, other graphs.
    """
    operator = model.operators[index]
    why = _dependence(model, index, with_state)
    if why:
        raise UnsupportedModelError(f"operator {index} {operator.kind} can't be run alone:", [why])
    return OneOperator(model, index, activations_of(model, index), operator.outputs)


def _dependence(model: TfliteModel, index: int, with_state: bool) -> str:
    """Return in words what else an operator's result depends on, "" where there is nothing."""
    operator = model.operators[index]
    variables = variables_of(model, index)
    if variables and not with_state:
        return f"it keeps the variable {variables[0]!r}"
    touched = (model.tensors[tensor] for tensor in (*operator.inputs, *operator.outputs) if tensor != -1)
    if any(tensor.dtype in ("resource", "variant") for tensor in touched):
        return "it reads or writes a variable, whose value other operators make, also at the input before"
    if any("subgraph" in option for option in operator.options):
        return "it runs another of the file's graphs"
    return ""
