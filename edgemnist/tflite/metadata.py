"""TFLite metadata: what is said of a model's input and labels in the ``.tflite`` file itself, written and read.

A FlatBuffer of the TFLite metadata schema (identifier ``M001``) becomes a buffer of the model, named by an entry
``TFLITE_METADATA`` in its list of metadata; the labels are a text file in a ZIP archive that is appended to the file.
It is written here, for phones' libraries, because no maintained library does: tflite-support's last release is of 2023
and for Python 3.11 and older, and the module of mediapipe 1.2 lacks a part and can't be imported. What others wrote
(TFLite Model Maker, MediaPipe, tflite-support) is read as far as it can be.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

from edgemnist.support.errors import ModelError
from edgemnist.tflite.flatbuffer import MOST_ENTRIES, TableReader, TableWriter
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.schema import read_objects, schema_module, write_objects

LABELS_FILE = "labels.txt"

_ENTRY = b"TFLITE_METADATA"
_MODEL_IDENTIFIER, _IDENTIFIER = b"TFL3", b"M001"
_MIN_PARSER_VERSION = "1.0.0"
# Values of the schema's enumerations and unions.
_UNKNOWN_COLOURS, _RGB, _GREYSCALE = 0, 1, 2
_TENSOR_AXIS_LABELS, _TENSOR_VALUE_LABELS = 2, 3
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = 1, 2
_NORMALIZATION_OPTIONS = 1
_COLOURS = {"grey": _GREYSCALE, "rgb": _RGB, "bgr": _UNKNOWN_COLOURS}
# Numbers of the schema's fields.
_MODEL = {"name": 0, "description": 1, "subgraphs": 3, "min_parser_version": 7}
_SUBGRAPH = {"inputs": 2, "outputs": 3}
_TENSOR = {"name": 0, "content": 3, "process_units": 4, "files": 6}
_FILE = {"name": 0, "type": 2, "locale": 3}

_MOST_LABEL_BYTES = 4 << 20


@dataclass(frozen=True)
class ImageMetadata:
    """What the metadata of an image classifier says.

    ``normalisation`` is stored as mean and standard deviation: ``real = (pixel - mean) / std``, each one number or one
    for each channel. ``colours``: "grey", "rgb" or "bgr"; the schema has no word for the last, which is stored as
    unknown. ``one_output``: the labels are of the values of one output and not of an axis. ``output_name``: what the
    outputs are called.
    """

    name: str
    description: str
    labels: tuple[str, ...]
    normalisation: Normalisation
    colours: str
    one_output: bool = False
    output_name: str = "probability"


@dataclass(frozen=True)
class ImageHints:
    """What the metadata of a file tells of its image input and its classes.

    ``normalisation``: None where it says nothing usable. For a model with integer input some writers leave 0 and 1
    there, because raw bytes go in: where its range is not that of the integers, the integers' scale is right.
    ``colours``: "grey", "rgb", or "" for unknown. ``labels``: in the order of the outputs, empty where there are none.
    """

    normalisation: Normalisation | None = None
    colours: str = ""
    labels: tuple[str, ...] = ()


def with_metadata(content: bytes, metadata: ImageMetadata) -> bytes:
    """Return a copy of a TFLite file with metadata; the same input gives the same bytes. An older entry is replaced.

    :raises MissingDependencyError: no package with the schema of model files is installed.
    """
    schema = schema_module()
    model = read_objects(content)
    entry = schema.MetadataT()
    entry.name = _ENTRY
    entry.buffer = len(model.buffers)
    buffer = schema.BufferT()
    buffer.data = list(_packed(metadata))
    model.buffers.append(buffer)
    model.metadata = [one for one in model.metadata or [] if one.name != _ENTRY] + [entry]
    file = io.BytesIO(write_objects(model))
    with zipfile.ZipFile(file, "a") as archive:
        # A fixed time, so that the same input gives the same bytes.
        archive.writestr(zipfile.ZipInfo(LABELS_FILE, (1980, 1, 1, 0, 0, 0)), "\n".join(metadata.labels) + "\n")
    return file.getvalue()


def read_metadata(content: bytes) -> ImageMetadata:
    """Read back what :func:`with_metadata` wrote.

    :raises ModelError: there is no metadata, or it is not that of an image classifier.
    """
    packed = _stored(content)
    if packed is None or packed[4:8] != _IDENTIFIER:
        raise ModelError("the model has no TFLite metadata; write it with: edgemnist deploy android")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            labels = archive.read(LABELS_FILE).decode().splitlines()
        return _unpacked(packed, labels)
    except (zipfile.BadZipFile, KeyError, ValueError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise ModelError(f"the model's metadata is not that of an image classifier ({error!r})") from error


def read_image_hints(content: bytes) -> ImageHints | None:
    """Return what a TFLite file's metadata tells of its image input and classes, whoever wrote it.

    None where there is no metadata, or where it is damaged or tells nothing of that; nothing is raised.
    """
    try:
        packed = _stored(content)
        if packed is None or packed[4:5] != _IDENTIFIER[:1]:
            return None
        subgraph = TableReader.root(packed).tables(_MODEL["subgraphs"])[0]
        images = [tensor for tensor in subgraph.tables_or_empty(_SUBGRAPH["inputs"]) if _is_image(tensor)]
        labels = _labels(subgraph.tables_or_empty(_SUBGRAPH["outputs"]), content)
        normalisation = _hinted(images[0]) if len(images) == 1 else None
        colours = _colours_of(images[0]) if len(images) == 1 else ""
    except Exception:  # bytes of anybody's: the reader of FlatBuffers raises nearly anything on damaged ones
        return None
    return ImageHints(normalisation, colours, labels) if normalisation or colours or labels else None


def _stored(content: bytes) -> bytes | None:
    """Return the metadata's FlatBuffer, None where the file has none."""
    import tflite

    if content[4:8] != _MODEL_IDENTIFIER:
        return None
    model = tflite.Model.GetRootAs(content, 0)
    entries = [model.Metadata(index) for index in range(min(model.MetadataLength(), MOST_ENTRIES))]
    buffers = [one.Buffer() for one in entries if one.Name() == _ENTRY]
    if not buffers or not 0 <= buffers[0] < model.BuffersLength():
        return None
    data = model.Buffers(buffers[0])
    return bytes(data.DataAsNumpy().tobytes()) if data.DataLength() else None


def _packed(metadata: ImageMetadata) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    tables = TableWriter(builder)
    image = tables.table({0: _COLOURS[metadata.colours]}, {})
    pairs = metadata.normalisation.pairs()
    means, deviations = [0.0 - offset / scale for scale, offset in pairs], [1 / scale for scale, _ in pairs]
    options = tables.table({}, {0: tables.floats(means), 1: tables.floats(deviations)})
    unit = tables.table({0: _NORMALIZATION_OPTIONS}, {1: options})
    content = tables.table({0: _IMAGE_PROPERTIES}, {1: image})
    image_fields = {"name": tables.text("image"), "content": content, "process_units": tables.vector([unit])}
    image_tensor = tables.table({}, {_TENSOR[key]: value for key, value in image_fields.items()})
    kind = _TENSOR_VALUE_LABELS if metadata.one_output else _TENSOR_AXIS_LABELS
    file = tables.table({_FILE["type"]: kind}, {_FILE["name"]: tables.text(LABELS_FILE)})
    feature = tables.table({0: _FEATURE_PROPERTIES}, {1: tables.table({}, {})})
    score_fields = {"name": tables.text(metadata.output_name), "content": feature, "files": tables.vector([file])}
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


def _unpacked(packed: bytes, labels: Sequence[str]) -> ImageMetadata:
    root = TableReader.root(packed)
    (subgraph,) = root.tables(_MODEL["subgraphs"])
    (image,) = subgraph.tables(_SUBGRAPH["inputs"])
    (score,) = subgraph.tables(_SUBGRAPH["outputs"])
    (file,) = score.tables(_TENSOR["files"])
    normalisation, kind = _normalisation_of(image), file.byte(_FILE["type"])
    if file.text(0) != LABELS_FILE or kind not in (_TENSOR_AXIS_LABELS, _TENSOR_VALUE_LABELS):
        raise ValueError("its labels have another name or kind")
    if normalisation is None:
        raise ValueError("its mean and deviation are no numbers")
    return ImageMetadata(
        name=root.text(_MODEL["name"]),
        description=root.text(_MODEL["description"]),
        labels=tuple(labels),
        normalisation=normalisation,
        colours=_colours_of(image) or "bgr",
        one_output=kind == _TENSOR_VALUE_LABELS,
        output_name=score.text(_TENSOR["name"]),
    )


def _is_image(tensor: TableReader) -> bool:
    """Whether a tensor's content is an image, or its values are normalised, which nothing else is."""
    content = tensor.table_or_none(_TENSOR["content"])
    if content is not None and content.byte_or_zero(0):
        return content.byte_or_zero(0) == _IMAGE_PROPERTIES
    return _options_of(tensor) is not None


def _options_of(tensor: TableReader) -> TableReader | None:
    """Return the tensor's NormalizationOptions."""
    units = tensor.tables_or_empty(_TENSOR["process_units"])
    return next((unit.table_or_none(1) for unit in units if unit.byte_or_zero(0) == _NORMALIZATION_OPTIONS), None)


def _hinted(tensor: TableReader) -> Normalisation | None:
    """Return a tensor's normalisation as it was meant: a deviation below 1 can only be of pixels in 0..1."""
    found = _normalisation_of(tensor)
    if found is None:
        return None
    pairs = found.pairs()
    if all(scale > 1 for scale, _ in pairs):
        return Normalisation.of_pairs([(scale / 255.0, offset) for scale, offset in pairs])
    return found


def _normalisation_of(tensor: TableReader) -> Normalisation | None:
    """Return ``(pixel - mean) / std`` of pixels in 0..255."""
    options = _options_of(tensor)
    means, deviations = (options.floats_or_empty(0), options.floats_or_empty(1)) if options is not None else ([], [])
    count = max(len(means), len(deviations))
    if count not in (1, 3) or not {len(means), len(deviations)} <= {1, count}:
        return None
    if not all(map(math.isfinite, (*means, *deviations))) or 0 in deviations:
        return None
    means, deviations = means * (count // len(means)), deviations * (count // len(deviations))
    return Normalisation.of_pairs([(1 / std, 0.0 - mean / std) for mean, std in zip(means, deviations, strict=True)])


def _colours_of(tensor: TableReader) -> str:
    content = tensor.table_or_none(_TENSOR["content"])
    image = content.table_or_none(1) if content is not None and content.byte_or_zero(0) == _IMAGE_PROPERTIES else None
    return {_GREYSCALE: "grey", _RGB: "rgb"}.get(image.byte_or_zero(0) if image is not None else 0, "")


def _labels(outputs: Sequence[TableReader], content: bytes) -> tuple[str, ...]:
    """Return the labels of the first output that has any; of several files those without a locale, or in English."""
    for output in outputs:
        files = [
            (one.byte_or_zero(_FILE["type"]), one.text_or_empty(_FILE["locale"]), one.text_or_empty(_FILE["name"]))
            for one in output.tables_or_empty(_TENSOR["files"])
        ]
        found = [one for one in files if one[0] in (_TENSOR_AXIS_LABELS, _TENSOR_VALUE_LABELS) and one[2]]
        for _, _, name in sorted(found, key=lambda one: (one[1] != "", not one[1].startswith("en"), one[0])):
            labels = _lines_of(content, name)
            if labels:
                return labels
    return ()


def _lines_of(content: bytes, name: str) -> tuple[str, ...]:
    """Return the lines of a file in the archive behind the model, without blank ones; none where it can't be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open(name) as file:
            data = file.read(_MOST_LABEL_BYTES + 1)
    except Exception:  # damaged or encrypted, packed in a way that is not known here, not there
        return ()
    if len(data) > _MOST_LABEL_BYTES:
        return ()
    lines = data.decode("utf-8-sig", errors="replace").replace("\r", "\n").split("\n")
    return tuple(line.strip() for line in lines if line.strip())
