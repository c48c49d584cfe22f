"""What a script has to know of a network: its ends, its pictures, its steps, and how it was checked. Plain values."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.compiler.graph import Graph
from edgemnist.compiler.ops.base import Step
from edgemnist.data.framing import style_of
from edgemnist.page.checking import Check, as_bytes
from edgemnist.page.web_assembly import WebNetwork
from edgemnist.runner.run import LoadedModel
from edgemnist.support.version import VERSION
from edgemnist.tflite.derived import output_kind
from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.pixels import quantised_input, quantised_range
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing

VALUES = "values"
"""A network's outputs where they tell no classes apart."""

_MOST_KNOWN = 16
_MOST_KNOWN_BYTES = 2048
_MOST_KNOWN_MACS = 100_000_000
"""Limits of what a page runs again by itself: inputs, bytes of outputs that it holds for that, and work."""


@dataclass(frozen=True, eq=False)
class KnownInputs:
    """Inputs that every script can make for itself, shape (count, *input shape without batch).

    ``low``, ``step``: what a float input's 256 values begin with and go up by.
    """

    inputs: NDArray[Any]
    low: float
    step: float


@dataclass(frozen=True, eq=False)
class Told:
    """What is known of a model beside its file.

    ``preprocessing``: how pictures become its input, None where it takes none. ``dataset``: what it was trained on, ""
    if nobody knows. ``labels``: names of its classes, empty where it tells none apart. ``command``: what writes its C.
    """

    preprocessing: Preprocessing | None
    dataset: str
    labels: tuple[str, ...]
    command: str


def known_inputs(model: LoadedModel, macs: int) -> KnownInputs:
    """Return the inputs that ``Network.fill`` makes in JavaScript, as many as a page may run when it is opened."""
    tflite = model.tflite
    assert tflite is not None
    tensor = tflite.input()
    size = max(1, tflite.output().bytes)
    count = min(_MOST_KNOWN, _MOST_KNOWN_BYTES // size, max(1, _MOST_KNOWN_MACS // max(1, macs)))
    low, step = np.float32(0), np.float32(1 / 255)
    behind = quantised_input(tflite)
    if tensor.dtype == "float32" and behind is not None:
        ends = quantised_range(behind)
        low, step = np.float32(ends[0]), np.float32((ends[1] - ends[0]) / 255)
    noise = _noise(count * tensor.elements)
    values: NDArray[Any] = noise
    if tensor.dtype == "float32":
        values = noise.astype(np.float32) * step + low
    elif tensor.dtype == "int8":
        values = (noise ^ 128).view(np.int8)
    return KnownInputs(values.reshape(count, *tensor.shape[1:]), float(low), float(step))


def _noise(count: int) -> NDArray[np.uint8]:
    """Return bytes that look random: a hash of their place, multiplied and shifted in 32 bits as MurmurHash does."""
    value = (np.arange(count, dtype=np.uint32) + np.uint32(1)) * np.uint32(0x9E3779B1)
    value = (value ^ (value >> np.uint32(15))) * np.uint32(0x85EBCA77)
    return ((value ^ (value >> np.uint32(13))) >> np.uint32(24)).astype(np.uint8)


def facts_of(
    network: WebNetwork, model: LoadedModel, told: Told, check: Check, known: KnownInputs, known_outputs: NDArray[Any]
) -> dict[str, Any]:
    """Return everything, as values that JSON can hold.

    :param known_outputs: the oracle's, for :class:`KnownInputs`, shape (count, outputs); no rows where it is not here.
    """
    generated = network.generated
    graph = generated.program.graph
    return {
        "edgemnist": VERSION,
        "file": model.path.name,
        "modelSha256": graph.source_sha256,
        "sourceSha256": network.source_sha256,
        "networkSha256": network.sha256,
        "networkBytes": len(network.content),
        "simd": None,
        "command": told.command,
        "compiler": network.compiler,
        "arenaBytes": generated.plan.size,
        "constantBytes": generated.program.constant_bytes,
        "macs": generated.program.macs,
        "input": {**_end(graph.tensors[graph.input]), "low": known.low, "step": known.step},
        "output": {**_end(graph.tensors[graph.output]), "kind": _kind(model, told)},
        "labels": list(told.labels),
        "picture": _picture(told),
        "steps": [one for step in generated.program.steps for one in _steps(step, graph)],
        "check": check.as_json(),
        "known": {
            "inputs": len(known_outputs),
            "outputs": base64.b64encode(as_bytes(known_outputs).tobytes() if len(known_outputs) else b"").decode(),
        },
    }


def facts_without_network(file: str, sha256: str, told: Told, kind: str, checked: Check) -> dict[str, Any]:
    """Return the facts of a model that a page shows without running it.

    ``kind``: of its output, one of the values of ``OutputKind``; ``checked`` says why there is no network.
    """
    return {
        "edgemnist": VERSION,
        "file": file,
        "modelSha256": sha256,
        "networkBytes": 0,
        "simd": None,
        "input": None,
        "output": {"kind": kind},
        "labels": list(told.labels),
        "picture": _picture(told),
        "steps": [],
        "check": checked.as_json(),
        "known": {"inputs": 0, "outputs": ""},
    }


def _end(tensor: TensorInfo) -> dict[str, Any]:
    return {"type": tensor.dtype, "shape": list(tensor.shape[1:]), "elements": tensor.elements, **_scale(tensor)}


def _scale(tensor: TensorInfo) -> dict[str, Any]:
    if tensor.quantisation is None or tensor.dtype == "float32":
        return {"scale": None, "zeroPoint": 0}
    return {"scale": float(tensor.quantisation.scale), "zeroPoint": int(tensor.quantisation.zero_point)}


def _kind(model: LoadedModel, told: Told) -> str:
    assert model.tflite is not None
    if not told.labels:
        return VALUES
    given = told.preprocessing.output if told.preprocessing else OutputKind.UNKNOWN
    return (output_kind(model.tflite) if given is OutputKind.UNKNOWN else given).value


def _picture(told: Told) -> dict[str, Any] | None:
    known = told.preprocessing
    if known is None:
        return None
    height, width, channels = known.image_shape
    style, bright_on_dark = style_of(told.dataset)
    return {
        "width": width,
        "height": height,
        "channels": channels,
        "fit": known.fit,
        "dataset": Path(told.dataset).name,
        "brightOnDark": bright_on_dark,
        "style": None if style is None else {"box": style.box, "byMass": style.by_mass},
        "layout": known.layout,
        "bgr": known.bgr,
        "inputHeight": known.input_size[0],
        "inputWidth": known.input_size[1],
        "words": known.in_words(),
    }


def _steps(step: Step, graph: Graph) -> list[dict[str, Any]]:
    return [
        {
            "operator": step.node.label.split(" ", 2)[2],
            "kernel": step.function,
            "shape": list(graph.tensors[index].shape[1:]),
            "type": graph.tensors[index].dtype,
            "bytes": graph.tensors[index].bytes,
            "macs": step.macs,
            **_scale(graph.tensors[index]),
        }
        for index in step.outputs
    ]
