"""The operators of a model's file with their shapes and what each takes of it, so that two files can be compared."""

from __future__ import annotations

from collections.abc import Sequence

from edgemnist.commands.report.sections import Layer
from edgemnist.tflite.file import OperatorInfo, TensorInfo, TfliteModel

_TENSOR_BYTES, _OPERATOR_BYTES, _SCALE_BYTES = 120, 24, 12
"""What the tables of a tensor and of an operator take of a file, about: it depends on who wrote it. A scale is a
float32 and its zero point an int64.
"""


def layers_of(model: TfliteModel | None, sources: Sequence[Sequence[int]]) -> tuple[Layer, ...]:
    """Return a file's operators, none for a Keras model.

    ``sources``: for each layer of the firmware the positions of the operators that it computes.
    """
    if model is None:
        return ()
    steps = {index: step for step, indices in enumerate(sources) for index in indices}
    counted: set[int] = set()
    return tuple(_layer(model, one, steps.get(one.index), counted) for one in model.operators)


def _layer(model: TfliteModel, operator: OperatorInfo, step: int | None, counted: set[int]) -> Layer:
    inputs, outputs = (
        [model.tensors[index] for index in indices if index != -1] for indices in (operator.inputs, operator.outputs)
    )
    own = [one for one in (*inputs, *outputs) if (one.data is not None or one in outputs) and one.index not in counted]
    counted.update(one.index for one in own)
    return Layer(
        index=operator.index,
        kind=operator.kind,
        tensor=outputs[0].name if outputs else "",
        type=outputs[0].dtype if outputs else "",
        inputs=tuple(one.shape for one in inputs),
        outputs=tuple(one.shape for one in outputs),
        file_bytes=_OPERATOR_BYTES + sum(map(_bytes_of, own)),
        step=step,
    )


def _bytes_of(tensor: TensorInfo) -> int:
    """Return what a tensor takes of the file, about: its data, its scales, its name and its table."""
    data = 0 if tensor.data is None else tensor.data.nbytes
    scales = len(tensor.quantisation.scales) if tensor.quantisation else 0
    return _TENSOR_BYTES + data + _SCALE_BYTES * scales + len(tensor.name.encode())
