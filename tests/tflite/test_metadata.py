"""Metadata in a ``.tflite``: what edgemnist writes reads back, and what others write is read as far as it can be."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from edgemnist.support.errors import ModelError
from edgemnist.tflite.flatbuffer import TableWriter
from edgemnist.tflite.metadata import ImageHints, ImageMetadata, read_image_hints, read_metadata, with_metadata
from edgemnist.tflite.normalisation import NORMALISATIONS, Normalisation, standardised
from tests.compiler.model_builder import ModelBuilder, edited

IMAGENET = standardised((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def a_model() -> bytes:
    """Return a float model, for which no quantisation tells what it is fed."""
    builder = ModelBuilder()
    image = builder.input((1, 4, 4, 3), dtype="float32")
    return builder.finish([builder.op("RESHAPE", [image], (1, 48), None, dtype="float32")])


MODEL = a_model()


# --- written by edgemnist --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        ImageMetadata("digits", "Ten digits.", tuple("0123456789"), Normalisation(), "grey"),
        ImageMetadata("Dinge", "größer", ("Tür", "châtaigne", "猫"), Normalisation(2 / 255, -1.0), "rgb"),
        ImageMetadata("raw", "", ("a", "b"), Normalisation(1.0, 0.0), "grey", one_output=True),
        ImageMetadata("of OpenCV", "", ("a", "b"), IMAGENET, "bgr", output_name="score"),
        ImageMetadata("dark for bright", "", ("a", "b"), Normalisation(-1 / 255, 1.0), "grey"),
    ],
)
def test_metadata_reads_back(metadata: ImageMetadata) -> None:
    content = with_metadata(MODEL, metadata)
    found = read_metadata(content)
    assert (found.name, found.description, found.labels) == (metadata.name, metadata.description, metadata.labels)
    assert (found.colours, found.one_output, found.output_name) == (
        metadata.colours,
        metadata.one_output,
        metadata.output_name,
    )
    assert found.normalisation.scale == pytest.approx(metadata.normalisation.scale, rel=1e-6)
    assert found.normalisation.offset == pytest.approx(metadata.normalisation.offset, abs=1e-6)
    hints = read_image_hints(content)
    assert hints is not None
    assert hints == ImageHints(found.normalisation, found.colours.replace("bgr", ""), found.labels)


def test_metadata_is_reproducible_and_replaced() -> None:
    first = ImageMetadata("first", "", ("a", "b"), Normalisation(), "grey")
    second = ImageMetadata("second", "", ("c", "d", "e"), Normalisation(), "grey")
    once = with_metadata(MODEL, first)
    assert once == with_metadata(MODEL, first)
    assert read_metadata(with_metadata(once, second)) == read_metadata(with_metadata(MODEL, second))


def test_a_model_without_metadata_or_with_a_cut_archive() -> None:
    with pytest.raises(ModelError, match="has no TFLite metadata"):
        read_metadata(MODEL)
    labelled = with_metadata(MODEL, ImageMetadata("digits", "", ("a", "b"), Normalisation(), "grey"))
    with pytest.raises(ModelError, match="not that of an image classifier"):
        read_metadata(labelled[:-30])


# --- written by others -----------------------------------------------------------------------------------------------

AXIS_LABELS, VALUE_LABELS, VOCABULARY = 2, 3, 5
IMAGE, FEATURE, NORMALIZATION = 2, 1, 1


def packed(
    *,
    mean: Sequence[float] | None = (127.5,),
    std: Sequence[float] | None = (127.5,),
    colour: int | None = 1,
    files: Sequence[tuple[str, int, str]] = (("labels.txt", AXIS_LABELS, ""),),
    image: bool = True,
    inputs: int = 1,
) -> bytes:
    """Return the FlatBuffer of metadata by hand; ``files`` are (name, type, locale) of the output."""
    import flatbuffers

    builder = flatbuffers.Builder(256)
    tables = TableWriter(builder)
    properties = tables.table({} if colour is None else {0: colour}, {})
    content = tables.table({0: IMAGE if image else FEATURE}, {1: properties})
    units = []
    if mean is not None or std is not None:
        floats = {at: tables.floats(values) for at, values in ((0, mean), (1, std)) if values is not None}
        units = [tables.table({0: 4}, {}), tables.table({0: NORMALIZATION}, {1: tables.table({}, floats)})]
    entry = {3: content} if not units else {3: content, 4: tables.vector(units)}
    tensors = tables.vector([tables.table({}, entry) for _ in range(inputs)])
    named = [tables.table({2: kind}, {0: tables.text(name), 3: tables.text(where)}) for name, kind, where in files]
    output = tables.table({}, {6: tables.vector(named)} if named else {})
    subgraph = tables.table({}, {2: tensors, 3: tables.vector([output])})
    builder.Finish(tables.table({}, {3: tables.vector([subgraph])}), file_identifier=b"M001")
    return bytes(builder.Output())


def of_others(metadata: bytes, archive: Mapping[str, str | bytes], entry: bytes = b"TFLITE_METADATA") -> bytes:
    """Return a model with metadata and an archive of files behind it."""
    from ai_edge_litert import schema_py_generated as schema

    def add(tree: schema.ModelT) -> None:
        buffer, named = schema.BufferT(), schema.MetadataT()
        buffer.data = list(metadata)
        named.name, named.buffer = entry, len(tree.buffers)
        tree.buffers.append(buffer)
        tree.metadata = [named]

    file = io.BytesIO(edited(MODEL, add))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as packed_files:
        for name, text in archive.items():
            packed_files.writestr(name, text)
    return file.getvalue()


@pytest.mark.parametrize(
    ("fields", "normalisation"),
    [
        ({"mean": [127.5], "std": [127.5]}, NORMALISATIONS["-1..1"]),
        ({"mean": [0.0], "std": [1.0]}, NORMALISATIONS["0..255"]),
        ({"mean": [0.0], "std": [255.0]}, NORMALISATIONS["0..1"]),
        ({"mean": [127.0] * 3, "std": [128.0] * 3}, Normalisation(1 / 128, -127 / 128)),
        ({"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375]}, IMAGENET),
        ({"mean": [123.675, 116.28, 103.53], "std": [58.0]}, standardised((123.675, 116.28, 103.53), 58.0)),
        ({"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}, IMAGENET),
    ],
)
def test_mean_and_deviation_are_those_of_pixels(fields: dict[str, list[float]], normalisation: Normalisation) -> None:
    hints = read_image_hints(of_others(packed(mean=fields["mean"], std=fields["std"]), {"labels.txt": "a\nb\n"}))
    assert hints is not None and hints.normalisation is not None
    assert hints.normalisation.is_like(normalisation)
    assert (hints.colours, hints.labels) == ("rgb", ("a", "b"))


@pytest.mark.parametrize(("colour", "colours"), [(0, ""), (1, "rgb"), (2, "grey"), (None, ""), (9, "")])
def test_colours_are_told_where_they_are_known(colour: int | None, colours: str) -> None:
    hints = read_image_hints(of_others(packed(colour=colour), {}))
    assert hints is not None and hints.colours == colours


@pytest.mark.parametrize(
    ("files", "archive", "labels"),
    [
        ([("classes.csv", AXIS_LABELS, "")], {"classes.csv": "cat\r\n\r\n dog \r\n"}, ("cat", "dog")),
        ([("werte.txt", VALUE_LABELS, "")], {"werte.txt": b"\xef\xbb\xbfT\xc3\xbcr\nTor"}, ("Tür", "Tor")),
        (
            [("notes.txt", VOCABULARY, ""), ("de.txt", AXIS_LABELS, "de"), ("en.txt", AXIS_LABELS, "en")],
            {"notes.txt": "x", "de.txt": "Katze", "en.txt": "cat"},
            ("cat",),
        ),
        ([("de.txt", AXIS_LABELS, "de"), ("l.txt", AXIS_LABELS, "")], {"de.txt": "Katze", "l.txt": "cat"}, ("cat",)),
        ([("gone.txt", AXIS_LABELS, ""), ("here.txt", AXIS_LABELS, "")], {"here.txt": "cat"}, ("cat",)),
        ([("labels.txt", AXIS_LABELS, "")], {}, ()),
        ([], {"labels.txt": "cat"}, ()),
        ([("huge.txt", AXIS_LABELS, "")], {"huge.txt": "x\n" * (3 << 20)}, ()),
    ],
)
def test_labels_of_any_file_are_found(
    files: list[tuple[str, int, str]], archive: dict[str, str | bytes], labels: tuple[str, ...]
) -> None:
    hints = read_image_hints(of_others(packed(files=files), archive))
    assert hints is not None and hints.labels == labels


@pytest.mark.parametrize(
    "metadata",
    [
        packed(mean=None, std=None, colour=None, files=[]),
        packed(mean=[1.0, 2.0], std=[1.0, 2.0], colour=0, files=[]),
        packed(std=[0.0], colour=0, files=[]),
        packed(std=None, colour=0, files=[]),
        packed(mean=[float("nan")], colour=0, files=[]),
        packed(inputs=2, files=[]),
        packed(image=False, files=[]),
        b"",
        b"\0\0\0\0M001",
        b"something else of nobody known",
    ],
)
def test_what_tells_nothing_is_no_hint(metadata: bytes) -> None:
    assert read_image_hints(of_others(metadata, {})) is None


def test_without_metadata_there_is_no_hint() -> None:
    assert read_image_hints(MODEL) is None
    assert read_image_hints(b"") is None
    assert read_image_hints(of_others(packed(), {"labels.txt": "a"}, entry=b"min_runtime_version")) is None


def test_a_cut_file_still_has_its_numbers() -> None:
    content = of_others(packed(), {"labels.txt": "cat\ndog"})
    assert read_image_hints(content[:-30]) == ImageHints(NORMALISATIONS["-1..1"], "rgb")


def test_damaged_files_raise_nothing() -> None:
    content = of_others(packed(), {"labels.txt": "cat\ndog"})
    generator = np.random.default_rng(0)
    for _ in range(400):
        damaged = bytearray(content)
        for position in generator.integers(8, len(damaged), generator.integers(1, 20)):
            damaged[position] = generator.integers(0, 256)
        read_image_hints(bytes(damaged[: generator.integers(8, len(damaged) + 1)]))
