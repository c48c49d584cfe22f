"""The C function that turns a pixel into a model's input value, for every generated header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgemnist.csource.source import float_constant, lines_of
from edgemnist.tflite.file import TensorInfo, TfliteModel
from edgemnist.tflite.normalisation import Normalisation, normalisation_name
from edgemnist.tflite.pixels import infer_normalisation, pixel_table
from edgemnist.tflite.preprocessing import Preprocessing

C_TYPES: Mapping[str, str] = {
    "float32": "float",
    "float64": "double",
    "float16": "uint16_t",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
    "int64": "int64_t",
    "uint64": "uint64_t",
    "bool": "uint8_t",
}


@dataclass(frozen=True)
class PixelCode:
    """C text that turns a pixel into an input value, and one line that tells people what it does."""

    summary: str
    declaration: str = ""
    definition: str = ""


def image_input(model: TfliteModel) -> TensorInfo | None:
    """Return a model's input, None where it has several."""
    return model.tensors[model.inputs[0]] if len(model.inputs) == 1 else None


def pixel_code(
    symbol: str, tensor: TensorInfo | None, preprocessing: Preprocessing | None, *, parameter: str = "pixel"
) -> PixelCode:
    """Return ``<symbol>_quantise_pixel`` (or ``_normalise_pixel``), equal to ``pixels.pixel_table`` for all 256 values.

    ``preprocessing`` None takes the usual normalisation that the input's quantisation fits. ``parameter`` names the
    function's argument; it must not be a name that the file declares elsewhere.
    """
    if tensor is not None:
        normalisation = preprocessing.normalisation if preprocessing else infer_normalisation(tensor)
    if tensor is None or normalisation is None or tensor.dtype not in ("int8", "uint8", "int16", "float32"):
        return PixelCode("no pixel quantiser: what range the input was trained on is not known")
    trained = f"0..255 stands for {normalisation_name(normalisation)}"
    table = pixel_table(tensor, normalisation)
    verb = "normalise" if tensor.dtype == "float32" else "quantise"
    head = f"static inline {C_TYPES[tensor.dtype]} {symbol}_{verb}_pixel(uint8_t {parameter})"
    formula = _pixel_formula(tensor, normalisation, table, parameter)
    if formula is not None:
        value, words = formula
        return PixelCode(f"{trained}; {words}", declaration=_function(head, value))
    array, ctype = f"{symbol}_pixel_table", C_TYPES[tensor.dtype]
    values = [float_constant(float(v)) if tensor.dtype == "float32" else str(int(v)) for v in table]
    return PixelCode(
        f"{trained}; looked up in a table of 256 entries",
        declaration=f"extern const {ctype} {array}[256];\n\n" + _function(head, f"{array}[{parameter}]"),
        definition=f"const {ctype} {array}[256] = {{\n{lines_of(values)}\n}};\n",
    )


def _function(head: str, value: str) -> str:
    return f"{head}\n{{\n    return {value};\n}}\n"


def _pixel_formula(
    tensor: TensorInfo, normalisation: Normalisation, table: NDArray[Any], pixel: str
) -> tuple[str, str] | None:
    """Return a C expression equal to the table for every pixel, and its formula for people; None needs the table."""
    if tensor.dtype == "float32":
        # One product rounds the same everywhere; product and sum may be fused on some cores, which would differ.
        constant = float_constant(normalisation.scale)
        return (f"(float){pixel} * {constant}", f"x = pixel * {constant}") if normalisation.offset == 0 else None
    shifts = np.unique(table.astype(np.int64) - np.arange(256))
    if len(shifts) != 1:
        return None
    shift = int(shifts[0])
    if shift == 0:
        return (pixel if tensor.dtype == "uint8" else f"({C_TYPES[tensor.dtype]}){pixel}", "q = pixel")
    sign, size = ("-", -shift) if shift < 0 else ("+", shift)
    return f"({C_TYPES[tensor.dtype]})({pixel} {sign} {size})", f"q = pixel {sign} {size}"
