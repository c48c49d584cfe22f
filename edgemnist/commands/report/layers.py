"""The operators of a model's file with their shapes and what each takes of it, so that two files can be compared."""

from __future__ import annotations

from collections.abc import Sequence

from edgemnist.commands.report.sections import Layer
from edgemnist.tflite.extents import operator_bytes
from edgemnist.tflite.file import OperatorInfo, TfliteModel


def layers_of(model: TfliteModel | None, sources: Sequence[Sequence[int]]) -> tuple[Layer, ...]:
    """Return a file's operators, none for a Keras model.

    ``sources``: for each layer of the firmware the positions of the operators that it computes.
    """
    if model is None:
        return ()
    steps = {index: step for step, indices in enumerate(sources) for index in indices}
    sizes = operator_bytes(model.content)
    return tuple(_layer(model, one, sizes[one.index], steps.get(one.index)) for one in model.operators)


def _layer(model: TfliteModel, operator: OperatorInfo, size: int, step: int | None) -> Layer:
    inputs, outputs = (
        [model.tensors[index] for index in indices if index != -1] for indices in (operator.inputs, operator.outputs)
    )
    return Layer(
        index=operator.index,
        kind=operator.kind,
        tensor=outputs[0].name if outputs else "",
        type=outputs[0].dtype if outputs else "",
        inputs=tuple(one.shape for one in inputs),
        outputs=tuple(one.shape for one in outputs),
        file_bytes=size,
        step=step,
    )
