"""One of a model's several outputs: a copy of the file that has no other."""

from __future__ import annotations

import struct

from edgemnist.support.errors import ModelError
from edgemnist.tflite.file import TfliteModel, parse_tflite
from edgemnist.tflite.lists import OUTPUTS


def with_output(model: TfliteModel, output: str | None, name: str) -> TfliteModel:
    """Return a model with the one output that is named; itself where it has only that.

    The copy differs from the file in the list of outputs alone: operators that only led to the others stay.

    :param output: a tensor's name, or its place among the outputs from 0; None where nobody has named one.
    :param name: the model's, for messages.
    :raises ModelError: it has several and none is named, or none of that name.
    """
    names = [model.tensors[index].name for index in model.outputs]
    if output is None and len(names) == 1:
        return model
    listed = ", ".join(
        f"{model.tensors[index].name} ({'x'.join(map(str, model.tensors[index].shape))})" for index in model.outputs
    )
    if output is None:
        raise ModelError(
            f"{name!r} has {len(names)} outputs: {listed}; name the one with the classes, as --output '{names[0]}', or "
            "its place, as --output 0"
        )
    place = names.index(output) if output in names else int(output) if output.isdecimal() else len(names)
    if place >= len(names):
        raise ModelError(f"{name!r} has no output {output!r}; it has {listed}")
    return model if len(names) == 1 else parse_tflite(_patched(model.content, place), name=name)


def _patched(content: bytes, place: int) -> bytes:
    """Return a file whose vector of outputs has only the one at ``place``."""
    from tflite.Model import Model

    table = Model.GetRootAs(content, 0).Subgraphs(0)._tab
    start = table.Vector(table.Offset(OUTPUTS))
    (index,) = struct.unpack_from("<i", content, start + 4 * place)
    changed = bytearray(content)
    struct.pack_into("<ii", changed, start - 4, 1, index)  # a vector's length stands before its elements
    return bytes(changed)
