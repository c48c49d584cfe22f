"""What a network's bundle tells of its inputs and outputs: in the manifest, and for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgemnist.tflite.file import TfliteModel
from edgemnist.tflite.pixels import INTEGER_TYPES


def ends_told(model: TfliteModel) -> dict[str, Any]:
    """Return what every input and output is, as JSON values."""
    return {
        "inputs": [_told(model, index) for index in model.inputs],
        "outputs": [_told(model, index) for index in model.outputs],
    }


def network_words(model: TfliteModel) -> dict[str, object]:
    """Return what the README says of the inputs and outputs, by placeholder."""
    told = ends_told(model)
    names = [f"input_{number}" for number in range(len(model.inputs))]
    return {
        "inputs": "\n".join(_rows("input", told["inputs"])),
        "outputs": "\n".join(_rows("output", told["outputs"])),
        "arrays": " ".join(f"{name}.npy" for name in names),
        "calls": ", ".join(names),
    }


def _told(model: TfliteModel, index: int) -> dict[str, Any]:
    tensor = model.tensors[index]
    known = tensor.quantisation if tensor.dtype in INTEGER_TYPES else None
    one = None if known is None or known.per_channel else known
    return {
        "name": model.readable[index],
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "scale": one.scale if one else None,
        "zero_point": one.zero_point if one else None,
    }


def _rows(what: str, ends: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for number, one in enumerate(ends):
        shape = " x ".join(map(str, one["shape"]))
        real = "" if one["scale"] is None else f"{one['scale']:.9g} * (q - {one['zero_point']})"
        yield f"| {what}_{number} | {one['name']} | {one['dtype']} | {shape} | {real} |"
