"""An operator of a model as a model of its own, so that it can be fed any bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from edgemnist.support.errors import UnsupportedModelError
from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.lists import OPERATORS, with_tensors


@dataclass(frozen=True, eq=False)
class OneOperator:
    """A file with the operator ``index`` alone. ``inputs``: its activations in order, each once; ``outputs``: all."""

    index: int
    content: bytes
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def activations_of(model: TfliteModel, index: int) -> tuple[int, ...]:
    """Return what the operator reads that is no constant, in order, each once."""
    inputs = dict.fromkeys(model.operators[index].inputs)
    return tuple(tensor for tensor in inputs if tensor != -1 and model.tensors[tensor].data is None)


def one_operator(model: TfliteModel, index: int) -> OneOperator:
    """Return a copy of a model's file whose first graph has one operator only.

    All tensors and constants stay where they are; what no operator names takes no memory in an interpreter.

    :raises UnsupportedModelError: the operator's result depends on more than its inputs: variables, other graphs.
    """
    operator = model.operators[index]
    variables = [
        model.tensors[tensor] for tensor in operator.inputs if tensor != -1 and model.tensors[tensor].is_variable
    ]
    if variables or model.subgraphs != 1:
        what = f"it keeps the variable {variables[0].name!r}" if variables else f"the file has {model.subgraphs} graphs"
        raise UnsupportedModelError(f"operator {index} {operator.kind} can't be run alone:", [what])
    inputs = activations_of(model, index)
    return OneOperator(index, _cut(model.content, index, inputs, operator.outputs), inputs, operator.outputs)


def _cut(content: bytes, index: int, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> bytes:
    """Return a file with one operator, new inputs and outputs.

    In a FlatBuffer a vector is a 32-bit count and its elements; those that are tables are forward distances. So the
    list of operators is shortened where it stands.
    """
    import tflite

    changed = bytearray(content)
    table = tflite.Model.GetRootAs(changed, 0).Subgraphs(0)._tab
    first = table.Vector(table.Offset(OPERATORS))
    (distance,) = struct.unpack_from("<I", changed, first + 4 * index)
    struct.pack_into("<II", changed, first - 4, 1, 4 * index + distance)
    return with_tensors(bytes(changed), inputs=inputs, outputs=outputs)
