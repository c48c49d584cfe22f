"""TFLite metadata: what a phone's libraries read of a model's input and labels, embedded in the ``.tflite`` file.

A FlatBuffer of the TFLite metadata schema (identifier ``M001``) becomes a buffer of the model, named by an entry
``TFLITE_METADATA`` in its list of metadata; the labels are a text file in a ZIP archive that is appended to the file.
It is written here because no maintained library does: tflite-support's last release is of 2023 and for Python 3.11 and
older, and the module of mediapipe 1.2 lacks a part and can't be imported.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgemnist.support.errors import MissingDependencyError, ModelError
from edgemnist.tflite.normalisation import Normalisation

LABELS_FILE = "labels.txt"
INSTALL = "pip install 'edgemnist[litert]'"

_ENTRY = b"TFLITE_METADATA"
_MODEL_IDENTIFIER, _IDENTIFIER = b"TFL3", b"M001"
_MIN_PARSER_VERSION = "1.0.0"
# Values of the schema's enumerations and unions.
_RGB, _GREYSCALE = 1, 2
_TENSOR_AXIS_LABELS = 2
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = 1, 2
_NORMALIZATION_OPTIONS = 1
# Numbers of the schema's fields.
_MODEL = {"name": 0, "description": 1, "subgraphs": 3, "min_parser_version": 7}
_SUBGRAPH = {"inputs": 2, "outputs": 3}
_TENSOR = {"name": 0, "content": 3, "process_units": 4, "files": 6}


@dataclass(frozen=True)
class ImageMetadata:
    """What the metadata of an image classifier says.

    ``normalisation`` is stored as mean and standard deviation: ``real = (pixel - mean) / std``. ``channels``: 1 is
    greyscale, 3 is RGB.
    """

    name: str
    description: str
    labels: tuple[str, ...]
    normalisation: Normalisation
    channels: int


def with_metadata(content: bytes, metadata: ImageMetadata) -> bytes:
    """Return a copy of a TFLite file with metadata; the same input gives the same bytes. An older entry is replaced.

    :raises MissingDependencyError: ai-edge-litert, whose schema of the model file is used, is not installed.
    """
    schema, flatbuffers = _libraries()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    entry = schema.MetadataT()
    entry.name = _ENTRY
    entry.buffer = len(model.buffers)
    buffer = schema.BufferT()
    buffer.data = list(_packed(metadata, flatbuffers))
    model.buffers.append(buffer)
    model.metadata = [one for one in model.metadata or [] if one.name != _ENTRY] + [entry]
    builder = flatbuffers.Builder(len(content) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=_MODEL_IDENTIFIER)
    file = io.BytesIO(bytes(builder.Output()))
    with zipfile.ZipFile(file, "a") as archive:
        # A fixed time, so that the same input gives the same bytes.
        archive.writestr(zipfile.ZipInfo(LABELS_FILE, (1980, 1, 1, 0, 0, 0)), "\n".join(metadata.labels) + "\n")
    return file.getvalue()


def read_metadata(content: bytes) -> ImageMetadata:
    """Read back what :func:`with_metadata` wrote.

    :raises ModelError: there is no metadata, or it is not that of an image classifier.
    :raises MissingDependencyError: ai-edge-litert is not installed.
    """
    schema, _ = _libraries()
    model = schema.Model.GetRootAs(content, 0)
    entries = [model.Metadata(index) for index in range(model.MetadataLength())]
    buffers = [model.Buffers(one.Buffer()).DataAsNumpy().tobytes() for one in entries if one.Name() == _ENTRY]
    if not buffers or buffers[0][4:8] != _IDENTIFIER:
        raise ModelError("the model has no TFLite metadata; write it with: edgemnist deploy android")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            labels = archive.read(LABELS_FILE).decode().splitlines()
        return _unpacked(buffers[0], labels)
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise ModelError(f"the model's metadata is not that of an image classifier ({error!r})") from error


def _libraries() -> tuple[Any, Any]:
    try:
        import flatbuffers
        from ai_edge_litert import schema_py_generated
    except ImportError as error:
        raise MissingDependencyError(
            f"ai-edge-litert is not installed ({error}); install it with: {INSTALL}"
        ) from error
    return schema_py_generated, flatbuffers


def _packed(metadata: ImageMetadata, flatbuffers: Any) -> bytes:
    builder = flatbuffers.Builder(1024)
    tables = _Tables(builder)
    image = tables.table({0: _GREYSCALE if metadata.channels == 1 else _RGB}, {})
    scale, offset = metadata.normalisation.scale, metadata.normalisation.offset
    options = tables.table({}, {0: tables.floats([0.0 - offset / scale]), 1: tables.floats([1 / scale])})
    unit = tables.table({0: _NORMALIZATION_OPTIONS}, {1: options})
    content = tables.table({0: _IMAGE_PROPERTIES}, {1: image})
    image_fields = {"name": tables.text("image"), "content": content, "process_units": tables.vector([unit])}
    image_tensor = tables.table({}, {_TENSOR[key]: value for key, value in image_fields.items()})
    file = tables.table({2: _TENSOR_AXIS_LABELS}, {0: tables.text(LABELS_FILE)})
    feature = tables.table({0: _FEATURE_PROPERTIES}, {1: tables.table({}, {})})
    score_fields = {"name": tables.text("probability"), "content": feature, "files": tables.vector([file])}
    score_tensor = tables.table({}, {_TENSOR[key]: value for key, value in score_fields.items()})
    inputs, outputs = tables.vector([image_tensor]), tables.vector([score_tensor])
    subgraph = tables.table({}, {_SUBGRAPH["inputs"]: inputs, _SUBGRAPH["outputs"]: outputs})
    model_fields = {
        "name": tables.text(metadata.name),
        "description": tables.text(metadata.description),
        "subgraphs": tables.vector([subgraph]),
        "min_parser_version": tables.text(_MIN_PARSER_VERSION),
    }
    builder.Finish(tables.table({}, {_MODEL[k]: v for k, v in model_fields.items()}), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


class _Tables:
    """Writes tables, vectors and strings; each returns the offset by which others refer to it."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def table(self, bytes_by_field: dict[int, int], offsets_by_field: dict[int, int]) -> int:
        self._builder.StartObject(max([*bytes_by_field, *offsets_by_field, -1]) + 1)
        for field, offset in offsets_by_field.items():
            self._builder.PrependUOffsetTRelativeSlot(field, offset, 0)
        for field, value in bytes_by_field.items():
            self._builder.PrependUint8Slot(field, value, 0)
        return int(self._builder.EndObject())

    def vector(self, offsets: Sequence[int]) -> int:
        self._builder.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self._builder.PrependUOffsetTRelative(offset)
        return int(self._builder.EndVector())

    def floats(self, values: Sequence[float]) -> int:
        self._builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self._builder.PrependFloat32(value)
        return int(self._builder.EndVector())

    def text(self, value: str) -> int:
        return int(self._builder.CreateString(value))


def _unpacked(packed: bytes, labels: Sequence[str]) -> ImageMetadata:
    root = _Reader.root(packed)
    (subgraph,) = root.tables(_MODEL["subgraphs"])
    (image,) = subgraph.tables(_SUBGRAPH["inputs"])
    (score,) = subgraph.tables(_SUBGRAPH["outputs"])
    (file,) = score.tables(_TENSOR["files"])
    (unit,) = image.tables(_TENSOR["process_units"])
    options = unit.table(1)
    (mean,), (deviation,) = options.floats(0), options.floats(1)
    colour = image.table(_TENSOR["content"]).table(1).byte(0)
    if file.text(0) != LABELS_FILE or file.byte(2) != _TENSOR_AXIS_LABELS:
        raise ValueError("its labels have another name or kind")
    return ImageMetadata(
        name=root.text(_MODEL["name"]),
        description=root.text(_MODEL["description"]),
        labels=tuple(labels),
        normalisation=Normalisation(1 / deviation, -mean / deviation),
        channels={_GREYSCALE: 1, _RGB: 3}[colour],
    )


class _Reader:
    """A table of a FlatBuffer, read by the number of the field."""

    def __init__(self, table: Any) -> None:
        self._table = table

    @classmethod
    def root(cls, content: bytes) -> _Reader:
        from flatbuffers.table import Table

        return cls(Table(content, int.from_bytes(content[:4], "little")))

    def _position(self, field: int) -> int:
        offset = self._table.Offset(4 + 2 * field)
        if not offset:
            raise ValueError(f"field {field} is missing")
        return int(offset)

    def byte(self, field: int) -> int:
        from flatbuffers import number_types

        position = self._table.Pos + self._position(field)
        return int(self._table.Get(number_types.Uint8Flags, position))

    def text(self, field: int) -> str:
        value: bytes = self._table.String(self._table.Pos + self._position(field))
        return value.decode()

    def table(self, field: int) -> _Reader:
        return self._at(self._table.Indirect(self._table.Pos + self._position(field)))

    def tables(self, field: int) -> list[_Reader]:
        start, count = self._vector(field)
        return [self._at(self._table.Indirect(start + 4 * index)) for index in range(count)]

    def floats(self, field: int) -> list[float]:
        from flatbuffers import number_types

        start, count = self._vector(field)
        return [float(self._table.Get(number_types.Float32Flags, start + 4 * index)) for index in range(count)]

    def _vector(self, field: int) -> tuple[int, int]:
        position = self._position(field)
        return int(self._table.Vector(position)), int(self._table.VectorLen(position))

    def _at(self, position: int) -> _Reader:
        from flatbuffers.table import Table

        return _Reader(Table(self._table.Bytes, position))
