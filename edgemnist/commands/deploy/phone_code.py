"""Kotlin and Swift that feed one model and read its outputs, made from its preprocessing, shapes and types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

import numpy as np

from edgemnist.support.errors import ModelError
from edgemnist.support.version import VERSION
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.pixels import pixel_table
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing

MODEL_FILE = "classifier.tflite"
CODE_FILES = {"android": "Classifier.kt", "ios": "Classifier.swift"}
_TEMPLATES = Path(__file__).with_name("phone")
_SCORE_WORDS = {
    OutputKind.PROBABILITIES: "its probability",
    OutputKind.ONE_PROBABILITY: "its probability",
    OutputKind.ONE_SCORE: "its probability, the sigmoid of the model's output",
    OutputKind.SCORES: "what the model gives it before a softmax: the highest is the most probable class's",
    OutputKind.UNKNOWN: "its probability if the model ends in a softmax",
}


def phone_code(system: str, model: TfliteModel, known: Preprocessing, kind: OutputKind, package: str) -> str:
    """Return the code for ``android`` or ``ios``.

    It takes pictures as people have them, upright and red first, whatever the model takes. ``kind`` is what its outputs
    are; of one output it makes two probabilities. ``package`` is the Kotlin package.

    :raises ModelError: an int8 output has no scale.
    """
    height, width, channels = known.image_shape
    order = "grey" if channels == 1 else "red, green, blue of each pixel"
    values = {
        "model": MODEL_FILE,
        "stem": Path(MODEL_FILE).stem,
        "version": VERSION,
        "package": package,
        "elements": height * width * channels,
        "layout": f"{height} rows of {width} pixels, {order}",
        "fed": known.in_words(),
        "score": _SCORE_WORDS[kind],
        "input_words": in_words(model.input()),
        "output_words": in_words(model.output()),
        "labels": ", ".join(quoted(name, system) for name in known.class_names),
    }
    parts = (_kotlin if system == "android" else _swift)(model, known, kind)
    return Template((_TEMPLATES / CODE_FILES[system]).read_text(encoding="utf-8")).substitute(values, **parts)


def quoted(name: str, system: str) -> str:
    """Return a string literal of Kotlin (``android``) or Swift (``ios``) that is ``name``.

    Kotlin has escapes for UTF-16 units and takes ``$`` for the start of a template (Kotlin grammar, LineStringLiteral);
    Swift has one for code points (The Swift Programming Language, Grammar of a String Literal). What can't be seen is
    escaped, such as line separators and marks of direction.
    """
    return '"' + "".join(_escaped(character, system) for character in name) + '"'


def _escaped(character: str, system: str) -> str:
    if character in '"\\' or (character == "$" and system == "android"):
        return f"\\{character}"
    if character.isprintable():
        return character
    if system == "ios":
        return f"\\u{{{ord(character):x}}}"
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def in_words(tensor: TensorInfo) -> str:
    """Return a tensor's type, shape and scale, for people."""
    shape = " x ".join(str(size) for size in tensor.shape)
    if tensor.quantisation is None:
        return f"{tensor.dtype}, {shape}"
    scale, zero_point = tensor.quantisation.scale, tensor.quantisation.zero_point
    return f"{tensor.dtype}, {shape}, real = {scale!r} * (q - {zero_point})"


# --- the input -------------------------------------------------------------------------------------------------------


def _channel(known: Preprocessing) -> str:
    """Return the channel, as the model counts them, of the input's value number ``index``, in either language."""
    rows, columns = known.input_size
    return f"index / {rows * columns}" if known.layout == "nchw" else f"index % {known.channels}"


def places(known: Preprocessing, keyword: str) -> list[str]:
    """Return statements, ``keyword`` before each name, that end in the place of value ``index`` in the picture."""
    (_, width, channels), (rows, columns) = known.image_shape, known.input_size
    pixel = f"index % {rows * columns}" if known.layout == "nchw" else f"index / {channels}"
    row, column = ("column", "row") if known.transposed else ("row", "column")
    channel = f"{channels - 1} - channel" if known.bgr and channels > 1 else "channel"
    return [
        f"{keyword} channel = {_channel(known)}",
        f"{keyword} row = {pixel} / {columns}",
        f"{keyword} column = {pixel} % {columns}",
        f"return ({row} * {width} + {column}) * {channels} + {channel}",
    ]


def _looks_up(model: TfliteModel, known: Preprocessing) -> bool:
    """Whether values come from a table; a float32 that is one product, and one sum at most, is computed."""
    return model.input().dtype == "int8" or known.inverted or known.normalisation.channels > 1


def _table(model: TfliteModel, known: Preprocessing, head: str, suffix: str, tail: str) -> str:
    """Return the model's input for every pixel value, channel after channel, as an array of 16 values a line."""
    if not _looks_up(model, known):
        return ""
    table = pixel_table(model.input(), known.normalisation, inverted=known.inverted)
    values = [f"{value}{suffix}" if table.dtype == np.float32 else str(value) for value in table.T.ravel()]
    indent = " " * (len(head) - len(head.lstrip()))
    rows = [f"{indent}    {', '.join(values[start : start + 16])}" for start in range(0, len(values), 16)]
    return "\n".join([head, ",\n".join(rows), f"{indent}{tail}"]) + "\n"


def _function(head: str, lines: Sequence[str]) -> str:
    indent = " " * (len(head) - len(head.lstrip()))
    return "\n".join([f"{head} {{", *(f"{indent}    {line}" for line in lines), f"{indent}}}"]) + "\n"


def _normalised(pixel: str, known: Preprocessing, suffix: str) -> str:
    """Return the real value of a pixel; ``suffix`` ends the language's float literals."""
    scale, offset = known.normalisation.of_channel(0)
    return f"{pixel} * {float_literal(scale)}{suffix}" + (f" + {float_literal(offset)}{suffix}" if offset else "")


# --- the output ------------------------------------------------------------------------------------------------------


def _output(model: TfliteModel) -> tuple[str, int]:
    quantisation = model.output().quantisation
    if quantisation is None:
        raise ModelError(f"the int8 output {model.output().name!r} has no scale; convert the model again")
    return float_literal(quantisation.scale), quantisation.zero_point


def float_literal(value: float) -> str:
    """Return a number as Kotlin and Swift write it; both take an exponent."""
    return repr(float(value))


# --- the languages ---------------------------------------------------------------------------------------------------


def _kotlin(model: TfliteModel, known: Preprocessing, kind: OutputKind) -> dict[str, str]:
    place, integer = ("placeOf(it)" if known.rearranged else "it"), model.input().dtype == "int8"
    byte = f"pixels[{place}].toInt() and 0xFF"
    by_channel = known.normalisation.channels > 1
    looked_up = f"INPUT_OF_PIXEL[{f'channelOf(it) * 256 + ({byte})' if by_channel else byte}]"
    if integer:
        writing = f"inputs[0].writeInt8(ByteArray(INPUT_SIZE) {{ {looked_up}.toByte() }})"
    else:
        real = looked_up if _looks_up(model, known) else _normalised(f"({byte})", known, "f")
        writing = f"inputs[0].writeFloat(FloatArray(INPUT_SIZE) {{ {real} }})"
    array = "intArrayOf" if integer else "floatArrayOf"
    helpers = ""
    if by_channel:
        helpers += f"        private fun channelOf(index: Int): Int = {_channel(known)}\n"
    if known.rearranged:
        helpers += _function("        private fun placeOf(index: Int): Int", places(known, "val"))
    table = _table(model, known, f"        private val INPUT_OF_PIXEL = {array}(", "" if integer else "f", ")")
    return {
        "kotlin_input": f"        {writing}",
        "kotlin_output": "\n".join(f"        {line}" for line in _kotlin_output(model, kind)),
        "kotlin_table": table + helpers,
    }


def _kotlin_output(model: TfliteModel, kind: OutputKind) -> list[str]:
    single, reading = model.output().elements == 1, "outputs[0].readFloat()"
    if model.output().dtype == "int8":
        scale, zero_point = _output(model)
        reading = f"outputs[0].readInt8().map {{ (it - ({zero_point})) * {scale}f }}.toFloatArray()"
    if not single:
        return [f"val scores = {reading}"]
    second = "output" if kind is OutputKind.ONE_PROBABILITY else "1f / (1f + kotlin.math.exp(-output))"
    return [f"val output = {reading}[0]", f"val second = {second}", "val scores = floatArrayOf(1f - second, second)"]


def _swift(model: TfliteModel, known: Preprocessing, kind: OutputKind) -> dict[str, str]:
    rearranged, by_channel, integer = (
        known.rearranged,
        known.normalisation.channels > 1,
        model.input().dtype == "int8",
    )
    walks = rearranged or by_channel
    byte = ("pixels[Self.place($0)]" if rearranged else "pixels[$0]") if walks else "$0"
    values = "(0..<Self.inputSize)" if walks else "pixels"
    place = f"Self.channel($0) * 256 + Int({byte})" if by_channel else f"Int({byte})"
    looked_up = f"Self.inputOfPixel[{place}]"
    if integer:
        writing = f"let data = Data({values}.map {{ UInt8(bitPattern: {looked_up}) }})"
    else:
        real = looked_up if _looks_up(model, known) else _normalised(f"Float({byte})", known, "")
        writing = f"let data = {values}.map {{ {real} }}.withUnsafeBufferPointer {{ Data(buffer: $0) }}"
    helpers = ""
    if by_channel:
        helpers += f"    private static func channel(_ index: Int) -> Int {{ {_channel(known)} }}\n"
    if rearranged:
        helpers += _function("    private static func place(_ index: Int) -> Int", places(known, "let"))
    table = _table(
        model, known, f"    private static let inputOfPixel: [{'Int8' if integer else 'Float'}] = [", "", "]"
    )
    return {
        "swift_input": f"        {writing}",
        "swift_output": "\n".join(f"        {line}" for line in _swift_output(model, kind)),
        "swift_table": table + helpers,
    }


def _swift_output(model: TfliteModel, kind: OutputKind) -> list[str]:
    if model.output().dtype == "int8":
        scale, zero_point = _output(model)
        reading = f"output.map {{ Float(Int(Int8(bitPattern: $0)) - ({zero_point})) * {scale} }}"
    else:
        reading = "output.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }"
    if model.output().elements != 1:
        return [f"let scores = {reading}"]
    second = "values[0]" if kind is OutputKind.ONE_PROBABILITY else "1 / (1 + exp(-values[0]))"
    return [f"let values = {reading}", f"let second = {second}", "let scores = [1 - second, second]"]
