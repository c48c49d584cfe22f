"""Kotlin and Swift that run a network with any inputs and outputs on real numbers, made from its shapes and types."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from string import Template

from edgemnist.commands.deploy.phone_code import float_literal, in_words
from edgemnist.support.errors import ModelError
from edgemnist.support.version import VERSION
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.kinds import keeps_something

MODEL_FILE = "network.tflite"
CODE_FILES = {"android": "Network.kt", "ios": "Network.swift"}
_TEMPLATES = Path(__file__).with_name("phone")
_KEPT = " What it keeps from one run to the next\n{0} begins anew with the object."

_KOTLIN_QUANTISED = """
        /** Rounds half away from zero, and keeps it within the type. */
        private fun quantised(real: Float, scale: Float, zeroPoint: Int): Byte {
            val scaled = real / scale
            val whole = kotlin.math.truncate(scaled)
            val rounded = if (kotlin.math.abs(scaled - whole) >= 0.5f) whole + kotlin.math.sign(scaled) else whole
            return (rounded + zeroPoint).coerceIn(-128f, 127f).toInt().toByte()
        }
"""

_SWIFT_QUANTISED = """
    /// Rounds half away from zero, and keeps it within the type.
    private static func quantised(_ real: Float, _ scale: Float, _ zeroPoint: Float) -> UInt8 {
        UInt8(bitPattern: Int8(min(max((real / scale).rounded() + zeroPoint, -128), 127)))
    }
"""

_SWIFT_FLOATS = """
    private static func floats(_ data: Data) -> [Float] {
        data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
"""


def network_code(system: str, model: TfliteModel, package: str) -> str:
    """Return the code for ``android`` or ``ios``; ``package`` is the Kotlin package.

    Each input and output is an array of real numbers, of which the code makes the integers that the model has.

    :raises ModelError: an int8 input or output has no scale.
    """
    entries, results = ([model.tensors[index] for index in some] for some in (model.inputs, model.outputs))
    lead = " *" if system == "android" else "///"
    values = {
        "model": MODEL_FILE,
        "stem": Path(MODEL_FILE).stem,
        "version": VERSION,
        "package": package,
        "kept": _KEPT.format(lead) if keeps_something(model) else "",
    }
    parts = (_kotlin if system == "android" else _swift)(model, entries, results)
    return Template((_TEMPLATES / CODE_FILES[system]).read_text(encoding="utf-8")).substitute(values, **parts)


def _about(model: TfliteModel, tensor: TensorInfo) -> str:
    """Return an input or output for a comment, which no name may end."""
    name = "".join(one if one.isprintable() else "?" for one in model.readable[tensor.index])
    return f"{name.replace('*/', '* /').replace('/*', '/ *')}: {in_words(tensor)}"


def _scale(tensor: TensorInfo) -> tuple[str, int] | None:
    """Return the scale and zero point of integers, None for floats."""
    if tensor.dtype != "int8":
        return None
    if tensor.quantisation is None:
        raise ModelError(f"the int8 tensor {tensor.name!r} has no scale; convert the model again")
    return float_literal(tensor.quantisation.scale), tensor.quantisation.zero_point


def _kotlin(model: TfliteModel, entries: Sequence[TensorInfo], results: Sequence[TensorInfo]) -> dict[str, str]:
    given, taken = list(enumerate(results)), list(enumerate(entries))
    sizes = [(f"INPUT_{number}", one) for number, one in taken] + [(f"OUTPUT_{number}", one) for number, one in given]
    return {
        "kotlin_outputs": "\n".join(
            f"    /** {_about(model, one)}. */\n    val output{number}: FloatArray," for number, one in given
        ),
        "kotlin_about": "\n".join(f"     *  [input{number}]: {_about(model, one)}." for number, one in taken),
        "kotlin_parameters": ", ".join(f"input{number}: FloatArray" for number, _ in taken),
        "kotlin_inputs": "\n".join(line for number, one in taken for line in _kotlin_input(number, one)),
        "kotlin_results": "\n".join(f"            {_kotlin_result(number, one)}," for number, one in given),
        "kotlin_sizes": "\n".join(f"        const val {name}_SIZE = {one.elements}" for name, one in sizes),
        "kotlin_quantised": _KOTLIN_QUANTISED if any(map(_scale, entries)) else "",
    }


def _kotlin_input(number: int, tensor: TensorInfo) -> list[str]:
    name, size, scale = f"input{number}", f"INPUT_{number}_SIZE", _scale(tensor)
    writing = f"inputs[{number}].writeFloat({name})"
    if scale is not None:
        value = f"quantised({name}[it], {scale[0]}f, {scale[1]})"
        writing = f"inputs[{number}].writeInt8(ByteArray({size}) {{ {value} }})"
    return [
        f'        require({name}.size == {size}) {{ "{name} has {tensor.elements} values, got " + {name}.size }}',
        f'        require({name}.all {{ it.isFinite() }}) {{ "{name} has a value that is no finite number" }}',
        f"        {writing}",
    ]


def _kotlin_result(number: int, tensor: TensorInfo) -> str:
    scale = _scale(tensor)
    if scale is None:
        return f"outputs[{number}].readFloat()"
    return f"outputs[{number}].readInt8().map {{ (it - ({scale[1]})) * {scale[0]}f }}.toFloatArray()"


def _swift(model: TfliteModel, entries: Sequence[TensorInfo], results: Sequence[TensorInfo]) -> dict[str, str]:
    given, taken = list(enumerate(results)), list(enumerate(entries))
    sizes = [(f"input{number}", one) for number, one in taken] + [(f"output{number}", one) for number, one in given]
    return {
        "swift_outputs": "\n".join(
            f"    /// {_about(model, one)}.\n    let output{number}: [Float]" for number, one in given
        ),
        "swift_about": "\n".join(f"    /// `input{number}`: {_about(model, one)}." for number, one in taken),
        "swift_parameters": ", ".join(f"input{number}: [Float]" for number, _ in taken),
        "swift_inputs": "\n".join(line for number, one in taken for line in _swift_input(number, one)),
        "swift_read": "\n".join(f"        let data{number} = try interpreter.output(at: {number}).data"
                                for number, _ in given),
        "swift_results": ",\n".join(f"            {_swift_result(number, one)}" for number, one in given),
        "swift_sizes": "\n".join(f"    static let {name}Size = {one.elements}" for name, one in sizes),
        "swift_quantised": _SWIFT_QUANTISED if any(map(_scale, entries)) else "",
        "swift_floats": "" if all(map(_scale, results)) else _SWIFT_FLOATS,
    }  # fmt: skip


def _swift_input(number: int, tensor: TensorInfo) -> list[str]:
    name, scale = f"input{number}", _scale(tensor)
    data = f"{name}.withUnsafeBufferPointer {{ Data(buffer: $0) }}"
    if scale is not None:
        data = f"Data({name}.map {{ Self.quantised($0, {scale[0]}, {scale[1]}) }})"
    return [
        f"        try Self.check({name}, {number}, Self.{name}Size)",
        f"        try interpreter.copy({data}, toInputAt: {number})",
    ]


def _swift_result(number: int, tensor: TensorInfo) -> str:
    scale = _scale(tensor)
    if scale is None:
        return f"output{number}: Self.floats(data{number})"
    value = f"Float(Int(Int8(bitPattern: $0)) - ({scale[1]})) * {scale[0]}"
    return f"output{number}: data{number}.map {{ {value} }}"
