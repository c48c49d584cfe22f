"""What a model's output means in C: how many classes there are, and what one output says of two."""

from __future__ import annotations

import numpy as np

from edgemnist.csource.pixels import C_TYPES
from edgemnist.csource.source import comment_text, float_constant
from edgemnist.tflite.derived import output_kind
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.pixels import INTEGER_TYPES, dequantise
from edgemnist.tflite.preprocessing import OutputKind, Preprocessing


def known_output(model: TfliteModel, preprocessing: Preprocessing | None) -> OutputKind:
    """Return what a model's outputs are: what is recorded where that fits their number, else what the file tells.

    Of several outputs nothing is known.
    """
    if len(model.outputs) != 1:
        return OutputKind.UNKNOWN
    recorded = preprocessing.output if preprocessing else OutputKind.UNKNOWN
    fits = recorded.single == (model.output().elements == 1)
    return recorded if fits and recorded is not OutputKind.UNKNOWN else output_kind(model)


def class_limit(output: TensorInfo, kind: OutputKind) -> float | None:
    """Return the largest value of a single output, as the tensor holds it, that still stands for class 0.

    The probability of class 1 is a half there, or its score 0. For integers it may lie one below the lowest.

    :returns: None where the output is of a type that holds neither.
    """
    half = 0.5 if kind is OutputKind.ONE_PROBABILITY else 0.0
    if output.dtype == "float32":
        return half
    if output.dtype not in INTEGER_TYPES or output.quantisation is None:
        return None
    limits = np.iinfo(output.dtype)
    codes = np.arange(int(limits.min), int(limits.max) + 1)
    return int(limits.min) - 1 + int((dequantise(codes, output.quantisation) <= half).sum())


def second_class(output: TensorInfo, kind: OutputKind, value: str) -> str:
    """Return a C expression that is 1 where ``value``, a single output, stands for class 1, and else 0."""
    limit = class_limit(output, kind)
    if limit is None:
        return "0"
    if output.dtype == "float32":
        return f"{value} > {float_constant(limit)} ? 1 : 0"
    limits = np.iinfo(output.dtype)
    # A comparison that always ends alike would be warned of.
    return f"{value} > {limit} ? 1 : 0" if int(limits.min) <= limit < int(limits.max) else str(int(limit < limits.min))


def class_function(
    symbol: str, output: TensorInfo, kind: OutputKind, names: tuple[str, ...], *, taken: str = ""
) -> str:
    """Return ``<symbol>_class_of``: the class with the highest value, or of two that one output tells apart.

    It is "" where the output is no list of values, or of a type that says nothing. ``taken`` is a name that the file
    declares elsewhere.
    """
    argument = "output" if taken != "output" else "output_"
    if output.elements > 1:
        return _highest(symbol, output, argument)
    if class_limit(output, kind) is None:
        return ""
    called = [f"{index} ({comment_text(name)})" for index, name in enumerate(names)] or ["0", "1"]
    what, half = ("probability", "0.5") if kind is OutputKind.ONE_PROBABILITY else ("score", "0")
    limit = "" if output.dtype == "float32" else f", q > {class_limit(output, kind)},"
    condition = second_class(output, kind, f"*{argument}")
    unused = "" if argument in condition else f"    (void){argument};\n"
    return (
        f"/* The output is the {what} of class {called[1]}: above {half}{limit} it is that one, else {called[0]}. */\n"
        f"static inline int {symbol}_class_of(const {C_TYPES[output.dtype]} *{argument})\n"
        f"{{\n{unused}    return {condition};\n}}\n"
    )


def _highest(symbol: str, output: TensorInfo, argument: str) -> str:
    if output.elements != output.shape[-1] or output.dtype not in (*INTEGER_TYPES, "float32"):
        return ""
    return (
        "/* The class with the highest value, the first of equals. */\n"
        f"static inline int {symbol}_class_of(const {C_TYPES[output.dtype]} {argument}[{output.elements}])\n"
        "{\n    int best = 0;\n"
        f"    for (int i = 1; i < {output.elements}; ++i) {{\n"
        f"        if ({argument}[i] > {argument}[best]) best = i;\n"
        "    }\n    return best;\n}\n"
    )
