"""What READ_VARIABLE brings: the tensor that another operator has assigned, mostly at the input before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.tables import OptionValue


@dataclass(frozen=True)
class Carried:
    """The only tensor that is assigned to a variable. ``late``: at the input before, since it is assigned after it is
    read.
    """

    tensor: int
    late: bool


def carried_by(model: TfliteModel, index: int) -> Carried | None:
    """Return what a READ_VARIABLE reads, None for other operators, and where the graph assigns none or several."""
    operator = model.operators[index]
    if operator.kind != "READ_VARIABLE":
        return None
    names = {one.outputs[0]: _name(one.options) for one in model.operators if one.kind == "VAR_HANDLE"}
    name = names.get(operator.inputs[0])
    assigned = [one for one in model.operators if one.kind == "ASSIGN_VARIABLE" and names.get(one.inputs[0]) == name]
    if name is None or len(assigned) != 1:
        return None
    return Carried(assigned[0].inputs[1], late=assigned[0].index > index)


def _name(options: Mapping[str, OptionValue]) -> tuple[OptionValue | None, OptionValue | None] | None:
    found = options.get("container"), options.get("shared_name")
    return found if any(found) else None
