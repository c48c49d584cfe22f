"""``edgemnist deploy android|ios``: the model with metadata, and code that runs it made from its shapes and types."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import Any

from edgemnist.artifacts.context import ModelContext
from edgemnist.artifacts.folder import WorkFolder
from edgemnist.commands.deploy.metadata import LABELS_FILE, ImageMetadata, read_metadata, with_metadata
from edgemnist.harness.images import ImageSettings
from edgemnist.harness.models import find_subject
from edgemnist.harness.subjects import with_images
from edgemnist.support.errors import InputError, ModelError, UnsupportedModelError, storage_errors
from edgemnist.support.version import VERSION
from edgemnist.tflite.file import TensorInfo, TfliteModel, parse_tflite
from edgemnist.tflite.normalisation import Normalisation
from edgemnist.tflite.pixels import pixel_table

MODEL_FILE = "classifier.tflite"
PACKAGE = "com.example.classifier"
_TEMPLATES = Path(__file__).with_name("phone")
_CODE_FILES = {"android": "Classifier.kt", "ios": "Classifier.swift"}
_TYPES = ("int8", "float32")
_PACKAGE_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True)
class PhoneFiles:
    """What was written: ``files`` by name in ``folder``; input and output in words."""

    system: str
    folder: Path
    files: tuple[str, ...]
    input: str
    output: str

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "folder": str(self.folder)}


@dataclass(frozen=True, kw_only=True)
class PhoneSettings:
    """What to write. Without ``model`` it is the work folder's preferred one.

    ``system``: ``android`` or ``ios``. ``out``: a new or empty folder. ``package``: the Kotlin package (``android``).
    """

    system: str
    out: Path
    model: Path | None = None
    dataset: str | None = None
    package: str = PACKAGE


def deploy_phone(settings: PhoneSettings, work: WorkFolder) -> PhoneFiles:
    """Write the model with metadata, its labels and the code for a phone.

    :raises InputError: the folder holds something, or ``package`` is no name of a package.
    :raises ModelError: the model does not fit the dataset, or its input or output has a type that phones don't take.
    :raises StageOrderError: no model named and none converted.
    :raises MissingDependencyError: ai-edge-litert is not installed.
    """
    folder, system = settings.out, settings.system
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{str(folder)!r} is not an empty folder; name another --out")
    if not _PACKAGE_NAME.fullmatch(settings.package):
        raise InputError(f"{settings.package!r} is no name of a Kotlin package; give for example {PACKAGE}")
    subject = find_subject(settings.model, work)
    tflite = subject.tflite
    _check_types(tflite)
    context = with_images([subject], ImageSettings(count=1, dataset=settings.dataset)).context()
    content = _checked_model(tflite, context)
    code = _code(system, tflite, context, settings.package)
    labels = "\n".join(context.preprocessing.class_names) + "\n"
    files = {MODEL_FILE: content, LABELS_FILE: labels.encode(), _CODE_FILES[system]: code.encode()}
    _write(folder, files)
    words = _in_words(tflite.input()), _in_words(tflite.output())
    return PhoneFiles(system, folder, tuple(files), *words)


def _check_types(model: TfliteModel) -> None:
    problems = [
        f"the {what} {tensor.name!r} is {tensor.dtype}; LiteRT's buffers on phones take {' and '.join(_TYPES)}"
        for what, tensor in (("input", model.input()), ("output", model.output()))
        if tensor.dtype not in _TYPES
    ]
    if problems:
        raise UnsupportedModelError("the model does not fit a phone:", problems)


def _checked_model(model: TfliteModel, context: ModelContext) -> bytes:
    """Return the model with metadata, after reading both back."""
    known = context.preprocessing
    metadata = ImageMetadata(
        name=f"classifier of {context.dataset}",
        description=f"Tells {len(known.class_names)} classes apart; made by edgemnist {VERSION}.",
        labels=known.class_names,
        normalisation=known.normalisation,
        channels=known.channels,
    )
    content = with_metadata(model.content, metadata)
    found, again = read_metadata(content), parse_tflite(content)
    same_graph = (again.operators, again.inputs, again.outputs) == (model.operators, model.inputs, model.outputs)
    if found.labels != metadata.labels or found.channels != metadata.channels or not same_graph:
        raise ModelError("the model with metadata does not read back as it was written; this is a fault of edgemnist")
    return content


def _code(system: str, model: TfliteModel, context: ModelContext, package: str) -> str:
    height, width, channels = context.preprocessing.image_shape
    order = "grey" if channels == 1 else "red, green, blue of each pixel"
    values = {
        "model": MODEL_FILE,
        "stem": Path(MODEL_FILE).stem,
        "version": VERSION,
        "package": package,
        "elements": height * width * channels,
        "layout": f"{height} rows of {width} pixels, {order}",
        "input_words": _in_words(model.input()),
        "output_words": _in_words(model.output()),
        # JSON's strings are Swift's and, but for the dollar sign, Kotlin's.
        "labels": ", ".join(_quoted(name, system) for name in context.preprocessing.class_names),
    }
    parts = (_kotlin if system == "android" else _swift)(model, context)
    return Template((_TEMPLATES / _CODE_FILES[system]).read_text()).substitute(values, **parts)


def _quoted(name: str, system: str) -> str:
    quoted = json.dumps(name, ensure_ascii=False)
    return quoted.replace("$", "\\$") if system == "android" else quoted


def _in_words(tensor: TensorInfo) -> str:
    shape = " x ".join(str(size) for size in tensor.shape)
    if tensor.quantisation is None:
        return f"{tensor.dtype}, {shape}"
    scale, zero_point = tensor.quantisation.scale, tensor.quantisation.zero_point
    return f"{tensor.dtype}, {shape}, real = {scale!r} * (q - {zero_point})"


def _kotlin(model: TfliteModel, context: ModelContext) -> dict[str, str]:
    table, reading = "", "outputs[0].readFloat()"
    if model.input().dtype == "int8":
        writing = "inputs[0].writeInt8(ByteArray(INPUT_SIZE) { INPUT_OF_PIXEL[pixels[it].toInt() and 0xFF].toByte() })"
        table = _table("        private val INPUT_OF_PIXEL = intArrayOf(", model, context, ")")
    else:
        real = _normalised("(pixels[it].toInt() and 0xFF)", context.preprocessing.normalisation, "f")
        writing = f"inputs[0].writeFloat(FloatArray(INPUT_SIZE) {{ {real} }})"
    if model.output().dtype == "int8":
        scale, zero_point = _output(model)
        reading = f"outputs[0].readInt8().map {{ (it - ({zero_point})) * {scale}f }}.toFloatArray()"
    return {
        "kotlin_input": f"        {writing}",
        "kotlin_output": f"        val scores = {reading}",
        "kotlin_table": table,
    }


def _swift(model: TfliteModel, context: ModelContext) -> dict[str, str]:
    table = ""
    if model.input().dtype == "int8":
        writing = "let data = Data(pixels.map { UInt8(bitPattern: Self.inputOfPixel[Int($0)]) })"
        table = _table("    private static let inputOfPixel: [Int8] = [", model, context, "]")
    else:
        real = _normalised("Float($0)", context.preprocessing.normalisation, "")
        writing = f"let data = pixels.map {{ {real} }}.withUnsafeBufferPointer {{ Data(buffer: $0) }}"
    if model.output().dtype == "int8":
        scale, zero_point = _output(model)
        reading = f"output.map {{ Float(Int(Int8(bitPattern: $0)) - ({zero_point})) * {scale} }}"
    else:
        reading = "output.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }"
    return {
        "swift_input": f"        {writing}",
        "swift_output": f"        let scores = {reading}",
        "swift_table": table,
    }


def _normalised(pixel: str, normalisation: Normalisation, suffix: str) -> str:
    """Return the real value of a pixel; ``suffix`` ends the language's float literals."""
    offset = f" + {_float(normalisation.offset)}{suffix}" if normalisation.offset else ""
    return f"{pixel} * {_float(normalisation.scale)}{suffix}{offset}"


def _output(model: TfliteModel) -> tuple[str, int]:
    quantisation = model.output().quantisation
    if quantisation is None:
        raise ModelError(f"the int8 output {model.output().name!r} has no scale; convert the model again")
    return _float(quantisation.scale), quantisation.zero_point


def _float(value: float) -> str:
    """Return a number as Kotlin and Swift write it; both take an exponent."""
    return repr(float(value))


def _table(head: str, model: TfliteModel, context: ModelContext, tail: str) -> str:
    """Return the model's input for every pixel value as an array, 16 values a line."""
    values = [int(value) for value in pixel_table(model.input(), context.preprocessing.normalisation)]
    indent = " " * (len(head) - len(head.lstrip()))
    rows = [f"{indent}    {', '.join(map(str, values[start : start + 16]))}" for start in range(0, 256, 16)]
    return "\n".join([head, ",\n".join(rows), f"{indent}{tail}"]) + "\n"


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write all files or none."""
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".partial-") as name:
            fresh = Path(name) / "fresh"
            fresh.mkdir()
            for file, content in files.items():
                (fresh / file).write_bytes(content)
            fresh.rename(folder)  # onto nothing or onto an empty folder
