"""The C functions between real numbers and the integers of a network's inputs and outputs."""

from __future__ import annotations

import numpy as np

from edgemnist.csource.pixels import C_TYPES
from edgemnist.csource.source import float_constant
from edgemnist.tflite.file import TensorInfo
from edgemnist.tflite.pixels import INTEGER_TYPES


def quantise_function(name: str, macro: str, tensor: TensorInfo) -> str:
    """Return the C function ``name``, equal to ``tflite.pixels.quantise`` for every float; "" for another tensor.

    ``macro``: what the macros of the tensor's scale and zero point begin with.
    """
    if not _has_one_scale(tensor):
        return ""
    assert tensor.quantisation is not None
    limits, ctype = np.iinfo(tensor.dtype), C_TYPES[tensor.dtype]
    low, high = (
        float_constant(float(int(limit) - tensor.quantisation.zero_point)) for limit in (limits.min, limits.max)
    )
    return (
        "/* A real number as the input holds it: value / scale + zero point, rounded, ties away from zero,\n"
        " * and kept within the type; what is no number is its lowest value. */\n"
        f"static inline {ctype} {name}(float value)\n{{\n"
        f"    const float scaled = value / {macro}_SCALE;\n"
        "    int32_t whole;\n"
        f"    if (!(scaled > {low})) return {int(limits.min)};\n"
        f"    if (scaled >= {high}) return {int(limits.max)};\n"
        "    whole = (int32_t)scaled;\n"
        "    if (scaled - (float)whole >= 0.5f) ++whole;\n"
        "    else if ((float)whole - scaled >= 0.5f) --whole;\n"
        f"    return ({ctype})(whole + {macro}_ZERO_POINT);\n}}\n"
    )


def dequantise_function(name: str, macro: str, tensor: TensorInfo) -> str:
    """Return the C function ``name``, equal to ``tflite.pixels.dequantise``; "" for a tensor without one scale."""
    if not _has_one_scale(tensor):
        return ""
    return (
        "/* The real number that a value of the output stands for. */\n"
        f"static inline float {name}({C_TYPES[tensor.dtype]} value)\n{{\n"
        f"    return (float)(value - {macro}_ZERO_POINT) * {macro}_SCALE;\n}}\n"
    )


def _has_one_scale(tensor: TensorInfo) -> bool:
    quantisation = tensor.quantisation
    return tensor.dtype in INTEGER_TYPES and quantisation is not None and not quantisation.per_channel
