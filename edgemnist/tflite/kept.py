"""What a ``.tflite`` keeps from one inference to the next: resource variables and variable tensors."""

from __future__ import annotations

from dataclasses import dataclass

from edgemnist.tflite.file import TensorInfo, TfliteModel


@dataclass(frozen=True)
class KeptTensor:
    """A state. ``bytes`` is its size in memory; ``kind`` "variable" for a resource, "tensor" for a variable tensor."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    kind: str


def kept_of(model: TfliteModel) -> tuple[KeptTensor, ...]:
    """Return the states of a model's first graph, each once; of a variable that is never read or assigned nothing."""
    return (*_resources(model), *(_kept(one.name, one, "tensor") for one in model.tensors if one.is_variable))


def _resources(model: TfliteModel) -> tuple[KeptTensor, ...]:
    names = {
        operator.outputs[0]: str(operator.options.get("shared_name", ""))
        for operator in model.operators
        if operator.kind == "VAR_HANDLE" and operator.outputs
    }
    found: dict[int, KeptTensor] = {}
    for operator in model.operators:
        value = {"READ_VARIABLE": operator.outputs[:1], "ASSIGN_VARIABLE": operator.inputs[1:2]}.get(operator.kind, ())
        handle = operator.inputs[0] if operator.inputs else -1
        if value and value[0] != -1 and handle in names:
            found.setdefault(handle, _kept(names[handle], model.tensors[value[0]], "variable"))
    return tuple(found.values())


def _kept(name: str, tensor: TensorInfo, kind: str) -> KeptTensor:
    return KeptTensor(name, tensor.shape, tensor.dtype, tensor.bytes, kind)
