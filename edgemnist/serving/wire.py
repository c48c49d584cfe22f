"""Tensors of the Open Inference Protocol, in JSON and in its binary extension, both ways.

Source: KServe, Predict Protocol Version 2 (open-inference-protocol), and Triton's extensions "binary tensor data" and
"classification".
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.http.problems import bad_request, too_large
from edgemnist.serving.engine import DEPTH

BYTES = "BYTES"
TYPES: Mapping[str, str] = MappingProxyType({"FP32": "<f4", "UINT8": "u1", "INT8": "i1"})
"""The types of tensors that are taken, by their names in the protocol; beside them pictures as ``BYTES``."""

_LENGTH = struct.Struct("<I")


@dataclass(frozen=True, eq=False)
class Tensor:
    """A named tensor. ``values``: an array of ``shape``, or for ``BYTES`` a list of as many byte strings."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: NDArray[Any] | Sequence[bytes]


@dataclass(frozen=True, eq=False)
class Wanted:
    """An output that is asked for: as numbers, or with ``classes`` above 0 as so many of the best labels."""

    name: str
    binary: bool = False
    classes: int = 0


@dataclass(frozen=True, eq=False)
class Inference:
    """An inference request: its name, its one input, and the outputs that it names, all if none.

    ``binary``: whether outputs are binary where they don't say otherwise.
    """

    identifier: str | None
    tensor: Tensor
    outputs: tuple[Wanted, ...]
    binary: bool


def parse_inference(body: bytes, header_length: str | None) -> Inference:
    """Return an inference request.

    :param header_length: the value of ``Inference-Header-Content-Length``, if there is one.
    :raises RequestError: 400 it is malformed.
    """
    text, binary = body, b""
    if header_length is not None:
        if not (header_length.isascii() and header_length.isdecimal()) or int(header_length) > len(body):
            raise bad_request(f"Inference-Header-Content-Length {header_length!r} is not a length within the body")
        text, binary = body[: int(header_length)], body[int(header_length) :]
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_request(f"the request is no JSON ({error})") from error
    document = _object(document, "the request")
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1:
        raise bad_request('the request has to have "inputs", a list of one tensor: the model has one input')
    identifier = document.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise bad_request(f'"id" is {identifier!r}; it has to be a string')
    parameters = _object(document.get("parameters", {}), '"parameters"')
    outputs = document.get("outputs", [])
    if not isinstance(outputs, list):
        raise bad_request('"outputs" has to be a list of objects')
    as_binary = bool(parameters.get("binary_data_output", False))
    wanted = tuple(_wanted(_object(one, "an output"), as_binary) for one in outputs)
    return Inference(identifier, _tensor(_object(inputs[0], "an input"), binary), wanted, as_binary)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_request(f"{what} has to be an object")
    return value


def _wanted(output: dict[str, Any], binary: bool) -> Wanted:
    parameters = _object(output.get("parameters", {}), '"parameters"')
    classes = parameters.get("classification", 0)
    if not isinstance(classes, int) or classes < 0:
        raise bad_request(f'"classification" is {classes!r}; it has to be a number of classes')
    return Wanted(str(output.get("name", "")), bool(parameters.get("binary_data", binary)), classes)


def _tensor(given: dict[str, Any], binary: bytes) -> Tensor:
    name, datatype, shape = str(given.get("name", "")), str(given.get("datatype")), given.get("shape")
    if datatype not in TYPES and datatype != BYTES:
        raise bad_request(f"the input {name!r} has the datatype {datatype!r}; send {', '.join(TYPES)} or {BYTES}")
    if not isinstance(shape, list) or not all(type(size) is int and size > 0 for size in shape) or not shape:
        raise bad_request(f"the input {name!r} has the shape {shape!r}; send a list of numbers above 0")
    if shape[0] > DEPTH:
        raise too_large(f"{shape[0]} inputs in one request; send 1 to {DEPTH}")
    parameters = _object(given.get("parameters", {}), '"parameters"')
    size = parameters.get("binary_data_size")
    if (size is None) == ("data" not in given):
        raise bad_request(f'the input {name!r} has to have "data", or its "binary_data_size", not both')
    if size is not None and size != len(binary):
        raise bad_request(
            f'the input {name!r} has "binary_data_size" {size!r}, behind the JSON are {len(binary)} bytes'
        )
    count = 1
    for one in shape:
        count *= one
    values = _from_json(name, datatype, given["data"]) if size is None else _from_binary(name, datatype, binary)
    if len(values) != count:
        raise bad_request(f"the input {name!r} of shape {shape} has to have {count} elements, it has {len(values)}")
    return Tensor(name, datatype, tuple(shape), values if isinstance(values, list) else values.reshape(shape))


def _from_json(name: str, datatype: str, data: Any) -> NDArray[Any] | list[bytes]:
    """Return elements in row-major order, flat; they may be nested."""
    if datatype == BYTES:
        flat = data if isinstance(data, list) else [data]
        if not all(isinstance(one, str) for one in flat):
            raise bad_request(f"the input {name!r} has elements that are no text; send pictures in base64, or binary")
        return [one.encode() for one in flat]
    try:
        values = np.array(data, dtype=np.float64).reshape(-1)
    except (ValueError, TypeError, OverflowError) as error:
        raise bad_request(f"the data of the input {name!r} are no tensor of numbers ({error})") from error
    if datatype == "FP32":
        with np.errstate(over="ignore"):
            return values.astype(np.float32)
    limits = np.iinfo(TYPES[datatype])
    if not ((values >= limits.min) & (values <= limits.max) & (values == np.floor(values))).all():
        raise bad_request(f"the data of the input {name!r} are not all {datatype}: {limits.min} to {limits.max}")
    return values.astype(TYPES[datatype])


def _from_binary(name: str, datatype: str, content: bytes) -> NDArray[Any] | list[bytes]:
    if datatype != BYTES:
        dtype = np.dtype(TYPES[datatype])
        if len(content) % dtype.itemsize:
            raise bad_request(f"the input {name!r} has {len(content)} bytes, no multiple of {dtype.itemsize}")
        return np.frombuffer(content, dtype=dtype)
    found, position = [], 0
    while position < len(content):
        start = position + _LENGTH.size
        end = start + (_LENGTH.unpack_from(content, position)[0] if start <= len(content) else 0)
        if start > len(content) or end > len(content):
            raise bad_request(f"the input {name!r} ends inside an element; each is 4 bytes of length, then its bytes")
        found.append(content[start:end])
        position = end
    return found


def written(head: dict[str, Any], outputs: Sequence[tuple[Tensor, bool]]) -> tuple[bytes, int | None]:
    """Return the body of an answer, and the length of its JSON where binary tensors follow it.

    ``outputs``: tensors, and whether each is binary.
    """
    described, tail = [], []
    for tensor, binary in outputs:
        entry: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
        if binary:
            content = _as_binary(tensor)
            entry["parameters"] = {"binary_data_size": len(content)}
            tail.append(content)
        else:
            entry["data"] = _as_json(tensor)
        described.append(entry)
    text = json.dumps({**head, "outputs": described}, ensure_ascii=False, separators=(",", ":")).encode()
    return (b"".join([text, *tail]), len(text)) if tail else (text, None)


def _as_binary(tensor: Tensor) -> bytes:
    if isinstance(tensor.values, np.ndarray):
        return tensor.values.astype(TYPES[tensor.datatype]).tobytes()
    return b"".join(_LENGTH.pack(len(one)) + one for one in tensor.values)


def _as_json(tensor: Tensor) -> list[Any]:
    if isinstance(tensor.values, np.ndarray):
        return list(tensor.values.reshape(-1).tolist())
    return [one.decode() for one in tensor.values]
