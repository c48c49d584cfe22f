"""Other inputs and outputs for a file's first graph."""

from __future__ import annotations

import struct
from collections.abc import Sequence

INPUTS, OUTPUTS, OPERATORS = 6, 8, 10
"""Places of the lists in the schema's table SubGraph, whose fields begin: tensors, inputs, outputs, operators."""


def with_tensors(content: bytes, **lists: Sequence[int]) -> bytes:
    """Return a copy of a TFLite file whose first graph has exactly the given tensors as ``inputs`` and ``outputs``.

    What is not given stays. A new vector is put behind the file and the graph's table pointed to it: in a FlatBuffer a
    vector is a 32-bit count and its elements, and a table holds the forward distance to it.
    """
    import tflite

    changed = bytearray(content) + bytes(-len(content) % 4)
    table = tflite.Model.GetRootAs(changed, 0).Subgraphs(0)._tab
    for name, tensors in lists.items():
        place = table.Pos + table.Offset({"inputs": INPUTS, "outputs": OUTPUTS}[name])
        struct.pack_into("<I", changed, place, len(changed) - place)
        changed += struct.pack(f"<I{len(tensors)}i", len(tensors), *tensors)
    return bytes(changed)
