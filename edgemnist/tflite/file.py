"""A ``.tflite`` file as plain Python values, read through the ``tflite`` schema package: no TensorFlow, no interpreter.

Everything that looks into a TFLite file (inspect, C array, compiler, parity) starts here.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.support.errors import InputError, ModelError
from edgemnist.support.limits import LARGEST_TENSOR, MAX_MODEL_BYTES
from edgemnist.support.reading import open_file, require_file
from edgemnist.tflite.names import readable_names
from edgemnist.tflite.signatures import Signature, signatures_of
from edgemnist.tflite.tables import OptionValue, enumeration, options_in, options_name, vector, whole_numbers
from edgemnist.tflite.verification import verify

FILE_IDENTIFIER = b"TFL3"

_BUILTIN_CODE_FIELD = 10  # vtable offset of OperatorCode.builtin_code in the TFLite schema


_NUMPY_TYPES: Mapping[str, Any] = {
    "float32": np.float32,
    "float16": np.float16,
    "float64": np.float64,
    "int8": np.int8,
    "uint8": np.uint8,
    "int16": np.int16,
    "uint16": np.uint16,
    "int32": np.int32,
    "uint32": np.uint32,
    "int64": np.int64,
    "uint64": np.uint64,
    "bool": np.bool_,
    "complex64": np.complex64,
    "complex128": np.complex128,
}


@dataclass(frozen=True)
class Quantisation:
    """Affine quantisation: ``real = scale * (q - zero_point)`` (TFLite 8-bit quantisation specification).

    One scale and zero point for the whole tensor, or one per slice along ``axis``. Scales hold float32 values exactly.
    """

    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        """Whether there is more than one scale."""
        return len(self.scales) > 1

    @property
    def scale(self) -> float:
        """The scale of a per-tensor quantisation."""
        return self.scales[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a per-tensor quantisation."""
        return self.zero_points[0]


@dataclass(frozen=True, eq=False)
class TensorInfo:
    """One tensor. ``data`` is the constant's value with ``shape``, or None for an activation.

    ``shape_signature`` holds -1 where the size is dynamic and is empty when the file gives none.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    dtype: str
    quantisation: Quantisation | None
    data: NDArray[Any] | None
    is_variable: bool = False
    is_sparse: bool = False

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size in memory in bytes (int4 counts packed, two in a byte)."""
        if self.dtype == "int4":
            return (self.elements + 1) // 2
        return self.elements * self.itemsize

    @property
    def itemsize(self) -> int:
        """Bytes of one element (1 for int4)."""
        return int(np.dtype(_NUMPY_TYPES.get(self.dtype, np.uint8)).itemsize)


class WithOptions:
    """What has an operator's options, by their names in the schema."""

    options: Mapping[str, OptionValue]

    def integer(self, name: str, default: int = 0) -> int:
        """Return an integer option."""
        value = self.options.get(name, default)
        return int(value) if isinstance(value, (int, float)) else default

    def number(self, name: str, default: float = 0.0) -> float:
        """Return a floating-point option."""
        value = self.options.get(name, default)
        return float(value) if isinstance(value, (int, float)) else default


@dataclass(frozen=True)
class OperatorInfo(WithOptions):
    """One operator: ``kind`` is the schema's name (``CONV_2D``); an absent optional input has index -1.

    ``options`` has the schema's fields in snake case (``stride_w``, ``fused_activation_function``), enums as integers;
    ``options_table`` is the name of their table, empty where there is none.
    """

    index: int
    kind: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Mapping[str, OptionValue]
    options_table: str = ""


def size_problems(tensor: TensorInfo) -> list[str]:
    """Return that a tensor is larger than any that is worked with, nothing where it is not."""
    if tensor.elements <= LARGEST_TENSOR:
        return []
    return [
        f"tensor {tensor.name!r} has {tensor.elements:,} elements, allowed are {LARGEST_TENSOR:,}; make the net smaller"
    ]


@dataclass(frozen=True, eq=False)
class TfliteModel:
    """The first subgraph of a TFLite file, and the file's identity."""

    tensors: tuple[TensorInfo, ...]
    operators: tuple[OperatorInfo, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    description: str
    subgraphs: int
    size: int
    sha256: str
    content: bytes = field(repr=False)
    signatures: tuple[Signature, ...] = ()

    @cached_property
    def readable(self) -> tuple[str, ...]:
        """The tensors' names for people, by index: short, and no two the same."""
        kinds = {index: one.kind for one in self.operators for index in one.outputs}
        return readable_names([one.name for one in self.tensors], kinds, inputs=self.inputs, outputs=self.outputs)

    def input(self) -> TensorInfo:
        """Return the only input tensor.

        :raises ModelError: the model has several inputs, or none.
        """
        return self.tensors[self._only(self.inputs, "input")]

    def output(self) -> TensorInfo:
        """Return the only output tensor.

        :raises ModelError: the model has several outputs, or none.
        """
        return self.tensors[self._only(self.outputs, "output")]

    def _only(self, indices: tuple[int, ...], what: str) -> int:
        if len(indices) != 1:
            names = ", ".join(self.readable[index] for index in indices)
            raise ModelError(
                f"the model has {len(indices)} {what}s ({names}), and this takes image classifiers with exactly one; "
                "`edgemnist codegen` takes any number"
            )
        return indices[0]


def read_tflite(path: Path) -> TfliteModel:
    """Read a ``.tflite`` file.

    :raises InputError: the file is not there, not readable, no regular file, or too large.
    :raises ModelError: it is no TFLite file, or it is truncated or corrupt.
    """
    try:
        require_file(path, MAX_MODEL_BYTES)
        with open_file(path) as file:
            content = file.read()
    except OSError as error:
        raise InputError(f"cannot read model {str(path)!r}: {error.strerror or error}") from error
    return parse_tflite(content, name=str(path))


def parse_tflite(content: bytes, *, name: str = "model") -> TfliteModel:
    """Read the bytes of a TFLite file; ``name`` stands in error messages.

    :raises ModelError: it is no TFLite file, or it is truncated or corrupt.
    """
    if len(content) < 8 or content[4:8] != FILE_IDENTIFIER:
        raise ModelError(
            f"{name!r} is not a TFLite file ({len(content)} bytes, identifier {content[4:8]!r}, "
            f"expected {FILE_IDENTIFIER!r}); "
            "give a .tflite that a converter wrote, or convert the Keras model first"
        )
    try:
        return _parse(content)
    except ModelError as error:
        raise ModelError(f"{name!r}: {error}") from error
    except (
        struct.error,
        IndexError,
        ValueError,
        TypeError,
        AttributeError,
        OverflowError,
        MemoryError,
        UnicodeDecodeError,
    ) as error:
        raise ModelError(
            f"{name!r} is truncated or corrupt ({len(content)} bytes; {error}); copy or convert it again"
        ) from error


def parse_subgraph(content: bytes, place: int) -> TfliteModel:
    """Return another graph of a file that :func:`parse_tflite` has read, as a model.

    :raises ModelError: it is corrupt.
    """
    return _parse(content, place)


def _parse(content: bytes, place: int = 0) -> TfliteModel:
    import tflite

    model = tflite.Model.GetRootAs(content, 0)
    if model.SubgraphsLength() < 1:
        raise ModelError("the file holds no subgraph")
    if place == 0:  # all of the file, its other graphs too
        verify(model, content)
    graph = model.Subgraphs(place)
    tensors = tuple(_tensor(model, graph.Tensors(index), index) for index in range(graph.TensorsLength()))
    operators = tuple(_operator(model, graph.Operators(index), index) for index in range(graph.OperatorsLength()))
    inputs, outputs = whole_numbers(graph, "Inputs"), whole_numbers(graph, "Outputs")
    used = {*inputs, *outputs, *(i for operator in operators for i in (*operator.inputs, *operator.outputs) if i != -1)}
    wrong = sorted(index for index in used if not 0 <= index < len(tensors))
    if wrong:
        raise ModelError(f"tensor index {wrong[0]} is out of range (0..{len(tensors) - 1}); the file is corrupt")
    return TfliteModel(
        tensors=tensors,
        operators=operators,
        inputs=inputs,
        outputs=outputs,
        description=(model.Description() or b"").decode(errors="replace"),
        subgraphs=model.SubgraphsLength(),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content=content,
        signatures=signatures_of(model),
    )


def _tensor(model: Any, tensor: Any, index: int) -> TensorInfo:

    name = _name(tensor.Name(), index)
    shape = whole_numbers(tensor, "Shape")
    dtype = enumeration("TensorType").get(tensor.Type(), f"type {tensor.Type()}").lower()
    return TensorInfo(
        index=index,
        name=name,
        shape=shape,
        shape_signature=whole_numbers(tensor, "ShapeSignature"),
        dtype=dtype,
        quantisation=_quantisation(tensor.Quantization(), name),
        data=_constant(model, tensor, shape, dtype, name),
        is_variable=bool(tensor.IsVariable()),
        is_sparse=tensor.Sparsity() is not None,
    )


def _name(raw: bytes | None, index: int) -> str:
    try:
        return (raw or b"").decode()
    except UnicodeDecodeError as error:
        raise ModelError(f"the name of tensor {index} is no UTF-8 ({error}); the file is corrupt") from error


def _quantisation(table: Any, name: str) -> Quantisation | None:
    # Without either, interpreters take a tensor as not quantised.
    if table is None or table.ScaleLength() == 0 or table.ZeroPointLength() == 0:
        return None
    scales, zero_points = tuple(vector(table, "Scale")), tuple(vector(table, "ZeroPoint"))
    if len(zero_points) == 1:
        zero_points *= len(scales)
    if len(zero_points) != len(scales):
        raise ModelError(
            f"tensor {name!r} has {len(scales)} scales but {len(zero_points)} zero points; the file is corrupt"
        )
    return Quantisation(scales, zero_points, int(table.QuantizedDimension()))


def _constant(model: Any, tensor: Any, shape: tuple[int, ...], dtype: str, name: str) -> NDArray[Any] | None:
    if not 0 <= tensor.Buffer() < model.BuffersLength():
        raise ModelError(
            f"tensor {name!r} names buffer {tensor.Buffer()} of {model.BuffersLength()}; the file is corrupt"
        )
    buffer = model.Buffers(tensor.Buffer())
    if buffer is not None and (buffer.Offset() > 1 or buffer.Size() > 1):
        raise ModelError(f"tensor {name!r} has its data outside of the flatbuffer; convert the model again, below 2 GB")
    if tensor.Buffer() == 0 or buffer is None or buffer.DataLength() == 0:
        return None
    raw = buffer.DataAsNumpy()
    if dtype not in _NUMPY_TYPES or tensor.Sparsity() is not None:
        return np.array(raw, dtype=np.uint8)
    expected = math.prod(shape) * np.dtype(_NUMPY_TYPES[dtype]).itemsize
    if raw.nbytes != expected:
        raise ModelError(
            f"tensor {name!r} of shape {list(shape)} and type {dtype} needs {expected} bytes, "
            f"the file has {raw.nbytes}; the file is corrupt"
        )
    # Not copied: many tensors may name the same buffer. The file's bytes can't be written.
    data: NDArray[Any] = raw.view(np.dtype(_NUMPY_TYPES[dtype]).newbyteorder("<")).reshape(shape)
    return data


def _operator(model: Any, operator: Any, index: int) -> OperatorInfo:

    if not 0 <= operator.OpcodeIndex() < model.OperatorCodesLength():
        raise ModelError(
            f"operator {index} names operator code {operator.OpcodeIndex()} of {model.OperatorCodesLength()}; "
            "the file is corrupt"
        )
    code = model.OperatorCodes(operator.OpcodeIndex())
    builtin = _builtin_code(code)
    kind = enumeration("BuiltinOperator").get(builtin, f"BUILTIN_{builtin}")
    if kind == "CUSTOM":
        kind = "CUSTOM:" + (code.CustomCode() or b"?").decode(errors="replace")
    return OperatorInfo(
        index=index,
        kind=kind,
        version=int(code.Version()),
        inputs=whole_numbers(operator, "Inputs"),
        outputs=whole_numbers(operator, "Outputs"),
        options=MappingProxyType(options_in(operator)),
        options_table=options_name(operator),
    )


def _builtin_code(code: Any) -> int:
    """Return an operator's code: of the two fields the larger, as TFLite's ``GetBuiltinCode`` has it.

    Files before schema 3a fill only the deprecated 8-bit field, some tools only the new one. The package's own method
    reads the new one where it is above 127 only.
    """
    field = code._tab.Offset(_BUILTIN_CODE_FIELD)
    new = int.from_bytes(code._tab.Bytes[code._tab.Pos + field :][:4], "little", signed=True) if field else 0
    return max(new, int(code.DeprecatedBuiltinCode()))
